"""Changes modules when they are imported, without importing them, and changes them back."""

from __future__ import annotations

import functools
import importlib
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from importlib.machinery import ModuleSpec
    from types import ModuleType

__all__ = ["ImportWatch", "LastingPatches", "Patches"]


class ImportWatch:
    """
    Calls a function with each of the named modules, as soon as it is imported.

    From `start()` to `stop()`: at once for modules that are already there, again for one that is reloaded or
    imported anew after its removal from `sys.modules`. A module may be announced twice; calls must not mind.
    An import waits for its call, and fails with what the call raises. Never imports anything itself.
    """

    def __init__(self, calls: Mapping[str, Callable[[ModuleType], None]]) -> None:
        self._calls = dict(calls)

    def start(self) -> None:
        """Begin; does nothing when it already has."""
        if self in sys.meta_path:
            return
        # First, before pytest's assertion rewriting, which would otherwise answer for the module.
        sys.meta_path.insert(0, self)
        for name, call in self._calls.items():
            if sys.modules.get(name) is not None:
                # Another thread may be in the middle of importing it: this waits for its end.
                call(importlib.import_module(name))

    def stop(self) -> None:
        """End; what is imported from now on is nobody's business."""
        if self in sys.meta_path:
            sys.meta_path.remove(self)

    def find_spec(
        self, name: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """What the finders after this one say, with a loader that announces the module."""
        call = self._calls.get(name)
        if call is None:
            return None
        spec = _find_after(self, name, path, target)
        if spec is not None and hasattr(spec.loader, "exec_module"):
            announce = functools.partial(self._announce, call)
            spec.loader = _AnnouncingLoader(spec.loader, announce)  # type: ignore[assignment]
        return spec

    def _announce(self, call: Callable[[ModuleType], None], module: ModuleType) -> None:
        # It may have ended while the module was being imported.
        if self in sys.meta_path:
            call(module)


class _AnnouncingLoader:
    """Takes the place of a module's loader until the module is being executed."""

    def __init__(self, loader: Any, call: Callable[[ModuleType], None]) -> None:
        self._loader = loader
        self._call = call

    def __getattr__(self, name: str) -> Any:
        return getattr(self._loader, name)

    def exec_module(self, module: ModuleType) -> None:
        # Whatever asks the module for its loader later (inspect, importlib.resources) wants the real one.
        module.__loader__ = self._loader
        if module.__spec__ is not None:
            module.__spec__.loader = self._loader
        self._loader.exec_module(module)
        self._call(module)


def _find_after(
    finder: ImportWatch, name: str, path: Sequence[str] | None, target: ModuleType | None
) -> ModuleSpec | None:
    # Only those after it: those before it were asked already, and a watch among them would ask this one.
    finders = list(sys.meta_path)
    for other in finders[finders.index(finder) + 1 :] if finder in finders else ():
        # Some old finders have no `find_spec`; Python itself passes over them since 3.12.
        find = getattr(other, "find_spec", None)
        spec: ModuleSpec | None = find(name, path, target) if find is not None else None
        if spec is not None:
            return spec
    return None


class Patches:
    """
    Attributes that were replaced, and how to put back what was there.

    Several may lie on top of each other (pytest inside pytest); each gives back only what is still its own.
    """

    def __init__(self) -> None:
        self._undo: list[Callable[[], None]] = []
        self._placed: dict[tuple[int, str], object] = {}

    def replace(self, owner: Any, name: str, make: Callable[[Any], Any]) -> None:
        """
        Puts `make(original)` in the place of `owner.name`.

        Does nothing where there is no such name, or where this has already been done. What `make` returns says
        with `__wrapped__`, as functools.wraps does, what lies below.
        """
        missing = object()
        current = getattr(owner, name, missing)
        # Somebody else's may lie on top of ours by now.
        if current is missing or self._placed.get((id(owner), name), missing) in _layers_of(current):
            return
        own = vars(owner).get(name, missing)
        replacement = make(getattr(owner, name))

        def restore() -> None:
            if vars(owner).get(name) is not replacement:
                return
            if own is missing:
                delattr(owner, name)
            else:
                setattr(owner, name, own)

        setattr(owner, name, replacement)
        # `restore` keeps the owner alive, so no other object can get its id.
        self._placed[id(owner), name] = replacement
        self._undo.append(restore)

    def undo(self) -> None:
        """Puts everything back, last first."""
        while self._undo:
            self._undo.pop()()
        self._placed.clear()


class LastingPatches:
    """
    Changes to modules that are made once, when somebody first needs them, and stay.

    Each of `calls` is told the module of its name, imported by then or later, and where to put its replacements.
    """

    def __init__(self, calls: Mapping[str, Callable[[ModuleType, Patches], None]]) -> None:
        patches = Patches()
        self._watch = ImportWatch(
            {name: functools.partial(_with_patches, call, patches) for name, call in calls.items()}
        )

    def install(self) -> None:
        """From now on; does nothing when it already does."""
        self._watch.start()


def _with_patches(call: Callable[[ModuleType, Patches], None], patches: Patches, module: ModuleType) -> None:
    call(module, patches)


def _layers_of(function: object) -> list[object]:
    layers = [function]
    while (below := getattr(layers[-1], "__wrapped__", None)) is not None:
        layers.append(below)
    return layers
