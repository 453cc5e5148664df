"""An approver's answer as one transaction on the commitment's row: guarded, recorded, and published."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

from schemas.commitment import ErpDocument, Person
from schemas.events import DirectoryPerson
from schemas.snapshot import Snapshot
from services.approval.rules import commands
from services.approval.rules.commands import AlreadyGranted, Answer, Blocked, Conflict, Granted
from services.approval.rules.commitment import Commitment
from services.approval.rules.status import connection
from services.approval.storage import queries, store
from services.pipeline.crash import crash_at
from services.pipeline.database import Database, Transaction
from services.pipeline.fold import StateChange
from services.pipeline.outbox import Outbox


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of an answer, and the commitment as it stands after it."""

    answer: Answer
    commitment: Commitment


Command = Callable[[Transaction, Commitment, datetime], Awaitable[Answer]]


class Decisions:
    """What approvers may order; each method returns None where the approver's company has no such commitment."""

    def __init__(self, database: Database, outbox: Outbox) -> None:
        self._database = database
        self._outbox = outbox
        self._store = store.CommitmentStore()

    async def accept(
        self,
        commitment_id: str,
        by: DirectoryPerson,
        revision: int,
        content_hash: str,
        *,
        erp_code: str | None = None,
        accounting_date: date | None = None,
        note: str | None = None,
    ) -> Outcome | None:
        """Accept exactly the content that `by` read, unless a check forbids it."""

        async def command(db: Transaction, commitment: Commitment, now: datetime) -> Answer:
            sent = await store.snapshots(db, commitment.id, revision)
            read = [(snapshot, row) for snapshot, row in sent if row.content_hash == content_hash]
            snapshot, row = read[0] if read else (None, None)
            erp = await queries.connection_of(db, commitment)
            found = await queries.findings_on(db, commitment, snapshot, row, erp) if snapshot and row else ()
            return commands.accept(
                commitment,
                revision,
                content_hash,
                as_person(by),
                now,
                zone=ZoneInfo(by.time_zone),
                snapshot=snapshot,
                findings=found,
                erp_code=erp_code,
                accounting_date=accounting_date,
                note=note,
            )

        return await self._answer(commitment_id, by, command)

    async def reject(
        self, commitment_id: str, by: DirectoryPerson, revision: int, content_hash: str, reason: str
    ) -> Outcome | None:
        """Give the revision back to its project with a reason."""

        async def command(_: Transaction, commitment: Commitment, now: datetime) -> Answer:
            return commands.reject(
                commitment, revision, content_hash, reason, as_person(by), now, zone=ZoneInfo(by.time_zone)
            )

        return await self._answer(commitment_id, by, command)

    async def retry(self, commitment_id: str, by: DirectoryPerson, revision: int, export_round: int) -> Outcome | None:
        """Order a failed export once more, with the content that was approved."""

        async def command(db: Transaction, commitment: Commitment, now: datetime) -> Answer:
            snapshot = await _approved(db, commitment, revision)
            return commands.retry(
                commitment, revision, export_round, as_person(by), now, zone=ZoneInfo(by.time_zone), snapshot=snapshot
            )

        return await self._answer(commitment_id, by, command)

    async def settle(
        self,
        commitment_id: str,
        by: DirectoryPerson,
        revision: int,
        export_round: int,
        *,
        document: ErpDocument | None,
        note: str,
    ) -> Outcome | None:
        """Settle an export in doubt: `document` is in the ERP, or, where it is None, nothing is and it is repeated."""

        async def command(db: Transaction, commitment: Commitment, now: datetime) -> Answer:
            person, zone = as_person(by), ZoneInfo(by.time_zone)
            if document:
                # evidence names a document; the ERP is the one that was asked, whatever the request says
                asked = connection(commitment) or document.connection
                found = document.model_copy(update={"connection": asked})
                return commands.settle_as_present(
                    commitment, revision, export_round, found, person, now, zone=zone, note=note
                )
            snapshot = await _approved(db, commitment, revision)
            return commands.settle_as_absent(
                commitment, revision, export_round, person, now, zone=zone, snapshot=snapshot, note=note
            )

        return await self._answer(commitment_id, by, command)

    async def _answer(self, commitment_id: str, by: DirectoryPerson, command: Command) -> Outcome | None:
        async with self._database.begin() as db:
            if await queries.find(db, by.company_id, commitment_id) is None:
                return None
            commitment = (await self._store.load(db, [commitment_id]))[commitment_id]
            answer = await command(db, commitment, datetime.now(UTC))
            if isinstance(answer, Granted):
                await self._record(db, commitment, answer)
        if isinstance(answer, Granted):
            crash_at("approval.after_decision")
            self._outbox.wake()
            return Outcome(answer, answer.decided.state)
        return Outcome(answer, commitment)

    async def _record(self, db: Transaction, before: Commitment, answer: Granted) -> None:
        decided = answer.decided
        told = await self._store.save(db, [StateChange(before.id, before, decided.state, decided.rows)])
        await self._outbox.add(db, [*decided.publish, *told])
        crash_at("approval.before_decision_commit")


def as_person(known: DirectoryPerson) -> Person:
    """Return the person as decisions and mails name them."""
    return Person(id=known.person_id, name=known.name, email=known.email)


async def _approved(db: Transaction, commitment: Commitment, revision: int) -> Snapshot | None:
    """Return the content that was approved as `revision`."""
    approved = commitment.approved
    wanted = approved.content_hash if approved and approved.revision == revision else None
    found = await store.snapshots(db, commitment.id, revision)
    return next((snapshot for snapshot, row in found if row.content_hash == wanted), None)


__all__ = ["AlreadyGranted", "Answer", "Blocked", "Conflict", "Decisions", "Granted", "Outcome", "as_person"]
