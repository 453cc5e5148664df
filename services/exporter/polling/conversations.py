"""Converses with the clients of polled ERPs: each call is a transaction, so any process can answer the next one."""

import secrets
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import TypeVar

import structlog

from services.exporter import metrics
from services.exporter.circuits import Calls, Circuits
from services.exporter.connections import Connection, Connections
from services.exporter.connectors.pull import Reply
from services.exporter.polling.conversation_work import Call, ConversationWork
from services.exporter.polling.exports import PolledExports
from services.exporter.polling.lists import ListReading
from services.exporter.polling.looks import PolledLooks
from services.exporter.rechecking import RecheckWork
from services.exporter.rules.circuit import Heard
from services.exporter.rules.conversation import Conversation, per_cent, summed_up
from services.exporter.storage import conversations, pollers
from services.exporter.storage.store import ExportStore
from services.exporter.web_connector.conversing import BUSY, NOTHING_TO_DO, OPEN_FILE, Admission, HostFacts
from services.exporter.work import ExportWork
from services.pipeline.crash import crash_at
from services.pipeline.database import Database, Transaction, may_succeed_later
from services.pipeline.lease_clock import ClaimTime, LeaseClock
from services.pipeline.logs import FailureLog
from services.pipeline.outbox import Outbox
from services.pipeline.seldom import Seldom

DONE, FAILED = 100, -1
SILENCE_SECONDS = 10.0
"""How often is looked for conversations whose clients have not called any more."""

UNKNOWN_TICKET = "This conversation is over. The Web Connector begins a new one with its next poll; nothing is lost."
UNAVAILABLE = "Countersign cannot work at present. Nothing is lost; the Web Connector tries again with its next poll."

WRONG_PASSWORD = "A wrong password was tried. If the Web Connector is refused, type its password there again."  # noqa: S105 - words

AnswerT = TypeVar("AnswerT")
log = structlog.get_logger()


