"""Converses with the clients of polled ERPs: each call is a transaction, so any process can answer the next one."""

import secrets
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import TypeVar

import structlog

from schemas.envelope import Event
from schemas.events import EventData
from services.exporter.circuits import Calls, Circuits
from services.exporter.connections import Connection, Connections
from services.exporter.connectors.pull import Question, Reply
from services.exporter.list_reading import ListReading
from services.exporter.polled_exports import PolledExports, Step
from services.exporter.rules.circuit import Heard
from services.exporter.rules.conversation import Conversation, Progress, per_cent, summed_up
from services.exporter.storage import conversations
from services.exporter.web_connector.conversing import BUSY, NOTHING_TO_DO, OPEN_FILE, Admission, HostFacts
from services.pipeline.crash import crash_at
from services.pipeline.database import Database, Transaction
from services.pipeline.lease_clock import ClaimTime, LeaseClock
from services.pipeline.logs import FailureLog
from services.pipeline.outbox import Outbox

MAX_STEPS = 25
"""How many exports one call may settle without a question for the ERP, such as those whose content is damaged."""

DONE, FAILED = 100, -1
UNKNOWN_TICKET = "This conversation is over. The Web Connector begins a new one with its next poll; nothing is lost."
UNAVAILABLE = "Countersign cannot work at present. Nothing is lost; the Web Connector tries again with its next poll."

AnswerT = TypeVar("AnswerT")
log = structlog.get_logger()


@dataclass(slots=True)
class _Call:
    """One call within its transaction: the conversation as it is by now, and the events to publish."""

    db: Transaction
    connection: Connection
    conversation: Conversation
    time: ClaimTime
    events: list[Event[EventData]] = field(default_factory=list)

    @property
    def now(self) -> datetime:
        return self.time.at

    @property
    def progress(self) -> Progress:
        return self.conversation.progress

    def note(self, **members: object) -> None:
        """Change members of the progress."""
        changed = self.conversation.progress.model_copy(update=members)
        self.conversation = replace(self.conversation, progress=changed)


