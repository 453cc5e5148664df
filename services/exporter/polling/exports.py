"""Carries exports out in conversations with the client of a polled ERP: one text at a time, each in a transaction."""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from hashlib import sha256
from uuid import uuid4

from schemas.envelope import Event
from schemas.events import EventData
from services.exporter import metrics
from services.exporter.attempt import Attempt, AttemptResult, ExportJob
from services.exporter.claiming import job_of, retry_policy
from services.exporter.connections import Connection
from services.exporter.connectors.pull import Question, Reply
from services.exporter.connectors.types import Landed, Unknown
from services.exporter.polling.large_replies import reading
from services.exporter.rules.conversation import JobUnderWay, Result, ask, carried_on
from services.exporter.rules.export import CommitmentExports, Export
from services.exporter.rules.kept_attempts import KeptAttempt, abandoned_attempt
from services.exporter.rules.outcome import NotSent, Unconfirmed, Undecided
from services.exporter.rules.settling import begin_attempt
from services.exporter.storage import attempts
from services.exporter.storage.locking import lock_with_text
from services.exporter.storage.store import ExportStore
from services.exporter.work import ExportWork
from services.pipeline.database import Transaction
from services.pipeline.fold import StateChange
from services.pipeline.lease_clock import ClaimTime
from services.pipeline.logs import FailureLog
from services.pipeline.writes import Writes

_LOST = "The Web Connector did not bring the ERP's answer."
_CHANGED = "What was to be written changed while the ERP was writing it."


@dataclass(frozen=True, slots=True)
class Step:
    """What one step of an export leads to: its job with a question to pass on, or its end with the events of that."""

    job: JobUnderWay | None = None
    question: Question | None = None
    events: Sequence[Event[EventData]] = ()
    has_landed: bool = False


class _Labels(metrics.CallWatch):
    """Keeps the metrics quiet while an attempt is begun again, except for what is new."""

    def __init__(self, *, is_new: bool) -> None:
        self._is_new = is_new
        self.last: str | None = None

    def began(self, connection: str, seconds: float) -> None:
        """Note the beginning once."""
        if self._is_new:
            super().began(connection, seconds)

    def answered(self, connection: str, answer: str, seconds: float, traceparent: str | None) -> None:
        """Keep the last answer: how long it took is known only from the conversation."""
        del connection, seconds, traceparent
        self.last = answer


