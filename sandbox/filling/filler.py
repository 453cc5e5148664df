"""Plays the examples: answers as Dana and Lee would, and lets the ERP fail."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from decimal import Decimal
from functools import partial

import httpx2
from pydantic import SecretStr

from sandbox.erp import Erp
from sandbox.erp.faults import Calls, ErpFault, ErpFaultKind
from sandbox.erp.order import Order
from sandbox.filling.examples import CLOSED_COST_CODE, Course, Example, examples
from sandbox.filling.publishing import Publisher, publishing
from sandbox.people import LEE
from sandbox.story.actors import Actors
from sandbox.story.chapters import DIGEST_SUBJECT
from sandbox.story.timeline import Timeline
from sandbox.world import World
from schemas.commitment import Commitment, Person
from schemas.examples.cast import COMPANY, DANA, SAM
from schemas.fields import FailureClass, Status
from services.exporter.comparing import compare_now

COMPARED_SECONDS = 90.0
"""An exporter begins within half a minute."""

AT_ONCE = 4
"""How many examples are answered at the same time: a demo leaves something of the machine to its user."""

PROGRESS_SECONDS = 3.0

Say = Callable[[str], None]

_ENDS = {
    Course.RESENT: Status.READY,
    Course.UPDATED: Status.READY,
    Course.REJECTED: Status.REJECTED,
    Course.REFUSED: Status.REJECTED,
    Course.RETRIEVED: Status.RETRIEVED,
    Course.SYNCED: Status.SYNCED,
    Course.CHANGED_IN_ERP: Status.SYNCED,
    Course.DELETED_IN_ERP: Status.SYNCED,
    Course.FAILED: Status.FAILED,
    Course.IN_DOUBT: Status.IN_DOUBT,
    Course.NAMED: Status.IN_DOUBT,
}
_FIRST_ENDS = {Course.RESENT: Status.REJECTED, Course.UPDATED: Status.SYNCED}
"""What the first revision becomes, before the second one is sent."""

_BY_HAND = (Course.CHANGED_IN_ERP, Course.DELETED_IN_ERP)
_DOUBTFUL = (Course.IN_DOUBT, Course.NAMED)


async def fill(world: World, waiting: int, say: Say) -> None:
    """Fill every view of the desk, with `waiting` commitments in Ready to Export; says how far it has come.

    The world has the small ERP. Lee approves something first if it has approval rules. Raises StepFailedError if
    something does not become what it should.
    """
    erp = world.erp
    if not isinstance(erp, Erp):
        raise TypeError("only the small ERP fails in every way that the views show")
    chosen = examples(waiting, world.commitments.url)
    say(f"Filling the desk with {len(chosen)} examples, {waiting} of which wait for an answer")
    _prepare(erp, chosen)
    async with publishing(world) as publisher, Actors(world) as dana, Actors(world, approver_id=LEE.id) as lee:
        await publisher.first(*chosen)
        filler = _Filler(dana, lee, publisher, erp)
        async with _telling(say, lambda: f"Filled {filler.done} of {len(chosen)} examples"):
            await filler.carry_out(chosen)
            await filler.has_mail(DANA, DIGEST_SUBJECT)
    say("Filled: every view of the desk has examples, and the mailbox has mails of every kind")


@asynccontextmanager
async def _telling(say: Say, words: Callable[[], str]) -> AsyncIterator[None]:
    """Say the `words` of each moment every few seconds while the block runs."""

    async def tell() -> None:
        while True:
            await asyncio.sleep(PROGRESS_SECONDS)
            say(words())

    telling = asyncio.create_task(tell())
    try:
        yield
    finally:
        telling.cancel()


class _Filler:
    """Answers examples as Dana and Lee would, and waits until the project's tool shows what became of them."""

    def __init__(self, dana: Actors, lee: Actors, publisher: Publisher, erp: Erp) -> None:
        self.done = 0
        self._dana = dana
        self._lee = lee
        self._erp = erp
        self._publisher = publisher
        self._timeline = Timeline(lambda _step: None)
        self._places = asyncio.Semaphore(AT_ONCE)

    async def carry_out(self, chosen: Sequence[Example]) -> None:
        async with asyncio.TaskGroup() as group:
            for example in chosen:
                group.create_task(self._carry_out(example))

    async def has_mail(self, person: Person, subject: str) -> None:
        """Return once there is a mail to `person`; the digest sends its summary by itself."""

        async def look() -> bool:
            return bool(self._dana.mails(person.email or "", subject))

        await self._timeline.wait_for(f"{subject} to {person.name}", look)

    async def _carry_out(self, example: Example) -> None:
        if example.course in _ENDS:
            await self._answer_and_go_on(example)
        elif example.question or (example.is_first_approved and self._lee.world.has_approval_rules):
            await self._look_at_as_lee(example)
        self.done += 1

    async def _answer_and_go_on(self, example: Example) -> None:
        async with self._places:
            await self._answer(example)
        await self._becomes(example, _FIRST_ENDS.get(example.course, _ENDS[example.course]))
        if example.second:
            await self._publisher.second(example)
            await self._becomes(example, _ENDS[example.course], revision=2)
        if example.course in _BY_HAND:
            await self._differ(example)
        if example.course is Course.NAMED:
            await self._name_as_lee(example)
        if example.course is Course.REFUSED:
            await self._publisher.too_long(example)
            await self.has_mail(SAM, f"Not received by accounting: {example.commitment.number}")

    async def _answer(self, example: Example) -> None:
        id_ = example.commitment.id
        row = await self._timeline.wait_for(f"{id_} waits", lambda: self._dana.row("ready", id_))
        if example.course is Course.RETRIEVED:
            await self._dana.retrieve(id_)
        elif example.reason:
            await self._dana.reject(row, example.reason)
        else:
            await self._dana.accept(row)
        if example.course in _DOUBTFUL:
            await self._keep_in_doubt(id_)

    async def _look_at_as_lee(self, example: Example) -> None:
        """Lee asks about what goes on waiting, or is the first of its two approvers."""
        id_ = example.commitment.id
        async with self._places:
            row = await self._timeline.wait_for(f"{id_} waits", lambda: self._lee.row("ready", id_))
            if example.is_first_approved:
                await self._lee.accept(row)
                return
            await self._lee.ask(row, example.question)
        subject = f"Question: {example.commitment.number}"
        await self.has_mail(example.sent_by, subject)
        await self._lee.reply(example.sent_by.email or "", subject, example.reply)
        await self.has_mail(LEE, f"Answered: {example.commitment.number}")

    async def _keep_in_doubt(self, id_: str) -> None:
        """Refuse searches once the write is lost: the search before it has to find that there is nothing yet."""

        async def is_lost() -> bool:
            return any(each.reference == id_ and each.answered is None for each in self._erp.journal.entries)

        await self._timeline.wait_for(f"the write of {id_} is lost", is_lost)
        message = "Searches are off while the index is rebuilt."
        self._erp.faults.switch_on(_refusal(id_, message, FailureClass.FIX_SETUP, calls=Calls.SEARCHES))

    async def _name_as_lee(self, example: Example) -> None:
        """Lee names a document that somebody entered by hand: its total is another one, so Dana has to confirm it."""
        id_ = example.commitment.id
        number = str(self._erp.books.create(_by_hand(example.commitment), datetime.now(UTC)).body["number"])
        row = await self._timeline.wait_for(f"{id_} is listed", lambda: self._lee.row("exporting", id_))
        document = {"connection": str(self._erp.connection["name"]), "number": number}
        await self._lee.settle(row, f"{number} was entered by hand, with the freight in its total.", document)

        async def needs_confirmation() -> bool:
            return bool(((await self._dana.one(id_))["evidence"] or {}).get("needs_confirmation"))

        await self._timeline.wait_for(f"{id_} has to be confirmed", needs_confirmation)

    async def _differ(self, example: Example) -> None:
        """Change its document on the ERP's own pages, and have all compared now instead of next night."""
        id_ = example.commitment.id
        (document,) = self._erp.books.under(id_)
        what, typed = "total", {"total": _with_freight(document.order.total)}
        if example.course is Course.DELETED_IN_ERP:
            what, typed = "delete", {}
        async with httpx2.AsyncClient(base_url=self._erp.url, trust_env=False) as pages:
            await pages.post(f"/purchase-orders/{document.id}/{what}", data=typed)
        database = SecretStr(self._dana.world.environment["DATABASE_URL"])
        await compare_now(database, [str(self._erp.connection["name"])])
        told = partial(self._dana.row, "differing", id_)
        await self._timeline.wait_for(f"{id_} differs", told, within=COMPARED_SECONDS)

    async def _becomes(self, example: Example, status: Status, revision: int = 1) -> None:
        id_, tracked = example.commitment.id, self._dana.world.commitments.tracked

        async def look() -> bool:
            shown = tracked[id_].status if id_ in tracked else None
            return shown is not None and (shown.status, shown.revision) == (status, revision)

        await self._timeline.wait_for(f"{example.commitment.number} is {status}", look)


