"""The life cycle of a real server with a data folder of its own: start, stop, kill, restart, remove."""

import os
import signal
import socket
import tempfile
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import ClassVar, Self

from sandbox.servers.child_process import ChildProcess

POLL_SECONDS = 0.05
RETRY_SECONDS = 0.2
LOG_LINES = 25

Report = Callable[[str], None]


class ServerStartFailed(Exception):  # noqa: N818 - it names what happened, as all our errors do
    """A real server could not be downloaded or did not start; the text says why and what to do."""


class _Retry(Exception):  # noqa: N818 - an instruction, not an error
    """The server failed for a transient reason, such as a port that another process took in between."""


def no_report(_sentence: str) -> None:
    """Report progress to nobody."""


class LocalServer(ABC):
    """A real server on 127.0.0.1, used in a `with` block; its data is removed when the block ends.

    `report` gets a short sentence for a person whenever something starts that takes time. Methods block, and may be
    called from any thread. Raises ServerStartFailed when the server does not start.
    """

    name: str
    stop_signal: ClassVar[signal.Signals]
    orphan_signal: ClassVar[signal.Signals]
    start_seconds: ClassVar[float] = 60
    stop_seconds: ClassVar[float] = 20
    transient_errors: ClassVar[tuple[str, ...]] = ("Address already in use",)

    def __init__(self, *, report: Report = no_report) -> None:
        self.report = report
        self.port = 0
        self._temporary = tempfile.TemporaryDirectory(
            prefix=f"countersign-{type(self).__name__.lower()}-", ignore_cleanup_errors=True
        )
        self.folder = Path(self._temporary.name)
        self._child: ChildProcess | None = None
        self._was_ready = False
        self._log_begins = 0

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
        """The process id of the running server; None while it is stopped."""
        return self._child.pid if self._child else None

    @property
    def address(self) -> str:
        """Where it listens, for people."""
        return f"127.0.0.1:{self.port}"

    @property
    def has_ended(self) -> bool:
        """Whether the process has ended by itself."""
        return self._child is not None and self._child.has_ended()

    @property
    def exit_status(self) -> int | None:
        """The status with which the process ended, negative for a signal; None while it runs."""
        return self._child.exit_status if self._child else None

    def launch(self) -> None:
        """Start it without waiting until it is ready, for tests in which it dies before."""
        self._launch()

    def start(self) -> None:
        """Start the server and wait until it is ready; later starts keep its port and its data."""
        if self._child:
            return
        self.report(f"Starting {self.name}")
        deadline = time.monotonic() + self.start_seconds
        while True:
            if not self._was_ready:
                self.prepare_data()
            try:
                self._run(deadline)
            except _Retry:
                continue
            self._was_ready = True
            return

    def stop(self) -> None:
        """Shut the server down cleanly and keep its data."""
        if self._child:
            self._child.end(self.stop_signal, patience_seconds=self.stop_seconds)
            self._child = None

    def kill(self) -> None:
        """Kill the server as a power cut would, and keep its data as it is."""
        if self._child:
            self._child.kill()
            self._child = None

    @contextmanager
    def paused(self) -> Iterator[None]:
        """The server and, on Linux, its children stand still while the block runs, and then go on where they were."""
        if (child := self._child) is None:
            raise ValueError(f"{self.name} does not run")
        child.pause()
        try:
            yield
        finally:
            child.resume()

    def restart(self) -> None:
        """Shut the server down cleanly if it runs, and start it with the same port and data."""
        self.stop()
        self.start()

    def close(self) -> None:
        """Stop the server and remove its data; it cannot be started again."""
        self.stop()
        self._temporary.cleanup()

    @property
    def log(self) -> Path:
        """The server's log since its first start."""
        return self.folder / "server.log"

    @property
    def latest_log(self) -> str:
        """The log since the latest start."""
        with self.log.open("rb") as log:
            log.seek(self._log_begins)
            return log.read().decode(errors="replace")

    @property
    def account(self) -> str | None:
        """The user who must own the server's files and run it; None for our own user."""
        return None

    @abstractmethod
    def prepare_data(self) -> None:
        """Choose ports and write empty data into the folder, over whatever a failed attempt left there."""

    @abstractmethod
    def command(self) -> list[str]:
        """The command that runs the server in the foreground."""

    @abstractmethod
    def is_ready(self) -> bool:
        """Whether the server accepts requests."""

    def _launch(self) -> ChildProcess:
        self.log.touch()
        self._log_begins = self.log.stat().st_size
        self._child = ChildProcess(
            self.command(),
            folder=self.folder,
            log=self.log,
            account=self.account,
            orphan_signal=self.orphan_signal,
        )
        return self._child

    def _run(self, deadline: float) -> None:
        child = self._launch()
        while not self.is_ready():
            if child.has_ended() or time.monotonic() > deadline:
                self._give_up(deadline)
            time.sleep(POLL_SECONDS)

    def _give_up(self, deadline: float) -> None:
        self.kill()
        log = self.latest_log
        if time.monotonic() < deadline and any(error in log for error in self.transient_errors):
            time.sleep(RETRY_SECONDS)
            raise _Retry
        raise ServerStartFailed(f"{self.name} did not start. The end of its log:\n{last_lines(log)}")


def last_lines(log: str) -> str:
    """The end of a server's log, which usually names the cause of its failure."""
    return "\n".join(log.splitlines()[-LOG_LINES:])


def free_ports(count: int) -> list[int]:
    """Return `count` different ports of 127.0.0.1 that were free a moment ago."""
    with ExitStack() as held:
        probes = [held.enter_context(socket.socket()) for _ in range(count)]
        for probe in probes:
            probe.bind(("127.0.0.1", 0))
        return [probe.getsockname()[1] for probe in probes]


def runs_as_root() -> bool:
    """Whether this process runs as root."""
    return os.geteuid() == 0
