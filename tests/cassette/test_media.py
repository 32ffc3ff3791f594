"""Images, PDFs and files of requests and answers stand in side files, by hash."""

from __future__ import annotations

import base64
import re
import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml

from claude_replay.cassette import Entry, dump_cassette, load_cassette, save_cassette
from claude_replay.cassette.media import FOLDER
from claude_replay.errors import CassetteLoadError
from claude_replay.exchange import Binary, Exchange, Json, Multipart, Part, Request, Response
from conversation_samples import Item, answered
from exchange_samples import URL, exchange

PIXELS = bytes(range(256)) * 20
PAPER = b"%PDF-1.7\n" + bytes(range(255, -1, -1)) * 30


def picture(content: bytes = PIXELS, kind: str = "image/png", **fields: object) -> Item:
    """An image block."""
    data = base64.b64encode(content).decode()
    return {"type": "image", "source": {"type": "base64", "media_type": kind, "data": data, **fields}}


def look(*blocks: Item, text: str = "What is this?") -> Exchange:
    """A request with these blocks, answered in a word."""
    content = [*blocks, {"type": "text", "text": text}]
    return answered(
        {"messages": [{"role": "user", "content": content}]}, [{"type": "text", "text": "A thing."}]
    )


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where a test's cassette is, in a project of its own."""
    (tmp_path / ".git").mkdir()
    return tmp_path / "cassettes" / "tests" / "test_look" / "test_it.yaml"


def save(path: Path, *exchanges: Exchange) -> str:
    """The text of a cassette with these exchanges, written with its side files."""
    save_cassette(path, [Entry(exchange=item) for item in exchanges], home="cassettes")
    return path.read_text()


def load(path: Path) -> list[Exchange]:
    """The exchanges of a cassette."""
    return [entry.exchange for entry in entries(path)]


def entries(path: Path) -> list[Entry]:
    """The entries of a cassette."""
    cassette = load_cassette(path)
    assert cassette is not None
    return cassette.entries


def side_files(path: Path) -> list[Path]:
    """All side files of the project."""
    return sorted(path.parents[3].rglob(f"{FOLDER}/[!.]*"))


def test_an_image_stands_in_a_file_of_its_own_and_comes_back(path: Path) -> None:
    """In the cassette stand what the file is called, its size, and what kind it is."""
    original = look(picture())
    text = save(path, original)
    (file,) = side_files(path)
    assert file.parent == path.parents[2] / FOLDER
    assert file.read_bytes() == PIXELS
    (item,) = yaml.safe_load(text)["exchanges"]
    assert item["request"]["media"] == [file.name]
    source = item["request"]["body"]["messages"][0]["content"][0]["source"]
    data = {"side_file": file.name, "size": len(PIXELS)}
    assert source == {"type": "base64", "media_type": "image/png", "data": data}
    assert load(path) == [original]
    assert len(text) < 1000


def test_the_same_image_is_kept_once(path: Path) -> None:
    """In however many turns, exchanges and cassettes it is sent."""
    save(
        path,
        look(picture()),
        look(picture(), picture(PAPER, "application/pdf")),
        look(picture(), text="Again?"),
    )
    other = path.parents[1] / "test_other" / "test_b.yaml"
    save(
        other,
        look(picture()),
        look({"type": "document", "source": picture(PAPER, "application/pdf")["source"]}),
    )
    assert sorted(file.suffix for file in side_files(path)) == [".pdf", ".png"]
    before = {file: file.stat().st_mtime_ns for file in side_files(path)}
    save(other, look(picture()))
    assert {file: file.stat().st_mtime_ns for file in side_files(path)} == before


