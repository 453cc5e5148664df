"""Plays the examples: publishes what the project's tools would, answers as Dana would, and lets the ERP fail."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from decimal import Decimal
from functools import partial

import httpx2
from pydantic import SecretStr

from sandbox.commitments.tool import NotPublishedError
from sandbox.erp import Erp
from sandbox.erp.faults import Calls, ErpFault, ErpFaultKind
from sandbox.filling.examples import CLOSED_COST_CODE, Course, Example, examples
from sandbox.story.actors import Actors
from sandbox.story.chapters import DIGEST_SUBJECT
from sandbox.story.timeline import Timeline
from sandbox.world import World
from schemas.envelope import Event, encode, new_event
from schemas.events import CommitmentResent, CommitmentSent, EventData, Submission
from schemas.examples.cast import COMPANY, DANA
from schemas.fields import FailureClass, Status
from schemas.snapshot import Snapshot
from services.exporter.comparing import compare_now
from services.pipeline.broker import EventProducer

SOURCE = "sandbox/filling"
COMPARED_SECONDS = 90.0
"""An exporter begins within half a minute."""

AT_ONCE = 4
"""How many examples are answered at the same time: a demo leaves something of the machine to its user."""

Say = Callable[[str], None]
Publish = Callable[..., Awaitable[None]]

_ENDS = {
    Course.RESENT: Status.READY,
    Course.UPDATED: Status.READY,
    Course.REJECTED: Status.REJECTED,
    Course.RETRIEVED: Status.RETRIEVED,
    Course.SYNCED: Status.SYNCED,
    Course.CHANGED_IN_ERP: Status.SYNCED,
    Course.DELETED_IN_ERP: Status.SYNCED,
    Course.FAILED: Status.FAILED,
    Course.IN_DOUBT: Status.IN_DOUBT,
}


async def fill(world: World, waiting: int, say: Say) -> None:
    """Fill every view of the desk, with `waiting` commitments in Ready to Export; says when it begins and has ended.

    The world has the small ERP. Raises StepFailedError if something does not become what it should.
    """
    erp = world.erp
    if not isinstance(erp, Erp):
        raise TypeError("only the small ERP fails in every way that the views show")
    chosen = examples(waiting, world.commitments.url)
    say(f"Filling the desk with {len(chosen)} examples, {waiting} of which wait for an answer")
    _prepare(erp, chosen)
    async with _publishing(world) as publish, Actors(world) as actors:
        await publish(*(event for example in chosen for event in _first_events(example)))
        filler = _Filler(actors, publish, erp)
        await filler.carry_out([example for example in chosen if example.course in _ENDS])
        await filler.has_summary()
    say("Filled: every view of the desk has examples, and the mailbox has mails of every kind")


class _Filler:
    """Answers examples as Dana would, and waits until the project's tool shows what became of them."""

    def __init__(self, actors: Actors, publish: Publish, erp: Erp) -> None:
        self._actors = actors
        self._erp = erp
        self._publish = publish
        self._timeline = Timeline(lambda _step: None)
        self._places = asyncio.Semaphore(AT_ONCE)

    async def carry_out(self, chosen: Sequence[Example]) -> None:
        async with asyncio.TaskGroup() as group:
            for example in chosen:
                group.create_task(self._carry_out(example))

    async def has_summary(self) -> None:
        """The digest sends its summary by itself, as soon as it knows that something waits."""

        async def look() -> bool:
            return bool(self._actors.mails(DANA.email or "", DIGEST_SUBJECT))

        await self._timeline.wait_for("the daily summary", look)

    async def _carry_out(self, example: Example) -> None:
        async with self._places:
            await self._answer(example)
        await self._becomes(example, _FIRST_ENDS.get(example.course, _ENDS[example.course]))
        if example.second:
            await self._publish(_sent(CommitmentResent, example, revision=2))
            await self._becomes(example, _ENDS[example.course], revision=2)
        if example.course in _BY_HAND:
            await self._differ(example)

    async def _answer(self, example: Example) -> None:
        id_ = example.commitment.id
        row = await self._timeline.wait_for(f"{id_} waits", lambda: self._actors.row("ready", id_))
        if example.course is Course.RETRIEVED:
            await self._actors.retrieve(id_)
        elif example.reason:
            await self._actors.reject(row, example.reason)
        else:
            await self._actors.accept(row)
        if example.course is Course.IN_DOUBT:
            await self._keep_in_doubt(id_)

    async def _keep_in_doubt(self, id_: str) -> None:
        """Refuse searches once the write is lost: the search before it has to find that there is nothing yet."""

        async def is_written() -> bool:
            return self._erp.journal.created()[id_] > 0

        await self._timeline.wait_for(f"{id_} is written", is_written)
        message = "Searches are off while the index is rebuilt."
        self._erp.faults.switch_on(_refusal(id_, message, FailureClass.FIX_SETUP, calls=Calls.SEARCHES))

    async def _differ(self, example: Example) -> None:
        """Change its document on the ERP's own pages, and have all compared now instead of next night."""
        id_ = example.commitment.id
        (document,) = self._erp.books.under(id_)
        what, typed = "total", {"total": str(Decimal(document.order.total) + 250)}
        if example.course is Course.DELETED_IN_ERP:
            what, typed = "delete", {}
        async with httpx2.AsyncClient(base_url=self._erp.url, trust_env=False) as pages:
            await pages.post(f"/purchase-orders/{document.id}/{what}", data=typed)
        database = SecretStr(self._actors.world.environment["DATABASE_URL"])
        await compare_now(database, [str(self._erp.connection["name"])])
        told = partial(self._actors.row, "differing", id_)
        await self._timeline.wait_for(f"{id_} differs", told, within=COMPARED_SECONDS)

    async def _becomes(self, example: Example, status: Status, revision: int = 1) -> None:
        id_, tracked = example.commitment.id, self._actors.world.commitments.tracked

        async def look() -> bool:
            shown = tracked[id_].status if id_ in tracked else None
            return shown is not None and (shown.status, shown.revision) == (status, revision)

        await self._timeline.wait_for(f"{example.commitment.number} is {status}", look)


