"""Modules are changed when they are imported, and only then."""

from __future__ import annotations

import importlib
import importlib.util
import inspect
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from claude_replay.intercept.imports import ImportWatch, Patches

SOURCE = "VALUE = 1\n\n\ndef answer():\n    return VALUE\n"


@pytest.fixture
def module_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A module that can be imported and has not been."""
    name = "watched_by_test_imports"
    (tmp_path / f"{name}.py").write_text(SOURCE)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(sys, "meta_path", list(sys.meta_path))
    yield name
    sys.modules.pop(name, None)


@pytest.fixture
def announced() -> list[ModuleType]:
    return []


def test_module_is_announced_when_it_is_imported(module_name: str, announced: list[ModuleType]) -> None:
    """The call comes with the finished module, not when the watch starts."""
    ImportWatch({module_name: announced.append}).start()
    assert announced == []
    assert module_name not in sys.modules
    module = importlib.import_module(module_name)
    assert announced == [module]
    assert announced[0].VALUE == 1


def test_imported_module_is_announced_at_once(module_name: str, announced: list[ModuleType]) -> None:
    """A module that is there already is announced by `start`, once however often the watch is started."""
    module = importlib.import_module(module_name)
    watch = ImportWatch({module_name: announced.append})
    watch.start()
    watch.start()
    assert announced == [module]


def test_reloaded_and_reimported_modules_are_announced_again(
    module_name: str, announced: list[ModuleType]
) -> None:
    """Pytest run inside pytest drops modules and imports them anew; the new ones must not go unnoticed."""
    ImportWatch({module_name: announced.append}).start()
    first = importlib.import_module(module_name)
    importlib.reload(first)
    del sys.modules[module_name]
    second = importlib.import_module(module_name)
    assert announced == [first, first, second]
    assert second is not first


def test_stopped_watch_is_silent(module_name: str, announced: list[ModuleType]) -> None:
    """After `stop`, however often, the list of finders is what it was and nothing is announced."""
    before = list(sys.meta_path)
    watch = ImportWatch({module_name: announced.append})
    watch.start()
    watch.stop()
    watch.stop()
    assert sys.meta_path == before
    importlib.import_module(module_name)
    assert announced == []


def test_a_watch_that_ends_during_an_import_is_silent(
    module_name: str, tmp_path: Path, announced: list[ModuleType], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What it would change then nobody would change back."""
    watch = ImportWatch({module_name: announced.append})
    watch.start()
    monkeypatch.setattr(sys, "end_of_the_watch", watch.stop, raising=False)
    (tmp_path / f"{module_name}.py").write_text("import sys\n\nsys.end_of_the_watch()\n")
    assert importlib.import_module(module_name)
    assert announced == []


def test_every_watch_is_called(module_name: str, announced: list[ModuleType]) -> None:
    """Two watches of the same module both hear of it, the older one first."""
    heard: list[str] = []
    ImportWatch({module_name: lambda module: heard.append("older")}).start()
    ImportWatch({module_name: lambda module: heard.append("newer")}).start()
    importlib.import_module(module_name)
    assert heard == ["older", "newer"]


def test_watched_module_keeps_its_real_loader(module_name: str, announced: list[ModuleType]) -> None:
    """Nothing that looks at the module later can tell that it was watched."""
    ImportWatch({module_name: announced.append}).start()
    spec = importlib.util.find_spec(module_name)
    assert spec is not None
    assert spec.loader is not None
    assert spec.loader.is_package(module_name) is False  # type: ignore[attr-defined]
    module = importlib.import_module(module_name)
    assert module.__spec__ is not None
    assert isinstance(module.__loader__, importlib.machinery.SourceFileLoader)
    assert module.__spec__.loader is module.__loader__
    assert inspect.getsource(module) == SOURCE


def test_failing_import_fails_as_ever(module_name: str, tmp_path: Path, announced: list[ModuleType]) -> None:
    """A module that raises is not announced; a name that does not exist stays unknown."""
    (tmp_path / f"{module_name}.py").write_text("raise LookupError('broken')\n")
    ImportWatch({module_name: announced.append, "no_such_module_at_all": announced.append}).start()
    with pytest.raises(LookupError, match="broken"):
        importlib.import_module(module_name)
    with pytest.raises(ModuleNotFoundError, match="no_such_module_at_all"):
        importlib.import_module("no_such_module_at_all")
    assert announced == []


