"""The life of a real server in a folder of its own: laid out, started, killed, restarted, removed."""

import os
import signal
import socket
import tempfile
import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import ClassVar, Self

from sandbox.servers.children import Child

START_SECONDS = 60
POLL_SECONDS = 0.05
AGAIN_SECONDS = 0.2
LOG_LINES = 25

Report = Callable[[str], None]


class ServerStartFailed(Exception):  # noqa: N818 - it names what happened, as all our errors do
    """A real server could not be fetched or did not come up; its text says why and what to do."""


class _TryAgain(Exception):  # noqa: N818 - an instruction, not an error
    """The server gave up for a reason that passes, such as a port taken by somebody else in between."""


def say_nothing(_sentence: str) -> None:
    """Progress for callers who want none."""


class LocalServer(ABC):
    """A real server on 127.0.0.1, to be used in a `with` block; its data go when the block ends.

    `report` gets a short sentence for a person whenever something begins that takes time. Methods block, and may be
    called from any thread. Raises ServerStartFailed where the server does not come up.
    """

    name: str
    stop_signal: ClassVar[signal.Signals]
    orphan_signal: ClassVar[signal.Signals]
    stop_seconds: ClassVar[float] = 20
    passing_troubles: ClassVar[tuple[str, ...]] = ("Address already in use",)

    def __init__(self, *, report: Report = say_nothing) -> None:
        self.report = report
        self.port = 0
        self._temporary = tempfile.TemporaryDirectory(
            prefix=f"countersign-{type(self).__name__.lower()}-", ignore_cleanup_errors=True
        )
        self.folder = Path(self._temporary.name)
        self._child: Child | None = None
        self._was_ready = False

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *_exception: object) -> None:
        self.close()

    @property
    def pid(self) -> int | None:
        """The process id of the running server, None while it is stopped."""
        return self._child.pid if self._child else None

    def start(self) -> None:
        """Returns when the server answers; once it has answered, later starts keep its port and its data."""
        if self._child:
            return
        self.report(f"Starting {self.name}")
        deadline = time.monotonic() + START_SECONDS
        while True:
            if not self._was_ready:
                self.lay_out()
            try:
                self._run(deadline)
            except _TryAgain:
                continue
            self._was_ready = True
            return

    def stop(self) -> None:
        """Stops the server in good order; its data stay."""
        if self._child:
            self._child.end(self.stop_signal, patience_seconds=self.stop_seconds)
            self._child = None

    def kill(self) -> None:
        """Ends the server with SIGKILL, as a power cut would; its data stay as they lie."""
        if self._child:
            self._child.kill()
            self._child = None

    def restart(self) -> None:
        """Stops the server in good order if it runs, and starts it on the same port and data."""
        self.stop()
        self.start()

    def close(self) -> None:
        """Stops the server and removes its data; it cannot be started again."""
        self.stop()
        self._temporary.cleanup()

    @property
    def log(self) -> Path:
        """Everything the server has said since its latest start."""
        return self.folder / "server.log"

    @property
    def account(self) -> str | None:
        """The user who must own the server's files and run it; None stands for ourselves."""
        return None

    @abstractmethod
    def lay_out(self) -> None:
        """Chooses ports and writes an empty server into the folder, over whatever a failed attempt left there."""

    @abstractmethod
    def command(self) -> list[str]:
        """What runs the server in the foreground."""

    @abstractmethod
    def answers(self) -> bool:
        """Whether the server takes requests now."""

    def _begin(self) -> Child:
        self.log.write_text("")
        self._child = Child(
            self.command(),
            folder=self.folder,
            log=self.log,
            account=self.account,
            orphan_signal=self.orphan_signal,
        )
        return self._child

    def _run(self, deadline: float) -> None:
        child = self._begin()
        while not self.answers():
            if child.has_ended() or time.monotonic() > deadline:
                self._give_up(deadline)
            time.sleep(POLL_SECONDS)

    def _give_up(self, deadline: float) -> None:
        self.kill()
        log = self.log.read_text(errors="replace")
        if time.monotonic() < deadline and any(trouble in log for trouble in self.passing_troubles):
            time.sleep(AGAIN_SECONDS)
            raise _TryAgain
        raise ServerStartFailed(f"{self.name} did not come up. Its last words:\n{last_lines(log)}")


def last_lines(log: str) -> str:
    """The end of a server's log, which usually names the cause of its failure."""
    return "\n".join(log.splitlines()[-LOG_LINES:])


def free_ports(count: int) -> list[int]:
    """Different ports of 127.0.0.1 that nobody listened on a moment ago."""
    with ExitStack() as held:
        probes = [held.enter_context(socket.socket()) for _ in range(count)]
        for probe in probes:
            probe.bind(("127.0.0.1", 0))
        return [probe.getsockname()[1] for probe in probes]


def runs_as_root() -> bool:
    """Whether this process has root's rights."""
    return os.geteuid() == 0