class PolledExports:
    """Takes exports up and settles them as a worker does; between two texts, an attempt is nothing but rows."""

    def __init__(self, store: ExportStore, work: ExportWork) -> None:
        self._store = store
        self._work = work
        self._failures = FailureLog()

    async def begin(self, db: Transaction, connection: Connection, commitment_id: str, time: ClaimTime) -> Step | None:
        """Lease the commitment's current export and take the first step; None if there is nothing to do for it."""
        found = await lock_with_text(db, commitment_id)
        if found is None or not _is_to_do(found[0], connection):
            return None
        exports, text = found
        until, token = time.at + timedelta(seconds=connection.lease_seconds), uuid4()
        leased = begin_attempt(exports, token, until, retry_policy(connection), time.at)
        await self._save(db, exports, leased, abandoned_attempt(exports, time.at))
        job = job_of(leased, text, time, connection)
        under_way = _new_job(job, connection)
        return await self._step(db, connection, job, under_way, passes_on=True)

    async def carry_on(
        self, db: Transaction, connection: Connection, under_way: JobUnderWay, time: ClaimTime, reply: Reply | None
    ) -> Step:
        """Take in `reply`, or else return the next question to pass on; at the end, record the attempt's outcome."""
        job = await self._resumed(db, connection, under_way, time)
        if job is None:
            return Step()
        if _fingerprint(job, connection) != under_way.fingerprint:
            is_written = under_way.is_write and (reply is not None or under_way.is_waiting)
            outcome = Unknown(_CHANGED) if is_written else NotSent()
            return await self._settle(db, connection, job, outcome)
        if reply is None:
            return await self._step(db, connection, job, under_way, passes_on=True)
        return await self._step(db, connection, job, under_way.replied(reply), passes_on=False)

    async def give_up(
        self, db: Transaction, connection: Connection, under_way: JobUnderWay, time: ClaimTime, *, is_ended: bool
    ) -> Step:
        """End an attempt whose reply will not come: in doubt if it was a write, as if nothing had been asked if not.

        A client that has not ended its conversation may still pass the write on, while another one asks already.
        """
        job = await self._resumed(db, connection, under_way, time)
        if job is None:
            return Step()
        if not (under_way.is_waiting and under_way.is_write):
            return await self._settle(db, connection, job, NotSent())
        asked_at = None if is_ended else under_way.asked_at
        return await self._settle(db, _settling(connection, asked_at, time.at), job, Unknown(_LOST))

    async def _step(
        self, db: Transaction, connection: Connection, job: ExportJob, under_way: JobUnderWay, *, passes_on: bool
    ) -> Step:
        """Begin the attempt again with the replies so far; its next question counts as asked only if it `passes_on`."""
        watch = _Labels(is_new=not under_way.replies)
        attempt = Attempt(_speaking(connection, under_way), job, self._failures, watch).run()
        replies = [each.reply for each in under_way.replies]
        went = await reading(replies, lambda: carried_on(attempt, replies))
        if isinstance(went, Result):
            if watch.last and under_way.asked_at:
                seconds = metrics.seconds_between(under_way.asked_at, job.time.now())
                metrics.CALL_WATCH.answered(connection.name, watch.last, seconds, job.export.traceparent)
            is_unclear = isinstance(went.value.outcome, Unknown)  # the reply may be another one's
            settling = _settling(connection, under_way.asked_at, job.time.now()) if is_unclear else connection
            result = replace(went.value, connection=settling)
            return await self._settle(db, settling, job, result, is_answered=under_way.is_write)
        if not passes_on:
            return Step(under_way)
        if went.is_write:
            await self._note_sent(db, job, went, job.time.now())
        return Step(under_way.asked(went, job.time.now()), went)

    async def _settle(
        self,
        db: Transaction,
        connection: Connection,
        job: ExportJob,
        result: AttemptResult | Unknown | NotSent,
        *,
        is_answered: bool = False,
    ) -> Step:
        """Record an outcome; an earlier write whose answer is missing is forgotten once it or a later one is known."""
        ended = result if isinstance(result, AttemptResult) else AttemptResult(result, connection=connection)
        is_known = is_answered and not isinstance(ended.outcome, (Unknown, Undecided, Unconfirmed, NotSent))
        if is_known or isinstance(ended.outcome, Landed):
            await self._note_answered(db, job)
        events = await self._work.settle(db, job, ended)
        return Step(events=events, has_landed=isinstance(ended.outcome, Landed))

    async def _resumed(
        self, db: Transaction, connection: Connection, under_way: JobUnderWay, time: ClaimTime
    ) -> ExportJob | None:
        """Lock the leased export again and lengthen its lease; None if the lease is another's by now."""
        found = await lock_with_text(db, under_way.commitment_id)
        if found is None:
            return None
        exports, text = found
        if exports.lease is None or exports.lease.token != under_way.token:
            return None
        until = time.at + timedelta(seconds=connection.lease_seconds)
        renewed = replace(exports, lease=replace(exports.lease, until=until))
        await self._save(db, exports, renewed)
        return job_of(renewed, text, time, connection)

    async def _note_sent(self, db: Transaction, job: ExportJob, question: Question, now: datetime) -> None:
        await self._change(db, job, message_set_id=question.message_set_id, sent_at=now)

    async def _note_answered(self, db: Transaction, job: ExportJob) -> None:
        await self._change(db, job, message_set_id=None, sent_at=None)

    async def _change(
        self, db: Transaction, job: ExportJob, *, message_set_id: str | None, sent_at: datetime | None
    ) -> None:
        exports = (await self._store.lock(db, [job.export.commitment_id]))[job.export.commitment_id]
        export = exports.by_revision[job.export.revision]
        changed = replace(export, message_set_id=message_set_id, sent_at=sent_at)
        if changed != export:
            await self._save(db, exports, exports.with_export(changed))

    async def _save(
        self,
        db: Transaction,
        before: CommitmentExports,
        after: CommitmentExports,
        abandoned: KeptAttempt | None = None,
    ) -> None:
        writes = Writes()
        await self._store.save(db, writes, [StateChange(before.commitment_id, before, after, ())])
        attempts.keep(writes, abandoned)
        await writes.execute(db)


def _is_to_do(exports: CommitmentExports, connection: Connection) -> bool:
    """Whether an export is still to be taken up there: somebody may have changed it before it was locked."""
    return exports.current is not None and exports.due_at is not None and exports.connection in connection.names


def _settling(connection: Connection, asked_at: datetime | None, now: datetime) -> Connection:
    """The connection, with what is left of the time for which a write asked at `asked_at` may still be passed on.

    Nothing is left if nobody has it any more.
    """
    passed = metrics.seconds_between(asked_at, now) if asked_at else connection.settings.settle_seconds
    left = max(connection.settings.settle_seconds - passed, 0.0)
    return replace(connection, settings=connection.settings.model_copy(update={"settle_seconds": left}))


def _speaking(connection: Connection, under_way: JobUnderWay) -> Connection:
    return replace(connection, connector=connection.polled.speaking(ask, under_way.occasion))


def _new_job(job: ExportJob, connection: Connection) -> JobUnderWay:
    export = job.export
    named = [each for each in (job.known, job.last, job.evidence, *job.replaced) if each]
    numbers = [export.erp_code, export.summary.number, *(each.number for each in named)]
    return JobUnderWay(
        commitment_id=export.commitment_id,
        token=job.lease.token,
        fingerprint=_fingerprint(job, connection),
        message_set_id=secrets.token_hex(11),
        numbers=tuple(dict.fromkeys(number for number in numbers if number)),
        document_ids=tuple(dict.fromkeys(each.id for each in named)),
        lost_message_set_id=export.message_set_id,
        lost_sent_at=export.sent_at,
    )


def _fingerprint(job: ExportJob, connection: Connection) -> str:
    """What stands for everything that decides how an attempt goes, but for the replies.

    If that changes meanwhile, the replies no longer belong to the questions that would be asked.
    """
    decisive = (
        connection.settings,
        _without_write(job.export),
        job.known,
        job.snapshot_text,
        job.is_overruled,
        sorted(map(repr, job.replaced)),
        job.last,
        job.evidence,
        job.is_confirmed,
    )
    return sha256(repr(decisive).encode("utf-8", "replace")).hexdigest()


def _without_write(export: Export) -> Export:
    return replace(export, message_set_id=None, sent_at=None)
