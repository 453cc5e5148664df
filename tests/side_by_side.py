"""Lets several processes share a run: what takes longest begins first, and a test that measures time runs alone."""

import fcntl
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from xdist.scheduler import LoadScopeScheduling
from xdist.workermanage import WorkerController

ALONE = "alone"
FOLDER, CLOSING = "folder of the turns", "closing lines"
CLOSING_LINES = pytest.StashKey[dict[str, list[str]]]()
LONGEST_FIRST = ("tests/chaos/", "tests/end_to_end/", "tests/integration/", "")
ONE_SERVER = ("tests/integration/exporter/tryton/",)
"""Folders whose tests share a server that takes long to start: one process gets all of them."""


def share(config: pytest.Config) -> None:
    """Make this process a part of a shared run, if there is one; pytest's option -n begins it."""
    if given := getattr(config, "workerinput", None):
        config.pluginmanager.register(OneOfSeveral(Turns(Path(given[FOLDER]))))
    elif config.getoption("numprocesses", None):
        config.pluginmanager.register(Overseer())


def close_with(config: pytest.Config, title: str, line: str) -> None:
    """Add a line to those that the run ends with, under `title`."""
    config.stash.setdefault(CLOSING_LINES, {}).setdefault(title, []).append(line)


def closing_lines(config: pytest.Config) -> dict[str, list[str]]:
    """Return the different lines that the run ends with, by title."""
    return {title: list(dict.fromkeys(lines)) for title, lines in config.stash.get(CLOSING_LINES, {}).items()}


class Turns:
    """Who takes a turn shares the room with all others, or has it alone."""

    def __init__(self, folder: Path) -> None:
        self._door, self._room = folder / "door", folder / "room"

    @contextmanager
    def turn(self, *, is_alone: bool) -> Iterator[None]:
        """Run the block in the room; who waits for it stands in the door, so that nobody is overtaken for ever."""
        with self._room.open("a") as room:
            with self._door.open("a") as door:
                fcntl.flock(door, fcntl.LOCK_EX)
                fcntl.flock(room, fcntl.LOCK_EX if is_alone else fcntl.LOCK_SH)
            yield


class OneOfSeveral:
    """What a process does that runs a part of the tests."""

    def __init__(self, turns: Turns) -> None:
        self._turns = turns

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Sort the tests by folder, the longest that are alone first, and leave them in their order otherwise."""
        items.sort(key=_turn)

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Generator[None, object, object]:
        """Wait for the test's turn before its time begins to count."""
        with self._turns.turn(is_alone=_is_alone(item)):
            return (yield)

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Hand over what this process would end the run with."""
        output: dict[str, Any] = session.config.workeroutput  # type: ignore[attr-defined]
        output[CLOSING] = closing_lines(session.config)


class Overseer:
    """What the process does that gives the tests away and prints the summary."""

    def __init__(self) -> None:
        self._folder = TemporaryDirectory(prefix="countersign-turns-")

    def pytest_configure_node(self, node: WorkerController) -> None:
        """Tell a process where the turns are."""
        node.workerinput[FOLDER] = self._folder.name

    def pytest_xdist_make_scheduler(self, config: pytest.Config, log: Any) -> LoadScopeScheduling:
        """Give away a file at a time, in the order of the tests."""
        config.option.loadscopereorder = False
        return ByFile(config, log)

    def pytest_testnodedown(self, node: WorkerController) -> None:
        """Collect what a process would have ended with; one that crashed has handed over nothing."""
        for title, lines in getattr(node, "workeroutput", {}).get(CLOSING, {}).items():
            for line in lines:
                close_with(node.config, title, line)

    def pytest_unconfigure(self) -> None:
        """Remove the turns."""
        self._folder.cleanup()


class ByFile(LoadScopeScheduling):
    """Gives each process a file at a time, or a folder whose tests share a server."""

    def _split_scope(self, nodeid: str) -> str:
        return next((folder for folder in ONE_SERVER if nodeid.startswith(folder)), nodeid.split("::", 1)[0])


def _turn(item: pytest.Item) -> tuple[int, bool]:
    folder = next(place for place, folder in enumerate(LONGEST_FIRST) if item.nodeid.startswith(folder))
    return folder, folder == 0 and not _is_alone(item)  # a fault run takes minutes: nobody should wait for one


def _is_alone(item: pytest.Item) -> bool:
    return item.get_closest_marker(ALONE) is not None
