"""Looks for late documents in conversations with the client of a polled ERP, once nothing waits to be exported."""

import secrets
from collections.abc import Coroutine, Sequence
from datetime import timedelta
from typing import Any
from uuid import uuid4

from schemas.envelope import Event
from schemas.events import EventData
from services.exporter.connections import Connection
from services.exporter.connectors.pull import Reply
from services.exporter.connectors.types import FindAnswer
from services.exporter.polling.exports import Step
from services.exporter.polling.large_replies import reading
from services.exporter.rechecking import NOT_ASKED, RecheckJob, RecheckWork
from services.exporter.rules.conversation import JobUnderWay, LookUnderWay, Result, ask, carried_on
from services.exporter.rules.recheck import Recheck
from services.exporter.storage import conversations, recheck_store
from services.pipeline.database import Transaction
from services.pipeline.lease_clock import ClaimTime


class PolledLooks:
    """Takes looks up and settles them as a worker does."""

    def __init__(self, work: RecheckWork) -> None:
        self._work = work

    async def leased(self, db: Transaction, connection: Connection, time: ClaimTime) -> JobUnderWay | None:
        """Lease the first look that is due; None if none is."""
        token, until = uuid4(), time.at + timedelta(seconds=connection.lease_seconds)
        recheck = await recheck_store.lease(db, connection.names, token, time.at, until)
        if recheck is None:
            return None
        names = await conversations.known_documents(db, recheck.commitment_id)
        look = LookUnderWay(company_id=recheck.company_id, connection=recheck.connection, looks=recheck.looks)
        return JobUnderWay(
            commitment_id=recheck.commitment_id,
            token=token,
            message_set_id=secrets.token_hex(11),
            numbers=names.numbers,
            document_ids=names.ids,
            look=look,
        )

    async def carry_on(
        self, db: Transaction, connection: Connection, job: JobUnderWay, time: ClaimTime, reply: Reply | None
    ) -> Step:
        """Take in `reply`, or else return the next question to pass on; at the end, record what was found."""
        so_far = job.replied(reply) if reply else job
        replies = [each.reply for each in so_far.replies]
        went = await reading(replies, lambda: carried_on(_finding(connection, so_far), replies))
        if isinstance(went, Result):
            return Step(events=await self._settle(db, connection, so_far, time, connection.usable.found(went.value)))
        return Step(so_far) if reply else Step(job.asked(went, time.at), went)

    async def give_up(self, db: Transaction, connection: Connection, job: JobUnderWay, time: ClaimTime) -> Step:
        """End a look whose reply will not come: it is repeated later."""
        return Step(events=await self._settle(db, connection, job, time, NOT_ASKED))

    async def set_aside(
        self, db: Transaction, connection: Connection, job: JobUnderWay, time: ClaimTime, why: str
    ) -> None:
        """Give up looking there; the commitment's exports are none the worse for it."""
        await self._work.set_aside(db, _recheck_job(connection, job, time), why)

    async def _settle(
        self, db: Transaction, connection: Connection, job: JobUnderWay, time: ClaimTime, found: FindAnswer
    ) -> Sequence[Event[EventData]]:
        return await self._work.settle(db, _recheck_job(connection, job, time), found)


def _recheck_job(connection: Connection, job: JobUnderWay, time: ClaimTime) -> RecheckJob:
    if job.look is None:
        raise ValueError(f"{job.commitment_id} is not looked for")
    recheck = Recheck(job.commitment_id, job.look.company_id, job.look.connection, time.at, job.look.looks)
    return RecheckJob(recheck, job.token, connection.lease_seconds, time)


def _finding(connection: Connection, job: JobUnderWay) -> Coroutine[Any, Any, FindAnswer]:
    return connection.polled.speaking(ask, job.occasion).find(job.commitment_id)