class Conversations:
    """Answers the calls of the Web Connectors of all polled connections; `may_begin` is false after a restore."""

    def __init__(
        self,
        database: Database,
        outbox: Outbox,
        connections: Connections,
        exports: PolledExports,
        lists: ListReading,
        clock: LeaseClock,
        may_begin: Callable[[], bool] = lambda: True,
    ) -> None:
        self._database = database
        self._outbox = outbox
        self._connections = connections
        self._exports = exports
        self._lists = lists
        self._clock = clock
        self._may_begin = may_begin
        self._circuits = Circuits()
        self._failures = FailureLog()

    async def begin(self, connection: str, client: str = "") -> Admission:
        """Admit a client that has signed in to `connection` and calls from `client`."""
        return await self._answered(self._begin(connection, conversations.hashed(client)), _refused(BUSY))

    async def next_request(self, ticket: str, host: HostFacts) -> str:
        """Return the next request; empty if there is none, or the conversation is over."""
        request = await self._answered(self._in_call(ticket, lambda call: self._next_request(call, host)), "")
        crash_at("web_connector.after_request")
        return request or ""

    async def take_reply(self, ticket: str, response: str, hresult: str, message: str) -> int:
        """Take the answer to the last request, and return the progress in per cent; -1 if it is not wanted any more."""
        reply = Reply(response, hresult, message)
        done = await self._answered(self._in_call(ticket, lambda call: self._take_reply(call, reply)), FAILED)
        crash_at("web_connector.after_reply")
        return FAILED if done is None else done

    async def connection_failed(self, ticket: str, hresult: str, message: str) -> str:
        """Note that the ERP could not be opened; it is tried again with the next poll."""
        why = Reply("", hresult, message)
        await self._answered(self._in_call(ticket, lambda call: self._connection_failed(call, why)), None)
        return "done"

    async def last_error(self, ticket: str) -> str:
        """Return why the last call had no better answer, for a person."""

        async def read() -> str:
            async with self._database.begin() as db:
                known = await conversations.locked(db, ticket)
            return UNKNOWN_TICKET if known is None else known.progress.error or "No error."

        return await self._answered(read(), UNAVAILABLE)

    async def end(self, ticket: str) -> str:
        """End the conversation, and say what it did."""
        said = await self._answered(self._in_call(ticket, self._end), UNAVAILABLE)
        return said or "Countersign: this conversation was over."

    async def end_silent(self) -> None:
        """End conversations whose clients have not called for so long that they must have ended."""
        for connection in self._polled():
            async with self._database.begin() as db:
                time = await self._time(db)
                open_ = await conversations.locked_open(db, connection.names)
                if open_ is None or not open_.is_silent(time.at, connection.settings.timeout_seconds):
                    continue
                call = _Call(db, connection, open_, time)
                await self._close(call, "The Web Connector has not called any more.")
                await self._outbox.add(db, call.events)
            log.warning("conversation.silent", connection=connection.name)
            self._outbox.wake()

    def _polled(self) -> list[Connection]:
        return [each for each in self._connections.by_name.values() if each.is_polled]

    async def _answered(self, call: Awaitable[AnswerT], otherwise: AnswerT) -> AnswerT:
        """Return the answer of a call; `otherwise` if it failed, and then nothing of it has happened."""
        try:
            return await call
        except Exception as error:  # noqa: BLE001 - the client understands no other answer; rows tell how it goes on
            self._failures.defect("conversation.call_failed", error)
            return otherwise

    async def _time(self, db: Transaction) -> ClaimTime:
        asked_at = self._clock.stopwatch()
        return self._clock.claim_time(await conversations.moment(db, self._clock.given_time()), asked_at)

    async def _begin(self, name: str, client: str) -> Admission:
        connection = self._connections.by_name[name]
        ticket, events = secrets.token_urlsafe(24), []
        async with self._database.begin() as db:
            time = await self._time(db)
            open_ = await conversations.locked_open(db, connection.names)
            if open_ is not None:
                if not open_.gives_way(client, time.at, connection.settings.timeout_seconds):
                    await conversations.note(db, name, last_asked=time.at)
                    log.info("conversation.busy", connection=name)
                    return Admission(ticket, BUSY)
                replaced = _Call(db, connection, open_, time)
                await self._close(replaced, "The Web Connector has begun another conversation.")
                events = replaced.events
            conversation = Conversation(conversations.hashed(ticket), name, client, time.at, time.at)
            call = _Call(db, connection, conversation, time)
            has_work = self._may_begin() and await self._remaining(call) > 0
            is_begun = has_work and await conversations.add(db, conversation)
            await conversations.note(db, name, last_asked=time.at)
            await self._outbox.add(db, events)
        self._outbox.wake()
        log.info("conversation.begun" if is_begun else "conversation.nothing_to_do", connection=name)
        if not is_begun:
            return Admission(ticket, BUSY if has_work else NOTHING_TO_DO)
        return Admission(ticket, getattr(connection.settings, "company_file", None) or OPEN_FILE)

    async def _in_call(self, ticket: str, carry_out: Callable[[_Call], Awaitable[AnswerT]]) -> AnswerT | None:
        """Carry a call out in its conversation, and store what it led to; None if the conversation is over."""
        async with self._database.begin() as db:
            time = await self._time(db)
            known = await conversations.locked(db, ticket)
            connection = self._connections.named(known.connection) if known else None
            if known is None or known.ended_at is not None or connection is None or not connection.is_polled:
                log.warning("conversation.ticket_refused", is_known=known is not None)
                return None
            call = _Call(db, connection, replace(known, last_call_at=time.at), time)
            answer = await carry_out(call)
            await conversations.save(db, call.conversation)
            await conversations.note(db, connection.name, last_asked=time.at)
            await self._outbox.add(db, call.events)
        self._outbox.wake()
        return answer

    async def _next_request(self, call: _Call, host: HostFacts) -> str:
        if call.progress.is_waiting:
            await self._forget_question(call)  # its answer was lost; to pass it on again might do it twice
        if wrong := await self._wrong_file(call, host.company_file):
            call.note(error=wrong)
            await conversations.note(call.db, call.connection.name, trouble=wrong)
            log.warning("conversation.wrong_company_file", connection=call.connection.name)
            return ""
        if not call.progress.may_ask or not self._may_begin():
            return ""
        question = await self._question(call)
        if question is None:
            return ""
        call.note(requests=call.progress.requests + 1)
        return question.text

    async def _question(self, call: _Call) -> Question | None:
        """Return what to ask next: about what is in doubt first, then for what is due, then for lists."""
        for _ in range(MAX_STEPS):
            step = await self._next_step(call)
            if step is None:
                break
            self._note_step(call, step)
            if step.question:
                return step.question
        reading = await self._lists.begun(call.db, call.connection, call.progress.reading, call.now)
        if reading is None:
            return None
        question = self._lists.question(call.connection, reading)
        call.note(reading=reading.model_copy(update={"is_waiting": True}))
        return question

    async def _next_step(self, call: _Call) -> Step | None:
        db, names, tried = call.db, call.connection.names, call.progress.tried
        if call.progress.job is not None:
            return await self._exports.carry_on(db, call.connection, call.progress.job, call.time, None)
        due = await conversations.next_in_doubt(db, names, tried)
        due = due or await conversations.next_due(db, names, tried, call.now)
        if due is None:
            return None
        call.note(tried=(*tried, due))
        return await self._exports.begin(db, call.connection, due, call.time) or Step()

    def _note_step(self, call: _Call, step: Step) -> None:
        call.events.extend(step.events)
        is_failed = step.job is None and not step.has_landed and bool(step.events)
        exported, failed = call.progress.exported + step.has_landed, call.progress.failed + is_failed
        call.note(job=step.job, exported=exported, failed=failed)

    async def _take_reply(self, call: _Call, reply: Reply) -> int:
        progress = call.progress
        if not progress.is_waiting:
            log.warning("conversation.reply_unasked", connection=call.connection.name)
        elif progress.job is not None and progress.job.is_waiting:
            step = await self._exports.carry_on(call.db, call.connection, progress.job, call.time, reply)
            self._note_step(call, step)
        elif progress.reading is not None:
            await self._take_list(call, reply)
        if reply.hresult:
            return await self._after_failure(call, reply)
        await conversations.note(call.db, call.connection.name, trouble=None)
        if not call.progress.may_ask:
            return DONE
        remaining = await self._remaining(call)
        return per_cent(call.progress.exported + call.progress.failed, remaining)

    async def _take_list(self, call: _Call, reply: Reply) -> None:
        if call.progress.reading is None:
            return
        taken = await self._lists.taken(call.db, call.connection, call.progress.reading, reply, call.now)
        call.events.extend(taken.events)
        call.note(reading=taken.reading, error=taken.error or call.progress.error)
        if not reply.hresult:
            await self._record(call, Heard(is_reached=True))

    async def _after_failure(self, call: _Call, reply: Reply) -> int:
        """End a conversation in which a request could not be passed on: the next one would fare alike."""
        call.note(error=call.connection.polled.unreached(reply))
        return FAILED

    async def _remaining(self, call: _Call) -> int:
        waiting = await conversations.count_waiting(call.db, call.connection.names, call.progress.tried, call.now)
        lists = await self._lists.count_due(call.db, call.connection, call.progress.reading, call.now)
        return waiting + lists + (call.progress.job is not None)

    async def _connection_failed(self, call: _Call, why: Reply) -> None:
        words = call.connection.polled.unreached(why)
        await self._close(call, words)
        await self._record(call, Heard(is_reached=False, message=words))
        log.warning("conversation.erp_unreached", connection=call.connection.name, hresult=why.hresult[:20])

    async def _end(self, call: _Call) -> str:
        await self._close(call, call.progress.error)
        said = summed_up(call.progress)
        log.info("conversation.ended", connection=call.connection.name, requests=call.progress.requests)
        return said

    async def _close(self, call: _Call, why: str) -> None:
        """End a conversation; what it was waiting for is in doubt, if it was a write."""
        await self._forget_question(call)
        call.note(error=why)
        call.conversation = replace(call.conversation, ended_at=call.now)
        await conversations.save(call.db, call.conversation)

    async def _forget_question(self, call: _Call) -> None:
        if call.progress.job is not None:
            step = await self._exports.give_up(call.db, call.connection, call.progress.job, call.time)
            call.events.extend(step.events)
        call.note(job=None, reading=None)

    async def _record(self, call: _Call, heard: Heard) -> None:
        await self._circuits.record(call.db, call.connection, call.now, Calls(heard), trusts_seen=False)

    async def _wrong_file(self, call: _Call, company_file: str) -> str:
        """Why the company file that is open is not that of the connection; empty if it is, or becomes it now."""
        wanted = getattr(call.connection.settings, "company_file", None)
        wanted = wanted or (await conversations.poller(call.db, call.connection.name)).company_file
        call.conversation = replace(call.conversation, company_file=company_file)
        if wanted is None and company_file:
            await conversations.note(call.db, call.connection.name, company_file=company_file)
        if not wanted or not company_file or _is_same_file(wanted, company_file):
            return ""
        return (
            f"QuickBooks has the company file {company_file} open, but this connection belongs to {wanted}. Open that "
            "one; or if the file was moved, set company_file of the connection to its new path."
        )


def _refused(answer: str) -> Admission:
    return Admission(secrets.token_urlsafe(24), answer)


def _is_same_file(one: str, other: str) -> bool:
    """Whether two paths on Windows, which ignores the case of letters, are the same."""
    return one.strip().casefold().replace("/", "\\") == other.strip().casefold().replace("/", "\\")