def test_every_kind_of_body_has_its_large_media_taken_out(path: Path) -> None:
    """Bytes sent and received, parts of an upload, images in answers and in results of tools."""
    result = {"type": "tool_result", "tool_use_id": "t", "content": [picture(PIXELS[1:], "image/webp")]}
    part = {
        "content-disposition": 'form-data; name="file"; filename="a.pdf"',
        "content-type": "application/pdf",
    }
    upload = Multipart(
        (
            Part({"content-disposition": 'form-data; name="x"'}, Json(picture(PIXELS[2:]))),
            Part(part, Binary(PAPER)),
        )
    )
    originals = [
        look(result),
        Exchange(
            Request("POST", URL, {"content-type": "application/pdf"}, Binary(PAPER)),
            Response(200, {"content-type": "image/jpeg; q=1"}, Binary(PIXELS)),
        ),
        Exchange(
            Request("POST", URL, {}, Binary(PIXELS[3:])),
            Response(200, {}, Json([picture(PAPER, "application/x-odd")])),
        ),
        Exchange(
            Request("POST", URL, {"content-type": "multipart/form-data"}, upload), Response(204, {}, None)
        ),
    ]
    text = save(path, *originals)
    assert load(path) == originals
    assert len(text) < 3500
    kinds = sorted(file.suffix for file in side_files(path))
    assert kinds == [".bin", ".bin", ".bin", ".jpg", ".pdf", ".png", ".webp"] or kinds == sorted(kinds)
    assert {".bin", ".jpg", ".pdf", ".webp"} <= set(kinds)


@pytest.mark.parametrize(
    "block",
    [
        picture(b"small"),
        picture(data="A" * 5000 + "\n"),
        picture(data="é" * 5000),
        picture(data="A" * 4999 + "B" + "=="),
        picture(data=5),
        {"type": "thinking", "thinking": "", "signature": "QUJD" * 2000},
        {"type": "text", "text": "QUJD" * 2000},
        {
            "type": "document",
            "source": {"type": "text", "media_type": "text/plain", "data": "Words. " * 1000},
        },
        {**picture(), "cache": {"side_file": "x", "size": 1}},
    ],
)
def test_what_is_small_or_no_base64_stays_where_it_is(block: Item, path: Path) -> None:
    """So does base64 that would not come back as it stands, and all of a request that holds the notation."""
    original = look(block)
    save(path, original)
    assert load(path) == [original]
    assert side_files(path) == []


def test_a_cassette_of_one_file_needs_no_others() -> None:
    """What is not written beside side files has everything in it."""
    text = dump_cassette([Entry(exchange=look(picture()))]).decode()
    assert base64.b64encode(PIXELS).decode() in text


def test_replay_finds_a_request_without_reading_its_side_files(path: Path) -> None:
    """The hash is part of the text that the id vouches for."""
    save(path, look(picture()))
    key = entries(path)[0].find_key()
    shutil.rmtree(path.parents[2] / FOLDER)
    (entry,) = entries(path)
    assert entry.find_key() == key is not None
    assert entry.answer[0].status == 200


def test_a_missing_side_file_is_named(path: Path) -> None:
    """With the cassette, the line, the place, and where it was looked for."""
    save(path, exchange("Hi", "Ho"), look(picture()))
    (file,) = side_files(path)
    file.unlink()
    with pytest.raises(CassetteLoadError) as caught:
        load(path)
    line = path.read_text().splitlines().index(f"- id: {entries(path)[1].short_id}") + 1
    assert str(caught.value).startswith(
        f"{path}:{line}: request.body.messages[0].content[0].source.data: the side file {file.name} is missing; "
        f"it was looked for in {path.parent / FOLDER} and in {FOLDER} beside the folders above it\n"
    )


@pytest.mark.parametrize("content", [PIXELS[:-1] + b"x", b"", PIXELS + b"x"])
def test_a_changed_side_file_is_named(content: bytes, path: Path) -> None:
    """It is never taken for what was recorded."""
    save(path, look(picture()))
    (file,) = side_files(path)
    file.write_bytes(content)
    with pytest.raises(CassetteLoadError, match="was changed: its content is not what its name stands for"):
        load(path)


