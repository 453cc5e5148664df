"""A conversation with the client of a polled ERP: what waits for an answer, what is done, and when it is over."""

import math
from collections.abc import Awaitable, Coroutine, Generator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Generic, TypeVar
from uuid import UUID

from schemas.fields import Record
from services.exporter.connectors.pull import LostWrite, Occasion, Question, Reply

MAX_REQUESTS = 190
"""How many requests one conversation has at most, so that other programs get their turn with the company file."""

SAME_CLIENT_SECONDS = 1.0
"""A client holds one conversation at a time: if it begins another one, its last one is over, but for a short while."""

ResultT = TypeVar("ResultT")


class KeptReply(Record):
    """A Reply as it is stored."""

    text: str
    hresult: str = ""
    message: str = ""

    @property
    def reply(self) -> Reply:
        """The reply."""
        return Reply(self.text, self.hresult, self.message)


class LookUnderWay(Record):
    """What a conversation looks for late documents of a commitment for: the look that is leased."""

    company_id: str
    connection: str
    looks: int


class JobUnderWay(Record):
    """The export, or the look for late documents, that a conversation has leased, with the replies so far.

    The rest of its members never change: `fingerprint` stands for everything that its attempt depends on, and `lost`
    is the write whose answer was missing when it began. `is_waiting` says that a question is with the client.
    """

    commitment_id: str
    token: UUID
    message_set_id: str
    fingerprint: str = ""
    look: LookUnderWay | None = None
    numbers: tuple[str, ...] = ()
    document_ids: tuple[str, ...] = ()
    lost_message_set_id: str | None = None
    lost_sent_at: datetime | None = None
    replies: tuple[KeptReply, ...] = ()
    is_waiting: bool = False
    is_write: bool = False
    asked_at: datetime | None = None

    @property
    def occasion(self) -> Occasion:
        """What the connector has to know."""
        lost = None
        if self.lost_message_set_id is not None and self.lost_sent_at is not None:
            lost = LostWrite(self.lost_message_set_id, self.lost_sent_at)
        return Occasion(self.message_set_id, self.numbers, self.document_ids, lost)

    def asked(self, question: Question, now: datetime) -> "JobUnderWay":
        """The job once `question` is with the client."""
        return self.model_copy(update={"is_waiting": True, "is_write": question.is_write, "asked_at": now})

    def replied(self, reply: Reply) -> "JobUnderWay":
        """The job once the client has brought `reply`; it stays a write until its outcome is recorded."""
        kept = KeptReply(text=reply.text, hresult=reply.hresult, message=reply.message)
        return self.model_copy(update={"is_waiting": False, "replies": (*self.replies, kept)})


class Reading(Record):
    """The list that a conversation reads: the part that was asked for, and the instant at which reading it began."""

    name: str
    began_at: datetime
    page: str | None = None
    is_waiting: bool = False


class Progress(Record):
    """What a conversation is about, and what it has done.

    `tried` are the commitments that it has taken up, `skipped_lists` the lists that could not be read in it.
    """

    requests: int = 0
    exported: int = 0
    failed: int = 0
    tried: tuple[str, ...] = ()
    job: JobUnderWay | None = None
    reading: Reading | None = None
    skipped_lists: tuple[str, ...] = ()
    error: str = ""

    @property
    def is_waiting(self) -> bool:
        """Whether a request is with the client."""
        return any(each is not None and each.is_waiting for each in (self.job, self.reading))

    @property
    def may_ask(self) -> bool:
        """Whether it may have another request."""
        return self.requests < MAX_REQUESTS


@dataclass(frozen=True, slots=True)
class Conversation:
    """A conversation with the client that signed in to `connection`; `client` stands for where it called from."""

    ticket: str
    connection: str
    client: str
    began_at: datetime
    last_call_at: datetime
    progress: Progress = Progress()  # noqa: RUF009 - it is frozen
    company_file: str | None = None
    ended_at: datetime | None = None

    def is_silent(self, now: datetime, timeout_seconds: float) -> bool:
        """Whether its client has not called for so long that it must have ended."""
        return now - self.last_call_at >= timedelta(seconds=timeout_seconds)

    def gives_way(self, client: str, now: datetime, timeout_seconds: float, settle_seconds: float) -> bool:
        """Whether a conversation that `client` begins takes its place; otherwise the client has to wait.

        A client holds one conversation at a time, so whoever begins anew has ended its last one. But two clients may
        seem to call from one place: a write is waited for longer.
        """
        if client != self.client:
            return self.is_silent(now, timeout_seconds)
        job = self.progress.job
        has_write = job is not None and job.is_waiting and job.is_write
        seconds = max(SAME_CLIENT_SECONDS, settle_seconds) if has_write else SAME_CLIENT_SECONDS
        return self.is_silent(now, min(seconds, timeout_seconds))


def per_cent(done: int, remaining: int) -> int:
    """How far a conversation is, for its client: 100 ends it, so only once nothing remains."""
    if remaining <= 0:
        return 100
    return min(math.floor(100 * done / (done + remaining)), 99)


def summed_up(progress: Progress) -> str:
    """One sentence for the client's window."""
    exported = f"{progress.exported} {'document' if progress.exported == 1 else 'documents'} written"
    failed = f", {progress.failed} not taken; see the approval desk" if progress.failed else ""
    return f"Countersign: {exported}{failed}." + (f" {progress.error}" if progress.error else "")


class Asking(Awaitable[Reply]):
    """Suspends an attempt until the reply to its question is there."""

    def __init__(self, question: Question) -> None:
        self._question = question

    def __await__(self) -> Generator[Any, Any, Reply]:
        """Hand the question to whoever carries the attempt on."""
        reply: Reply = yield self._question
        return reply


async def ask(question: Question) -> Reply:
    """Ask whoever carries the attempt on."""
    return await Asking(question)


@dataclass(frozen=True, slots=True)
class Result(Generic[ResultT]):
    """What an attempt came to."""

    value: ResultT


def carried_on(attempt: Coroutine[Any, Any, ResultT], replies: Sequence[Reply]) -> Question | Result[ResultT]:
    """Carry `attempt` on, which asks with `ask` only, from its beginning through all `replies`.

    Returns its next question, or its result. `attempt` is closed: it is begun again for each reply, so that any process
    can do so.
    """
    try:
        question = attempt.send(None)
        for reply in replies:
            question = attempt.send(reply)
    except StopIteration as ended:
        return Result(ended.value)
    finally:
        attempt.close()
    if not isinstance(question, Question):
        raise TypeError("an attempt on a polled ERP may await nothing but its questions")
    return question
