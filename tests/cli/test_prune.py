"""`claude-replay prune`, and what `check` says about side files."""

from __future__ import annotations

import base64
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from anthropic import Anthropic

from claude_replay import use_cassette
from standin.clients import MODEL

Run = Callable[..., tuple[int, str, str]]

MEDIA = Path("cassettes/_media")
SECRET = "sk-ant-" + "api03-" + "Zz9" * 8


def look(client: Anthropic, name: str, *contents: bytes) -> Path:
    """Record a cassette in which these images are asked about, one in each request."""
    path = Path("cassettes", "tests", f"{name}.yaml")
    with use_cassette(path, mode="once"):
        for content in contents:
            data = base64.b64encode(content).decode()
            source: Any = {"type": "base64", "media_type": "image/png", "data": data}
            message: Any = {"role": "user", "content": [{"type": "image", "source": source}]}
            client.messages.create(model=MODEL, max_tokens=9, messages=[message])
    return path


def image(number: int) -> bytes:
    """Some image."""
    return bytes([number]) * 5000


def names() -> list[str]:
    """The side files."""
    return sorted(name for name in os.listdir(MEDIA) if name[0] != ".") if MEDIA.exists() else []


def test_nothing_is_removed_unless_asked_for(client: Anthropic, run: Run) -> None:
    """What no cassette names is listed, with size and reason; `--delete` removes it."""
    look(client, "a", image(1), image(2))
    gone = look(client, "b", image(2), image(3))
    assert run("prune") == (0, "nothing to remove\n", "")
    gone.unlink()
    status, out, err = run("prune")
    listed, summed = out.splitlines()
    (path,) = [Path(word) for word in listed.split() if "_media" in word]
    assert (status, err) == (0, "")
    assert path.read_bytes() == image(3)
    assert listed == f"would remove {path} (5,000 bytes): no cassette names it"
    assert summed == "1 file, 5,000 bytes; nothing was removed: --delete does"
    assert len(names()) == 3
    assert run("prune", "--delete", "cassettes") == (
        0,
        f"removed {path} (5,000 bytes): no cassette names it\n1 file, 5,000 bytes removed\n",
        "",
    )
    assert len(names()) == 2
    assert run("check")[0] == 0


def test_an_orphan_goes_with_the_side_files_that_only_it_names(client: Anthropic, run: Run) -> None:
    """What others name stays; folders that are empty then go too."""
    kept, gone = look(client, "a", image(1)), look(client, "b", image(1), image(2))
    status, out, _ = run("prune", "--orphan", str(gone))
    assert status == 0
    assert out.splitlines()[0] == f"would remove {gone} ({gone.stat().st_size:,} bytes): named as an orphan"
    assert out.splitlines()[-1].startswith("2 files, ")
    assert gone.exists()
    assert run("prune", "--orphan", str(gone), "--delete")[0] == 0
    assert (kept.exists(), gone.exists(), len(names())) == (True, False, 1)
    assert run("prune", "--orphan", str(kept), "--delete")[0] == 0
    assert not Path("cassettes/tests").exists()
    assert not MEDIA.exists()


def test_whatever_names_a_side_file_keeps_it(client: Anthropic, run: Run) -> None:
    """A cassette that cannot be read, a journal, something put aside: it may be mended, and was paid for."""
    path = look(client, "a", image(1))
    text = path.read_text()
    path.write_text(text.replace("version: 1", "version: one"))
    assert run("prune") == (0, "nothing to remove\n", "")
    path.rename(path.with_name(".a.yaml.0123456789ab.journal"))
    assert run("prune") == (0, "nothing to remove\n", "")


def test_other_files_are_left_alone(client: Anthropic, run: Run) -> None:
    """Only what has the name of a side file can be removed, and only from folders of side files."""
    look(client, "a", image(1)).unlink()
    (MEDIA / "README.txt").write_text("Images of our tests.")
    (MEDIA / ("0" * 32 + ".png")).mkdir()
    Path("cassettes", "1" * 32 + ".png").write_bytes(b"mine")
    os.mkfifo("cassettes/pipe")
    assert "1 file, " in run("prune", "--delete")[1]
    assert names() == ["0" * 32 + ".png", "README.txt"]
    assert Path("cassettes", "1" * 32 + ".png").exists()


