"""Refuses evidence that names, or turns out to be, the document of another commitment."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Text, bindparam, select, text
from sqlalchemy.dialects.postgresql import ARRAY

from schemas.commitment import ErpDocument
from services.exporter.connectors.types import ErpCopy, Landed
from services.exporter.connectors.wording import one_line
from services.exporter.rules.evidence import of_another, other_reference
from services.exporter.rules.export import ApprovedSnapshot, CommitmentExports, Export
from services.exporter.rules.marker import marked_revision
from services.exporter.rules.outcome import AttemptOutcome, Unconfirmed, WrongEvidence
from services.exporter.rules.settling import erp_document
from services.exporter.storage import connection_store
from services.exporter.storage.document_json import replaced_in
from services.exporter.storage.tables import COMMITMENT, EXPORT
from services.pipeline.database import Transaction
from services.pipeline.dead_letters import SCHEMA
from services.pipeline.fold import RefusedError, StateChange
from services.pipeline.unreadable import read_or_none, readable

# the members are written out as in the indexes, which PostgreSQL would not use with parameters
_IS_DOCUMENT = text(
    "document is not null and document ->> 'connection' = any(:connections) "
    "and (document ->> 'id' = :id or document ->> 'id' = :number or document ->> 'number' = :number)"
).bindparams(bindparam("connections", type_=ARRAY(Text)))


async def refuse_documents_of_others(
    db: Transaction, changes: Sequence[StateChange[CommitmentExports, ApprovedSnapshot]]
) -> None:
    """RefusedError if one of `changes` brings evidence that names a document of another commitment.

    Approval prevents that, unless it was restored.
    """
    for change in changes:
        for document in _new_evidence(change.before, change.after):
            holder = await _holder(db, change.key, document)
            if holder:
                text = f"{document.name} cannot be the document of {change.key}: it is that of {holder.commitment_id}"
                raise RefusedError(SCHEMA, text)


async def unless_of_another(
    db: Transaction, export: Export, outcome: AttemptOutcome, shown: ErpCopy | None
) -> AttemptOutcome:
    """Return `outcome` of a check of evidence, or WrongEvidence if it found a document that is known as another's.

    A document with a marker of `export` is its own, whatever was known of it before. `shown` is the one that an
    approver named, as the ERP has it.
    """
    if not isinstance(outcome, (Landed, Unconfirmed)):
        return outcome
    reference = other_reference(export, shown) if shown else None
    if shown and reference and (other := await _commitment_with(db, export, reference)):
        return WrongEvidence(f"{shown.document.name} has the reference of {other}: {one_line(reference)}.")
    shown_alone = (shown.document,) if shown else ()
    for document in outcome.documents if isinstance(outcome, Landed) else shown_alone:
        is_its_own = marked_revision(document.marker, export.commitment_id) is not None
        holder = None if is_its_own else await _holder(db, export.commitment_id, erp_document(export, document))
        if holder:
            return of_another(document, holder.named_to(export.company_id))
    return outcome


def _new_evidence(before: CommitmentExports, after: CommitmentExports) -> Iterator[ErpDocument]:
    """Yield each document that was not given as evidence before, on the connection that the export goes to."""
    for revision, evidence in after.resolved.items():
        if before.resolved.get(revision) == evidence:
            continue
        export = after.by_revision.get(revision)
        connection = after.connection_for(export) if export else None
        yield evidence.document.model_copy(update={"connection": connection or evidence.document.connection})


@dataclass(frozen=True, slots=True)
class _Holder:
    """Another commitment that has the document."""

    commitment_id: str
    company_id: str
    number: str

    def named_to(self, company_id: str) -> str:
        """What people of the company may be told of it."""
        is_theirs = self.company_id == company_id
        return f"{self.number} ({self.commitment_id})" if is_theirs else "another company's commitment"


async def _commitment_with(db: Transaction, export: Export, reference: str) -> str | None:
    """Return what people of the company may be told of the other commitment with this id; None if there is none."""
    columns = (EXPORT.c.commitment_id, EXPORT.c.company_id, EXPORT.c.summary)
    chosen = select(*columns).where(EXPORT.c.commitment_id == reference).limit(1)
    row = (await db.execute(chosen)).first()
    if row is None:
        return None
    number = read_or_none(EXPORT, reference, lambda: str(row[2]["number"])) or reference
    return _Holder(row[0], row[1], number).named_to(export.company_id)


async def _holder(db: Transaction, commitment_id: str, document: ErpDocument) -> _Holder | None:
    names = await connection_store.names_of(db, document.connection)
    named = {"connections": list(names), "id": document.id, "number": document.number or document.id}
    written = (EXPORT.c.revision, EXPORT.c.reopened, EXPORT.c.document, COMMITMENT.c.replaced)
    columns = (EXPORT.c.commitment_id, EXPORT.c.company_id, EXPORT.c.summary, *written)
    chosen = select(*columns).join_from(EXPORT, COMMITMENT, EXPORT.c.commitment_id == COMMITMENT.c.id)
    rows = await db.execute(chosen.where(_IS_DOCUMENT, EXPORT.c.commitment_id != commitment_id), named)
    holders = readable(EXPORT, rows, lambda row: row.commitment_id, _holder_of)
    return next((holder for holder in holders if holder), None)


def _holder_of(row: Any) -> _Holder | None:
    """Return whose document the row has; None if the commitment has given it up."""
    id_, company_id, summary, *written = row
    return None if _is_replaced(*written) else _Holder(id_, company_id, summary["number"])


def _is_replaced(revision: int, reopened: int, written: Any, replaced: Any) -> bool:
    """Whether the commitment has given up the document, so that its number may be another's by now."""
    document = ErpDocument.model_validate(written)
    return any(each.covers((revision, reopened), document) for each in replaced_in(replaced))