def test_namespace_package_and_odd_finders_are_left_alone(
    tmp_path: Path, module_name: str, announced: list[ModuleType]
) -> None:
    """A folder without __init__.py has nothing to execute; a finder of an old kind is passed over."""
    (tmp_path / "namespace_of_test_imports").mkdir()
    watch = ImportWatch({module_name: announced.append, "namespace_of_test_imports": announced.append})
    watch.start()
    sys.meta_path.insert(1, object())  # type: ignore[arg-type]
    spec = watch.find_spec("namespace_of_test_imports", None)
    assert spec is not None
    assert spec.submodule_search_locations is not None
    importlib.import_module(module_name)
    assert [module.__name__ for module in announced] == [module_name]


def test_module_made_by_hand_is_announced(module_name: str, announced: list[ModuleType]) -> None:
    """A loader may be run on a module that has no spec."""
    watch = ImportWatch({module_name: announced.append})
    watch.start()
    spec = watch.find_spec(module_name, None)
    assert spec is not None
    assert spec.loader is not None
    module = ModuleType(module_name)
    spec.loader.exec_module(module)
    assert announced == [module]
    assert module.VALUE == 1


def test_finder_that_was_removed_finds_nothing(module_name: str, announced: list[ModuleType]) -> None:
    """An import under way in another thread may still ask a watch that has just been stopped."""
    watch = ImportWatch({module_name: announced.append})
    assert watch.find_spec(module_name, None) is None


def test_start_waits_for_an_import_in_another_thread(
    module_name: str, tmp_path: Path, announced: list[ModuleType]
) -> None:
    """A module half imported by another thread is announced when it is complete."""
    reached, go_on = threading.Event(), threading.Event()
    gate: Any = ModuleType("gate_of_test_imports")
    gate.reached, gate.go_on = reached, go_on
    (tmp_path / f"{module_name}.py").write_text(
        "import gate_of_test_imports as gate\ngate.reached.set()\ngate.go_on.wait(10)\nVALUE = 2\n"
    )
    sys.modules[gate.__name__] = gate
    importer = threading.Thread(target=importlib.import_module, args=(module_name,))
    seen: list[int] = []
    try:
        importer.start()
        assert reached.wait(10)
        starter = threading.Thread(
            target=ImportWatch({module_name: lambda module: seen.append(module.VALUE)}).start
        )
        starter.start()
        go_on.set()
        starter.join(10)
        importer.join(10)
    finally:
        del sys.modules[gate.__name__]
    assert seen == [2]


def shout(original: Any) -> Any:
    return lambda self: original(self).upper()


def make_classes() -> tuple[Any, Any]:
    """A class with a method, and one that inherits it."""

    class Base:
        def greet(self) -> str:
            return "hello"

    class Derived(Base):
        pass

    return Base, Derived


def test_patches_give_back_exactly_what_was_there() -> None:
    """An inherited method is inherited again, an own one is the same object, a missing one stays missing."""
    base, derived = make_classes()
    own = vars(base)["greet"]
    patches = Patches()
    patches.replace(derived, "greet", shout)
    patches.replace(derived, "greet", lambda original: pytest.fail("patched twice"))
    patches.replace(base, "greet", shout)
    patches.replace(derived, "no_such_name", shout)
    assert (derived().greet(), base().greet()) == ("HELLO", "HELLO")
    patches.undo()
    patches.undo()
    assert "greet" not in vars(derived)
    assert vars(base)["greet"] is own
    assert not hasattr(derived, "no_such_name")


def test_upper_patches_come_off_without_the_lower() -> None:
    """Last placed, first undone: what lies below stays."""
    base, _ = make_classes()
    lower, upper = Patches(), Patches()
    lower.replace(base, "greet", shout)
    upper.replace(base, "greet", lambda original: lambda self: original(self) + "!")
    assert base().greet() == "HELLO!"
    upper.undo()
    assert base().greet() == "HELLO"


def test_lower_patches_leave_the_upper_alone() -> None:
    """What somebody else has put on top is not taken away with ours."""
    base, _ = make_classes()
    lower, upper = Patches(), Patches()
    lower.replace(base, "greet", shout)
    upper.replace(base, "greet", lambda original: lambda self: original(self) + "!")
    lower.undo()
    assert base().greet() == "HELLO!"


def test_patch_is_placed_again_after_a_reload(module_name: str) -> None:
    """Executing a module again overwrites what was patched; the watch patches it anew and all is undone."""
    patches = Patches()
    watch = ImportWatch(
        {module_name: lambda module: patches.replace(module, "answer", lambda original: lambda: 2)}
    )
    watch.start()
    module = importlib.import_module(module_name)
    importlib.reload(module)
    assert module.answer() == 2
    patches.undo()
    assert module.answer() == 1