def test_a_link_that_leads_nowhere_is_a_missing_file(path: Path) -> None:
    """A link in a circle is none."""
    save(path, look(picture()))
    (file,) = side_files(path)
    moved = file.with_name("moved")
    file.rename(moved)
    file.symlink_to(file.name)
    with pytest.raises(CassetteLoadError, match="is missing"):
        load(path)


@pytest.mark.skipif(not Path("/proc/self/mem").exists(), reason="needs a file that cannot be read by anybody")
def test_a_side_file_that_the_system_refuses_is_named(path: Path) -> None:
    """As the system says it."""
    text = save(path, look(picture()))
    (file,) = side_files(path)
    path.write_text(text.replace(f"size: {len(PIXELS)}", "size: 0"))
    file.unlink()
    file.symlink_to("/proc/self/mem")
    with pytest.raises(CassetteLoadError, match=f"the side file {file} cannot be read: "):
        load(path)


@pytest.mark.parametrize("name", ["../../secret.png", "/etc/passwd", "x.png", "", "0" * 32 + ".png/.."])
def test_a_name_cannot_lead_elsewhere(name: str, path: Path) -> None:
    """A cassette from a stranger names what it likes, and gets nothing but side files."""
    text = save(path, look(picture()))
    (file,) = side_files(path)
    path.write_text(
        text.replace(f"side_file: '{file.name}'", f"side_file: '{name}'").replace(
            f"side_file: {file.name}", f"side_file: '{name}'"
        )
    )
    with pytest.raises(CassetteLoadError, match="is no name of a side file"):
        load(path)


@pytest.mark.parametrize("value", ["{side_file: 5, size: 1}", "5", "{side_file: x}"])
def test_a_binary_body_is_bytes_or_a_side_file(value: str, path: Path) -> None:
    """Anything else is an error that names the place."""
    text = save(path, Exchange(Request("POST", URL, {}, Binary(PIXELS)), Response(204, {}, None)))
    path.write_text(re.sub(r"binary: \{.*?\}", f"binary: {value}", text))
    with pytest.raises(CassetteLoadError, match=r"request\.binary: "):
        load(path)


def test_a_cassette_may_be_moved_within_the_folder_of_all(path: Path) -> None:
    """`git mv` of a test module takes its cassettes along; the side files stay."""
    original = look(picture())
    save(path, original)
    moved = path.parents[2] / "tests" / "unit" / "deep" / "test_look" / path.name
    moved.parent.mkdir(parents=True)
    path.rename(moved)
    assert load(moved) == [original]


def test_side_files_go_where_there_are_some(path: Path) -> None:
    """The nearest folder of side files above; the folder of all cassettes; or beside the cassette."""
    near = path.parents[1] / FOLDER
    near.mkdir(parents=True)
    save(path, look(picture()))
    assert side_files(path)[0].parent == near
    alone = path.parents[3] / "scripts" / "talk.yaml"
    save(alone, look(picture()))
    assert (alone.parent / FOLDER).is_dir()
    assert load(alone) == load(path)


def test_a_damaged_side_file_is_mended_by_recording(path: Path) -> None:
    """What is there already is only trusted after a look."""
    save(path, look(picture()))
    (file,) = side_files(path)
    file.write_bytes(b"?" * len(PIXELS))
    save(path, look(picture()))
    assert file.read_bytes() == PIXELS


def test_images_of_a_conversation_are_pointed_at_like_the_rest(path: Path) -> None:
    """The later turn names no side file of its own."""
    first = look(picture())
    history: list[Any] = first.request.json["messages"]
    later = [*history, {"role": "assistant", "content": "A thing."}, {"role": "user", "content": "Sure?"}]
    second = answered({"messages": later}, "")
    text = save(path, first, second)
    assert text.count("side_file") == 1
    assert load(path) == [first, second]


def test_git_is_told_to_leave_side_files_as_they_are(path: Path) -> None:
    """What looks like text would get other line ends on Windows, and then another hash."""
    save(path, look(picture(b"line\n" * 2000, "text/plain")))
    assert (path.parents[2] / FOLDER / ".gitattributes").read_text() == "* -text\n"
