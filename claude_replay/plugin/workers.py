"""pytest-xdist: what the main process and its workers tell each other."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from claude_replay.plugin.state import State

__all__ = ["WorkerHooks", "tell_main_process"]


def tell_main_process(state: State) -> None:
    """Hand over what this worker knows when it ends."""
    output: dict[str, Any] = state.config.workeroutput  # type: ignore[attr-defined]
    output["claude_replay"] = {
        "tallies": [tally.as_dict() for tally in state.tallies],
        "orphans": state.orphans,
        "notes": state.notes,
    }


class WorkerHooks:
    """Hooks of xdist, registered only where it is installed: pytest refuses hooks that nobody declares."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._orphans: list[set[str]] = []

    def pytest_configure_node(self, node: Any) -> None:
        """Give a worker the name of the run, so that all of them agree which cassettes are new, and its extent."""
        from claude_replay.plugin.extent import collected_folders

        node.workerinput["claude_replay_run"] = self._state.run_id
        node.workerinput["claude_replay_folders"] = collected_folders(self._state.config)

    def pytest_testnodedown(self, node: Any, error: object) -> None:
        """Take what a worker knows; one that crashed knows nothing, and then nobody can tell an orphan."""
        output = getattr(node, "workeroutput", {}).get("claude_replay")
        if output is None:
            self._state.lost_workers.append(node.gateway.id)
        else:
            if output["tallies"]:
                from claude_replay.session import Tally

                self._state.tallies.extend(Tally.from_dict(values) for values in output["tallies"])
            self._state.notes.extend(output["notes"])
            self._orphans.append(set(output["orphans"]))
        # Every worker collects everything but plays only its share: an orphan is what none of them has used.
        lost = self._state.lost_workers
        self._state.orphans = [] if lost or not self._orphans else sorted(set.intersection(*self._orphans))
