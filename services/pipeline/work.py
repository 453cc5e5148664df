"""Work with an effect outside the database, such as calls to an ERP, as a worker carries it out."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar, runtime_checkable

from schemas.envelope import Event
from schemas.events import EventData
from services.pipeline.database import Database, Transaction
from services.pipeline.log_context import Ids
from services.pipeline.writes import Writes

MAX_IDLE_SECONDS = 2.0
"""How long a row may wait that another process inserted, and that this one was not told about."""
BUSY_SECONDS = 0.2
"""How long to wait where due rows are locked by somebody else."""

JobT = TypeVar("JobT")
ResultT = TypeVar("ResultT")


@dataclass(frozen=True, slots=True)
class Claimed(Generic[JobT]):
    """The jobs that were leased; where there are none, `idle_seconds` is how long until one may be due."""

    jobs: Sequence[JobT]
    idle_seconds: float = 0.0


@dataclass(frozen=True, slots=True, eq=False)
class Ended(Generic[JobT, ResultT]):
    """A job that was performed, and its result."""

    job: JobT
    result: ResultT


@dataclass(frozen=True, slots=True)
class Places(Generic[JobT]):
    """How many jobs may take the places of those that have ended, and the jobs that hold places now, those included."""

    free: int
    held: Sequence[JobT]


@dataclass(frozen=True, slots=True)
class Settled(Generic[JobT, ResultT]):
    """Jobs whose results are recorded, the events to publish, and the jobs that take their places."""

    ended: Sequence[Ended[JobT, ResultT]]
    events: Sequence[Event[EventData]]
    following: Sequence[JobT] = ()


class Work(Protocol[JobT, ResultT]):
    """One kind of work with an effect outside the database."""

    @property
    def name(self) -> str:
        """The name for logs and crash points."""
        ...

    async def claim(self, database: Database, limit: int, held: Sequence[JobT]) -> Claimed[JobT]:
        """Take at most `limit` due jobs under a lease longer than their deadline, and commit.

        A row that cannot be read is set aside. Jobs in `held` are still being worked on here, so they are not taken
        again although their leases may have expired while the database was away.
        """
        ...

    async def perform(self, job: JobT) -> ResultT:
        """Do the job, outside any transaction; an expected failure of the other side is a result, not an exception."""
        ...

    def failed(self, job: JobT, error: Exception) -> ResultT:
        """Return the result of a job that raised `error` before it had any effect."""
        ...

    async def settle(self, db: Transaction, job: JobT, result: ResultT) -> Sequence[Event[EventData]]:
        """Record the result if the lease is still ours, and return the events to publish."""
        ...

    async def set_aside(self, db: Transaction, job: JobT, why: str) -> None:
        """Take a job whose result cannot be recorded out of the claims, for an operator to look at."""
        ...

    def ids(self, job: JobT) -> Ids:
        """Return what all log lines about a job have: commitment_id, event_id, trace_id and the like."""
        ...

    def described(self, job: JobT, result: ResultT) -> Mapping[str, Any]:
        """Return what a log line says about a result, besides the ids: never payloads or addresses."""
        ...


@runtime_checkable
class SettlesTogether(Protocol[JobT, ResultT]):
    """What work also is if the results of jobs that end together can be recorded in one transaction."""

    async def settle_together(
        self, db: Transaction, writes: Writes, ended: Sequence[Ended[JobT, ResultT]], places: Places[JobT]
    ) -> Settled[JobT, ResultT]:
        """Record each result as `settle` does, and lease jobs in the `places` of these; everything with `writes`.

        Jobs whose rows somebody else has locked are left out. None of `places.held` is leased; the claims find others.
        """
        ...
