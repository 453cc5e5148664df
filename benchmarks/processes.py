"""Who competes, and how each is started: Countersign's real service, and the programs in `contenders`."""

import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from math import inf
from time import monotonic
from typing import ClassVar
from uuid import uuid4

from benchmarks import measured
from benchmarks.contenders.work import TABLES, Place
from benchmarks.servers import Servers, prepare_for_countersign, prepare_with
from sandbox.servers.local_server import LocalServer, last_lines
from sandbox.service_process import ServiceProcess


class ContenderFailed(Exception):  # noqa: N818 - it names what happened
    """A contender's process has ended by itself or does nothing; the text has the end of its log."""


class PeerProcess(LocalServer):
    """One of the programs in `contenders`."""

    stop_signal = signal.SIGKILL  # it is measured already, and has nothing to lose
    orphan_signal = signal.SIGKILL
    stop_seconds: ClassVar[float] = 5

    def __init__(self, program: Sequence[str], place: Place) -> None:
        super().__init__()
        self.name = " ".join(program)
        self._program = program
        self._place = place

    @property
    def has_ended(self) -> bool:
        """Whether the process has ended by itself."""
        return self._child is not None and self._child.has_ended()

    def launch(self) -> None:
        """Start it."""
        self._launch()

    def prepare_data(self) -> None:
        """It has no data of its own."""

    def is_ready(self) -> bool:
        """It does not say; who needs to know sends it an event."""
        return True

    def command(self) -> list[str]:
        """The program in a Python of its own."""
        given = [f"{name}={value}" for name, value in self._place.environment().items()]
        module, *arguments = self._program
        return ["env", *given, sys.executable, "-m", f"benchmarks.contenders.{module}", *arguments]


Process = ServiceProcess | PeerProcess


@dataclass(frozen=True, slots=True)
class Contender:
    """One way to do the work: its processes, and the table that has a row for each commitment done."""

    name: str
    table: str
    prepare: Callable[[str], None]
    processes: Callable[[Place], Sequence[Process]]

    @property
    def title(self) -> str:
        """What people read."""
        return measured.TITLES[self.name]

    @contextmanager
    def running(self, servers: Servers, database: str) -> Iterator[Sequence[Process]]:
        """Launch the processes, in a group of their own on `database`, which is prepared; stop them at the end."""
        processes = self.processes(Place(servers.bootstrap_servers, database, f"bench-{uuid4().hex[:8]}"))
        with ExitStack() as closing:
            for process in processes:
                closing.callback(process.close)
                process.prepare_data()
                process.launch()
            yield processes


def check_works(processes: Sequence[Process], deadline: float = inf) -> None:
    """Raise ContenderFailed if one of `processes` has ended, or if it is later than `deadline`."""
    for process in processes:
        if process.has_ended:
            raise _failed(process, "has ended")
    if monotonic() > deadline:
        raise _failed(processes[0], "does nothing")


def _failed(process: Process, what: str) -> ContenderFailed:
    return ContenderFailed(f"{process.name} {what}. The end of its log:\n{last_lines(process.log.read_text())}")


def pids(processes: Sequence[Process]) -> list[int]:
    """Return the process ids."""
    return [process.pid for process in processes if process.pid is not None]


def countersign_environment(place: Place) -> dict[str, str]:
    """Return what the approval service needs to run; everything else has its default."""
    return {
        "KAFKA_BOOTSTRAP_SERVERS": place.kafka,
        "DATABASE_URL": place.database,
        "PUBLIC_URL": "http://127.0.0.1:1",
        "UNDO_SECONDS": "0",
        "LINK_SECRET": "only-for-measuring-here",
        "OIDC_ISSUER": "http://127.0.0.1:1",
        "OIDC_CLIENT_ID": "bench",
        "OIDC_CLIENT_SECRET": "bench",
        "OIDC_AUDIENCE": "bench-api",
    }


def _countersign(name: str, count: int) -> Contender:
    def processes(place: Place) -> Sequence[Process]:
        return [ServiceProcess("approval", countersign_environment(place)) for _ in range(count)]

    return Contender(name, "approval.commitment", prepare_for_countersign, processes)


def _peer(name: str, *program: str) -> Contender:
    return Contender(name, "commitment", partial(prepare_with, TABLES), lambda place: [PeerProcess(program, place)])


COUNTERSIGN = _countersign(measured.COUNTERSIGN, 1)
CONTENDERS = (
    COUNTERSIGN,
    _countersign("countersign-2", 2),
    _peer(measured.LOOP, "per_message_loop"),
    _peer("faststream-confluent", "faststream_app", "confluent"),
    _peer("faststream-aiokafka", "faststream_app", "aiokafka"),
    _peer("faust", "faust_agent"),
    _peer(measured.LIMIT, "limit"),
)
BY_NAME = {contender.name: contender for contender in CONTENDERS}