def _prepare(erp: Erp, chosen: Sequence[Example]) -> None:
    """Let the ERP fail for the examples that are to fail."""
    erp.books.rules = erp.books.rules.model_copy(update={"closed_cost_codes": frozenset({CLOSED_COST_CODE})})
    for example in chosen:
        id_ = example.commitment.id
        if example.course is Course.IN_DOUBT:
            erp.lose_answer_once(id_)
        elif example.course is Course.NAMED:
            erp.faults.switch_on(ErpFault(kind=ErpFaultKind.LOSE_REQUEST, times=1, reference=id_))
        elif example.failure_class:
            erp.faults.switch_on(_refusal(id_, example.refusal, example.failure_class, calls=Calls.WRITES))


def _by_hand(commitment: Commitment) -> Order:
    """The commitment as an accountant enters it: without our marker, and with the freight in its total."""
    return Order(
        **commitment.model_dump(include={"kind", "number", "title", "currency", "project", "vendor", "lines"}),
        reference=commitment.number,
        marker="Entered by hand",
        company_id=COMPANY,
        revision=1,
        total=_with_freight(commitment.total),
    )


def _with_freight(total: str) -> str:
    return str(Decimal(total) + 250)


def _refusal(id_: str, message: str, failure_class: FailureClass, *, calls: Calls) -> ErpFault:
    kind = ErpFaultKind.REFUSE
    return ErpFault(kind=kind, reference=id_, message=message, failure_class=failure_class, calls=calls)
