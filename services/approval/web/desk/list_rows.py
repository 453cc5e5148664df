"""The rows of the desk's lists, with what the checks found, read in a handful of statements for a whole page."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import Row as DatabaseRow
from sqlalchemy import func, select, tuple_

from schemas.commitment import Commitment as Snapshot
from schemas.commitment import Person, Summary
from schemas.events import DirectoryPerson, ErpConnection
from schemas.fields import FailureClass, Status
from services.approval.rules.checks import Finding, findings, kept_number
from services.approval.rules.commitment import Commitment, View
from services.approval.rules.status import connection, locked_fields, message
from services.approval.storage import queries, tables
from services.approval.storage.queries import DeskView, Listed
from services.approval.web.desk.forms import Choice, Verb
from services.pipeline.database import Transaction


@dataclass(frozen=True, slots=True)
class Row:
    """One commitment in a list; `findings` are empty where nothing is to be accepted."""

    commitment: Commitment
    view: View
    erp: ErpConnection | None
    findings: tuple[Finding, ...] = ()

    @property
    def summary(self) -> Summary:
        """What the row shows."""
        return self.view.summary

    @property
    def erp_title(self) -> str:
        """What people call the ERP."""
        return title_of(self.erp)

    @property
    def blocked_by(self) -> tuple[str, ...]:
        """Why it cannot be accepted, in words; empty where it can."""
        if self.view.status is Status.DISPUTED:
            return (self.message,)
        return tuple(finding.text for finding in self.findings if finding.is_blocking)

    @property
    def warnings(self) -> tuple[str, ...]:
        """What is to be known before accepting."""
        return tuple(finding.text for finding in self.findings if not finding.is_blocking)

    @property
    def message(self) -> str:
        """What the status means."""
        return message(self.commitment, self.view, self.erp.title if self.erp else None)

    @property
    def locked_fields(self) -> tuple[str, ...]:
        """What cannot be edited in the project."""
        return locked_fields(self.commitment)

    @property
    def is_retriable(self) -> bool:
        """Whether the desk offers to try a failed export again."""
        failure = self.view.ruling.failure if self.view.ruling else None
        return failure is not None and failure.failure_class is not FailureClass.FIX_DATA

    @property
    def content_hash(self) -> str:
        """The content that an answer given here is bound to; of a dispute any, since it can only be rejected."""
        return content_hash(self.commitment, self.view)

    def choice(self, verb: str) -> str:
        """What a form sends when `verb` is chosen for this row."""
        return Choice(Verb(verb), self.view.revision, self.content_hash, self.commitment.id).value


def content_hash(commitment: Commitment, seen: View) -> str:
    """The hash of the content that is on show."""
    return seen.submitted.content_hash if seen.submitted.revision == seen.revision else min(commitment.hashes)


def title_of(erp: ErpConnection | None) -> str:
    """What people call `erp`."""
    return erp.title if erp else "the ERP"


async def rows_of(db: Transaction, company_id: str, desk_view: DeskView, listed: Sequence[Listed]) -> list[Row]:
    """Return `listed` as rows; those that wait for an answer with their findings."""
    erps = await queries.connections(db, company_id)
    rows = [Row(each.commitment, each.view, erp_of(each.commitment, erps)) for each in listed]
    return await _checked(db, company_id, rows) if desk_view is DeskView.READY else rows


def erp_of(commitment: Commitment, erps: Sequence[ErpConnection]) -> ErpConnection | None:
    """Return the connection of `erps` that `commitment` goes to."""
    name = connection(commitment)
    return next((erp for erp in erps if name in (None, erp.name)), None)


async def _checked(db: Transaction, company_id: str, rows: Sequence[Row]) -> list[Row]:
    sent = await _submissions(db, rows)
    contents = {key: Snapshot.model_validate_json(row.snapshot) for key, row in sent.items()}
    senders = {key: Person.model_validate_json(row.sent_by) for key, row in sent.items()}
    known = await _people(db, {person.id for person in senders.values()})
    taken = await _taken_numbers(db, company_id, rows, contents)
    return [
        Row(
            row.commitment,
            row.view,
            row.erp,
            findings(
                contents[row.commitment.id],
                senders[row.commitment.id],
                sender=known.get(senders[row.commitment.id].id),
                erp=row.erp,
                number_taken_by=taken.get(row.commitment.id),
            )
            if row.commitment.id in contents
            else (),
        )
        for row in rows
    ]


async def _submissions(db: Transaction, rows: Sequence[Row]) -> Mapping[str, DatabaseRow[str, str, str]]:
    """Return what was sent as the revisions on show, by commitment."""
    table = tables.SUBMISSION
    wanted = [(row.commitment.id, row.view.revision, row.content_hash) for row in rows]
    chosen = select(table.c.commitment_id, table.c.snapshot, table.c.sent_by).where(
        tuple_(table.c.commitment_id, table.c.revision, table.c.content_hash).in_(wanted)
    )
    return {row.commitment_id: row for row in (await db.execute(chosen)).all()}


async def _people(db: Transaction, person_ids: set[str]) -> Mapping[str, DirectoryPerson]:
    table = tables.PERSON
    chosen = select(table.c.id, table.c.record).where(table.c.id.in_(person_ids), table.c.record.is_not(None))
    return {row.id: DirectoryPerson.model_validate_json(row.record) for row in await db.execute(chosen)}


async def _taken_numbers(
    db: Transaction, company_id: str, rows: Sequence[Row], contents: Mapping[str, Snapshot]
) -> Mapping[str, str]:
    """Return, for each commitment whose number the ERP would cut, another's number that it could not tell apart."""
    kept = {
        row.commitment.id: kept_number(contents[row.commitment.id], row.erp)
        for row in rows
        if row.erp and row.commitment.id in contents
    }
    cut = {key: number for key, number in kept.items() if number != contents[key].number}
    if not cut:
        return {}
    table = tables.COMMITMENT
    length = len(next(iter(cut.values())))
    prefix = func.left(table.c.number, length)
    chosen = select(prefix, func.min(table.c.number), func.max(table.c.number), func.count())
    same = chosen.where(table.c.company_id == company_id, prefix.in_(set(cut.values()))).group_by(prefix)
    by_prefix = {row[0]: row[1:] for row in await db.execute(same)}
    others = {key: _other(contents[key].number, *by_prefix.get(number, ("", "", 0))) for key, number in cut.items()}
    return {key: number for key, number in others.items() if number}


def _other(own: str, lowest: str, highest: str, count: int) -> str | None:
    """One of `count` numbers between `lowest` and `highest` that is not the `own` one of this commitment."""
    if count <= 1:
        return None
    return lowest if lowest != own else highest