_BY_HAND = (Course.CHANGED_IN_ERP, Course.DELETED_IN_ERP)
_FIRST_ENDS = {Course.RESENT: Status.REJECTED, Course.UPDATED: Status.SYNCED}
"""What the first revision becomes, before the second one is sent."""


def _prepare(erp: Erp, chosen: Sequence[Example]) -> None:
    """Let the ERP fail for the examples that are to fail."""
    erp.books.rules = erp.books.rules.model_copy(update={"closed_cost_codes": frozenset({CLOSED_COST_CODE})})
    for example in chosen:
        id_ = example.commitment.id
        if example.course is Course.IN_DOUBT:
            erp.lose_answer_once(id_)
        elif example.failure_class:
            erp.faults.switch_on(_refusal(id_, example.refusal, example.failure_class, calls=Calls.WRITES))


def _refusal(id_: str, message: str, failure_class: FailureClass, *, calls: Calls) -> ErpFault:
    kind = ErpFaultKind.REFUSE
    return ErpFault(kind=kind, reference=id_, message=message, failure_class=failure_class, calls=calls)


def _first_events(example: Example) -> list[Event[EventData]]:
    """The first revision, and the rival of a disputed one."""
    events = [_sent(CommitmentSent, example, revision=1)]
    return events + [_sent(CommitmentResent, example, revision=1)] * (example.course is Course.DISPUTED)


def _sent(kind: type[Submission], example: Example, *, revision: int) -> Event[EventData]:
    """The event that hands a revision to accounting: the first one `age` ago, a later one now."""
    is_second = kind is CommitmentResent
    commitment = example.second if is_second and example.second else example.commitment
    data = kind(
        company_id=COMPANY,
        project_id=commitment.project.id,
        commitment=Snapshot.of(commitment.model_dump(mode="json", exclude_none=True)),
        revision=revision,
        sent_by=example.sent_by,
        note=example.second_note if is_second else example.note,
    )
    now = datetime.now(UTC)
    return new_event(data, source=SOURCE, time=now if revision > 1 else now - example.age)


@asynccontextmanager
async def _publishing(world: World) -> AsyncIterator[Publish]:
    """A function that publishes events; it raises NotPublishedError if Kafka refuses one."""
    producer = EventProducer(world.kafka_settings, "sandbox-filling")

    async def publish(*events: Event[EventData]) -> None:
        answers = await producer.send([(each.data.topic, each.subject, encode(each)) for each in events])
        for error in filter(None, answers):
            raise NotPublishedError(f"Kafka did not accept the event: {error}")

    try:
        yield publish
    finally:
        await asyncio.to_thread(producer.close)