class Conversations:
    """Answers the calls of the Web Connectors of all polled connections; `may_begin` is false after a restore."""

    def __init__(
        self,
        database: Database,
        outbox: Outbox,
        connections: Connections,
        work: ConversationWork,
        clock: LeaseClock,
        may_begin: Callable[[], bool] = lambda: True,
    ) -> None:
        self._database = database
        self._outbox = outbox
        self._connections = connections
        self._work = work
        self._clock = clock
        self._may_begin = may_begin
        self._circuits = Circuits()
        self._failures = FailureLog()
        self._seldom = Seldom()

    async def begin(self, connection: str, client: str) -> Admission:
        """Admit a client that has signed in to `connection` and calls from `client`."""
        admission = await self._answered(self._begin(connection, conversations.hashed(client)), _refused(BUSY))
        crash_at("web_connector.after_begin")
        return admission

    async def refused(self, connection: str) -> None:
        """Note that somebody has tried to sign in to `connection` with a wrong password; a right one mends that."""

        async def note() -> None:
            async with self._database.begin() as db:
                await pollers.note(db, connection, trouble=WRONG_PASSWORD)

        await self._answered(note(), None)

    async def is_open(self, ticket: str) -> bool:
        """Return whether a conversation with `ticket` is under way; false while that cannot be found out."""
        return await self._answered(conversations.is_open(self._database, ticket), otherwise=False)

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
        crash_at("web_connector.after_end")
        return said or "Countersign: this conversation was over."

    async def end_silent(self) -> None:
        """End conversations whose clients have not called for so long that they must have ended."""
        for connection in self._polled():
            await self._answered(self._end_silent(connection), None)

    async def _end_silent(self, connection: Connection) -> None:
        async with self._database.begin() as db:
            time = await self._time(db)
            open_ = await conversations.locked_open(db, connection.names)
            if open_ is None or not open_.is_silent(time.at, connection.settings.timeout_seconds):
                return
            call = Call(db, connection, open_, time)
            await self._close(call, "The Web Connector has not called any more.")
            await conversations.save(db, call.conversation)
            await self._outbox.add(db, call.events)
        _note_silent(connection.name)
        self._outbox.wake()

    def _polled(self) -> list[Connection]:
        return [each for each in self._connections.by_name.values() if each.is_polled]

    async def _answered(self, call: Awaitable[AnswerT], otherwise: AnswerT) -> AnswerT:
        """Return the answer of a call; `otherwise` if it failed, and then nothing of it has happened."""
        try:
            return await call
        except Exception as error:  # noqa: BLE001 - the client understands no other answer; rows tell how it goes on
            report = self._failures.expected if may_succeed_later(error) else self._failures.defect
            report("conversation.call_failed", error)
            return otherwise

    async def _time(self, db: Transaction) -> ClaimTime:
        asked_at = self._clock.stopwatch()
        return self._clock.claim_time(await conversations.moment(db, self._clock.given_time()), asked_at)

    async def _begin(self, name: str, client: str) -> Admission:
        connection = self._connections.by_name[name]
        ticket, replaced = secrets.token_urlsafe(24), None
        async with self._database.begin() as db:
            time = await self._time(db)
            await pollers.end_trouble(db, name, WRONG_PASSWORD)
            open_ = await conversations.locked_open(db, connection.names)
            if open_ is not None:
                settings = connection.settings
                if not open_.gives_way(client, time.at, settings.timeout_seconds, settings.settle_seconds):
                    await pollers.note(db, name, last_asked=time.at)
                    return _admitted(name, ticket, BUSY)
                replaced = Call(db, connection, open_, time)
                await self._close(replaced, "The Web Connector has begun another conversation.")
                await conversations.save(db, replaced.conversation)
            conversation = Conversation(conversations.hashed(ticket), name, client, time.at, time.at)
            call = Call(db, connection, conversation, time)
            has_work = self._may_begin() and await self._work.remaining(call) > 0
            is_begun = has_work and await conversations.add(db, conversation)
            await pollers.note(db, name, last_asked=time.at)
            await self._outbox.add(db, replaced.events if replaced else [])
        self._outbox.wake()
        if replaced:
            _note_silent(name)
        if not is_begun:
            return _admitted(name, ticket, BUSY if has_work else NOTHING_TO_DO)
        return _admitted(name, ticket, getattr(connection.settings, "company_file", None) or OPEN_FILE)

    async def _in_call(self, ticket: str, carry_out: Callable[[Call], Awaitable[AnswerT]]) -> AnswerT | None:
        """Carry a call out in its conversation, and store what it led to; None if the conversation is over."""
        async with self._database.begin() as db:
            time = await self._time(db)
            known = await conversations.locked(db, ticket)
            connection = self._connections.named(known.connection) if known else None
            if known is None or known.ended_at is not None or connection is None or not connection.is_polled:
                self._refuse(is_known=known is not None)
                return None
            call = Call(db, connection, replace(known, last_call_at=time.at), time)
            answer = await carry_out(call)
            await conversations.save(db, call.conversation)
            await pollers.note(db, connection.name, last_asked=time.at)
            await self._outbox.add(db, call.events)
        self._outbox.wake()
        return answer

    def _refuse(self, *, is_known: bool) -> None:
        """Say so once a minute: anybody who reaches the endpoint can try tickets."""
        if (repeats := self._seldom.left_out(is_known)) is not None:
            log.warning("conversation.ticket_refused", is_known=is_known, repeats=repeats)

    async def _next_request(self, call: Call, host: HostFacts) -> str:
        if call.progress.is_waiting:
            await self._work.forget_question(call)  # its answer was lost; to pass it on again might do it twice
        if wrong := await self._wrong_file(call, host.company_file):
            call.note(error=wrong)
            await pollers.note(call.db, call.connection.name, trouble=wrong)
            log.warning("conversation.wrong_company_file", connection=call.connection.name)
            return ""
        if not call.progress.may_ask or not self._may_begin():
            return ""
        question = await self._work.question(call)
        if question is None:
            return ""
        call.note(requests=call.progress.requests + 1)
        return question.text

    async def _take_reply(self, call: Call, reply: Reply) -> int:
        is_list = call.progress.job is None
        if not await self._work.take(call, reply):
            log.warning("conversation.reply_unasked", connection=call.connection.name)
        if unreached := call.connection.polled.unreached(reply):
            call.note(error=unreached)  # the next request would fare alike
            return FAILED
        if is_list and not reply.hresult:
            await self._record(call, Heard(is_reached=True))
        await pollers.note(call.db, call.connection.name, trouble=None)
        if not call.progress.may_ask:
            return DONE
        return per_cent(call.progress.requests, await self._work.remaining(call))

    async def _connection_failed(self, call: Call, why: Reply) -> None:
        words = call.connection.polled.unreached(why) or "The ERP could not be opened."
        await self._close(call, words, is_ended=True)
        await self._record(call, Heard(is_reached=False, message=words))
        log.warning("conversation.erp_unreached", connection=call.connection.name, hresult=why.known_hresult)

    async def _end(self, call: Call) -> str:
        await self._close(call, call.progress.error, is_ended=True)
        said = summed_up(call.progress)
        log.info("conversation.ended", connection=call.connection.name, requests=call.progress.requests)
        return said

    async def _close(self, call: Call, why: str, *, is_ended: bool = False) -> None:
        """End a conversation, which is still to be saved; what it was waiting for is in doubt, if it was a write."""
        await self._work.forget_question(call, is_ended=is_ended)
        call.note(error=why)
        call.conversation = replace(call.conversation, ended_at=call.now)

    async def _record(self, call: Call, heard: Heard) -> None:
        await self._circuits.record(call.db, call.connection, call.now, Calls(heard), trusts_seen=False)

    async def _wrong_file(self, call: Call, company_file: str) -> str:
        """Why the company file that is open is not that of the connection; empty if it is, or becomes it now."""
        wanted = getattr(call.connection.settings, "company_file", None)
        wanted = wanted or (await pollers.poller(call.db, call.connection.name)).company_file
        call.conversation = replace(call.conversation, company_file=company_file)
        if wanted is None and company_file:
            await pollers.note(call.db, call.connection.name, company_file=company_file)
        if not wanted or not company_file or _is_same_file(wanted, company_file):
            return ""
        return (
            f"QuickBooks has the company file {company_file} open, but this connection belongs to {wanted}. Open that "
            "one; or if the file was moved, set company_file of the connection to its new path."
        )


