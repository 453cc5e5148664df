"""What is done in a conversation with the client of a polled ERP: what is asked next, and what a reply leads to."""

from collections.abc import Awaitable
from dataclasses import dataclass, field, replace
from datetime import datetime

import structlog

from schemas.envelope import Event
from schemas.events import EventData, ExportFailed
from services.exporter.connections import Connection
from services.exporter.connectors.pull import Question, Reply
from services.exporter.polling.exports import PolledExports, Step
from services.exporter.polling.lists import ListReading
from services.exporter.polling.looks import PolledLooks
from services.exporter.rules.conversation import Conversation, JobUnderWay, Progress
from services.exporter.storage import conversations
from services.exporter.storage.store import ExportStore
from services.pipeline.database import Transaction, may_succeed_later
from services.pipeline.lease_clock import ClaimTime
from services.pipeline.log_context import telling_of
from services.pipeline.logs import FailureLog

MAX_STEPS = 25
"""How many exports one call may settle without a question for the ERP, such as those whose content is damaged."""

log = structlog.get_logger()


@dataclass(slots=True)
class Call:
    """One call within its transaction: the conversation as it is by now, and the events to publish."""

    db: Transaction
    connection: Connection
    conversation: Conversation
    time: ClaimTime
    events: list[Event[EventData]] = field(default_factory=list)

    @property
    def now(self) -> datetime:
        """The database's time of the call."""
        return self.time.at

    @property
    def progress(self) -> Progress:
        """What the conversation has done."""
        return self.conversation.progress

    def note(self, **members: object) -> None:
        """Change members of the progress."""
        changed = self.conversation.progress.model_copy(update=members)
        self.conversation = replace(self.conversation, progress=changed)


class ConversationWork:
    """Asks about what is in doubt first, then exports what is due, then looks for late documents, then reads lists."""

    def __init__(self, store: ExportStore, exports: PolledExports, looks: PolledLooks, lists: ListReading) -> None:
        self._store = store
        self._failures = FailureLog()
        self._exports = exports
        self._looks = looks
        self._lists = lists

    async def question(self, call: Call) -> Question | None:
        """Return what to ask next; None if nothing is to be done."""
        for _ in range(MAX_STEPS):
            step = await self._next_step(call)
            if step is None:
                break
            self._note_step(call, step)
            if step.question:
                return step.question
        reading = await self._lists.begun(call.db, call.connection, call.progress, call.now)
        if reading is None:
            return None
        question = self._lists.question(call.connection, reading)
        call.note(reading=reading.model_copy(update={"is_waiting": True}))
        return question

    async def take(self, call: Call, reply: Reply) -> bool:
        """Record what `reply` leads to; False if nothing was asked."""
        progress = call.progress
        if not progress.is_waiting:
            return False
        if progress.job is not None and progress.job.is_waiting:
            self._note_step(call, await self._carried_on(call, progress.job, reply))
        elif progress.reading is not None:
            taken = await self._lists.taken(call.db, call.connection, progress.reading, reply, call.now)
            call.events.extend(taken.events)
            unread = (progress.reading.name,) if taken.error else ()
            error, skipped = taken.error or progress.error, (*progress.skipped_lists, *unread)
            call.note(reading=taken.reading, error=error, skipped_lists=skipped)
        return True

    async def remaining(self, call: Call) -> int:
        """How many requests are still to come, as far as that can be told: an export takes two of them."""
        db, names = call.db, call.connection.names
        exports = await conversations.count_waiting(db, names, call.progress.tried, call.now)
        look = await conversations.is_look_due(db, names, call.now)
        lists = await self._lists.count_due(db, call.connection, call.progress, call.now)
        return 2 * exports + look + lists + (call.progress.job is not None)

    async def forget_question(self, call: Call, *, is_ended: bool = False) -> None:
        """Give up what is under way; a write that the client may have passed on is in doubt.

        It may still pass it on, unless it has ended the conversation itself.
        """
        if job := call.progress.job:
            given = call.db, call.connection, job, call.time
            giving_up = self._looks.give_up(*given) if job.look else self._exports.give_up(*given, is_ended=is_ended)
            call.events.extend((await self._unless_damaged(call, job.commitment_id, giving_up, job)).events)
        call.note(job=None, reading=None)

    def _kind_of(self, job: JobUnderWay) -> PolledExports | PolledLooks:
        return self._exports if job.look is None else self._looks

    async def _next_step(self, call: Call) -> Step | None:
        db, names, tried = call.db, call.connection.names, call.progress.tried
        if job := call.progress.job:
            return await self._carried_on(call, job, None)
        due = await conversations.next_in_doubt(db, names, tried)
        due = due or await conversations.next_due(db, names, tried, call.now)
        if due is None:
            return await self._look(call)
        call.note(tried=(*tried, due))
        beginning = self._exports.begin(db, call.connection, due, call.time)
        return await self._unless_damaged(call, due, beginning)

    async def _look(self, call: Call) -> Step | None:
        """Begin the look that is due, if one is; a row that cannot be read is left: it must not hold up an export."""
        try:
            async with call.db.begin_nested():
                job = await self._looks.leased(call.db, call.connection, call.time)
        except Exception as error:
            if may_succeed_later(error):
                raise
            self._failures.defect("conversation.look_unread", error)
            return None
        return await self._carried_on(call, job, None) if job else None

    async def _carried_on(self, call: Call, job: JobUnderWay, reply: Reply | None) -> Step:
        going_on = self._kind_of(job).carry_on(call.db, call.connection, job, call.time, reply)
        return await self._unless_damaged(call, job.commitment_id, going_on, job)

    async def _unless_damaged(
        self, call: Call, commitment_id: str, step: Awaitable[Step | None], job: JobUnderWay | None = None
    ) -> Step:
        """Return a step; if it is impossible, set its commitment aside, or its look: it holds up no other one."""
        with telling_of({"commitment_id": commitment_id, "connection": call.connection.name}):
            try:
                async with call.db.begin_nested():
                    return await step or Step()
            except Exception as error:
                if may_succeed_later(error):
                    raise
                self._failures.defect("conversation.step_failed", error)
                await self._set_aside(call, commitment_id, job, error)
                return Step()

    async def _set_aside(self, call: Call, commitment_id: str, job: JobUnderWay | None, error: Exception) -> None:
        why = f"It cannot be read, or its result cannot be recorded ({type(error).__name__})."
        if job and job.look:
            await self._looks.set_aside(call.db, call.connection, job, call.time, why)
        else:
            await self._store.set_aside(call.db, commitment_id, why)
            log.error("worker.row_set_aside", key=commitment_id, cause=type(error).__name__)

    def _note_step(self, call: Call, step: Step) -> None:
        call.events.extend(step.events)
        is_failed = any(isinstance(each.data, ExportFailed) for each in step.events)
        exported, failed = call.progress.exported + step.has_landed, call.progress.failed + is_failed
        call.note(job=step.job, exported=exported, failed=failed)