@pytest.mark.parametrize("delete", [True, False])
def test_what_is_no_cassette_or_is_still_needed_is_not_removed(
    client: Anthropic, run: Run, delete: bool
) -> None:
    """A wrong name is an error before anything is done."""
    unused = look(client, "a", image(1))
    text = unused.read_bytes()
    unused.unlink()
    Path("notes.txt").write_text("version: 1")
    Path("cassettes/b.yaml").write_bytes(text)
    Path("cassettes/.b.yaml.0123456789ab.journal").write_bytes(b"# claude_replay journal {}\n")
    options = ["--delete"] if delete else []
    for orphan, problem in (
        ("notes.txt", "notes.txt is not a cassette, so it is not removed"),
        ("cassettes", "cassettes is a folder; name the cassettes in it one by one"),
        ("none.yaml", "none.yaml is not a cassette"),
        (
            "cassettes/b.yaml",
            "a run that was killed left a journal beside it, with exchanges that were paid for",
        ),
    ):
        status, out, err = run("prune", "--orphan", orphan, *options)
        assert (status, out) == (2, "")
        assert problem in err
    assert Path("notes.txt").exists()
    assert Path("cassettes/b.yaml").exists()


def test_there_must_be_something_to_look_at(run: Run) -> None:
    """As with the other commands; an orphan may stand anywhere."""
    assert run("prune")[0] == 2
    assert run("prune", "nowhere")[0] == 2
    Path("c.yaml").write_text("# claude_replay cassette\nversion: 1\nexchanges: []\n...\n")
    assert run("prune", "--orphan", "c.yaml", "--delete")[0] == 0
    assert not Path("c.yaml").exists()


class TestCheck:
    """What `check` says."""

    def test_unused_missing_and_changed_side_files_are_named(self, client: Anthropic, run: Run) -> None:
        """Unused ones are a warning, the others errors of the exchanges that need them."""
        path = look(client, "a", image(1), image(2))
        first, second = (
            next(file for file in MEDIA.glob("*.png") if file.read_bytes() == image(number))
            for number in (1, 2)
        )
        spare = MEDIA / ("0" * 32 + ".png")
        spare.write_bytes(b"x")
        first.unlink()
        second.write_bytes(b"x" * 5000)
        status, out, _ = run("check")
        assert status == 1
        lines = out.splitlines()
        assert lines[2].startswith(f"{spare}:1: warning: no cassette names this side file")
        assert (
            f"{path}:4: error: request.body.messages[0].content[0].source.data: the side file {first.name}"
            in lines[0]
        )
        assert "was changed: its content is not what its name stands for" in lines[1]
        assert (
            "claude-replay prune lists side files that no cassette names, and removes them with --delete."
            in lines
        )

    def test_a_secret_in_a_side_file_is_found(self, client: Anthropic, run: Run) -> None:
        """As anywhere else, it is not shown."""
        look(client, "a", image(1))
        (file,) = MEDIA.glob("*.png")
        file.write_bytes(b"\x89PNG" + SECRET.encode() + b"\0" * 5000)
        status, out, _ = run("check")
        assert status == 1
        assert f"{file}:1: error: a secret stands in this side file" in out
        assert SECRET not in out

    def test_a_secret_in_a_conversation_is_named_once(self, client: Anthropic, run: Run) -> None:
        """Where it stands, not in each turn that goes on from there."""
        path = Path("cassettes/chat.yaml")
        messages: list[Any] = [{"role": "user", "content": "My password is hunter22hunter22. " * 10}]
        with use_cassette(path, mode="once"):
            for turn in range(3):
                answer = client.messages.create(model=MODEL, max_tokens=9, messages=messages)
                messages += [
                    {"role": "assistant", "content": answer.content},
                    {"role": "user", "content": f"{turn}?"},
                ]
        path.write_text(path.read_text().replace("hunter22hunter22", SECRET, 1))
        _, out, _ = run("check")
        assert [line for line in out.splitlines() if "a secret stands" in line] == [
            f"{path}:13: error: exchange 1: a secret stands at request.body.messages[0].content"
        ]
        assert "exchange 2: its id no longer fits the request" in out