def conversations_of(
    database: Database, outbox: Outbox, connections: Connections, may_begin: Callable[[], bool]
) -> Conversations:
    """Return the conversations of an exporter's process."""
    store, clock = ExportStore(), LeaseClock()
    exports = PolledExports(store, ExportWork(connections, store, clock))
    looks = PolledLooks(RecheckWork(connections, store, clock))
    work = ConversationWork(store, exports, looks, ListReading())
    return Conversations(database, outbox, connections, work, clock, may_begin)


def _admitted(connection: str, ticket: str, answer: str) -> Admission:
    outcome = {BUSY: "busy", NOTHING_TO_DO: "nothing_to_do"}.get(answer, "begun")
    metrics.CONVERSATIONS.labels(connection, outcome).inc()
    log.info("conversation.asked", connection=connection, outcome=outcome)
    return Admission(ticket, answer)


def _note_silent(connection: str) -> None:
    metrics.CONVERSATIONS.labels(connection, "silent").inc()
    log.warning("conversation.silent", connection=connection)


def _refused(answer: str) -> Admission:
    return Admission(secrets.token_urlsafe(24), answer)


def _is_same_file(one: str, other: str) -> bool:
    """Whether two paths on Windows, which ignores the case of letters, are the same."""
    return one.strip().casefold().replace("/", "\\") == other.strip().casefold().replace("/", "\\")
