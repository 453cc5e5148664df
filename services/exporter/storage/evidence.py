"""Refuses evidence that names the document of another commitment, which approval prevents unless it was restored."""

from collections.abc import Iterator, Sequence
from typing import Any

from sqlalchemy import Text, bindparam, select, text
from sqlalchemy.dialects.postgresql import ARRAY

from schemas.commitment import ErpDocument
from services.exporter.rules.export import ApprovedSnapshot, CommitmentExports
from services.exporter.storage import connection_store
from services.exporter.storage.document_json import replaced_in
from services.exporter.storage.tables import COMMITMENT, EXPORT
from services.pipeline.database import Transaction
from services.pipeline.dead_letters import SCHEMA
from services.pipeline.fold import RefusedError, StateChange

# the members are written out as in the indexes, which PostgreSQL would not use with parameters
_IS_DOCUMENT = text(
    "document is not null and document ->> 'connection' = any(:connections) "
    "and (document ->> 'id' = :id or document ->> 'id' = :number or document ->> 'number' = :number)"
).bindparams(bindparam("connections", type_=ARRAY(Text)))


async def refuse_documents_of_others(
    db: Transaction, changes: Sequence[StateChange[CommitmentExports, ApprovedSnapshot]]
) -> None:
    """RefusedError if one of `changes` brings evidence that names a document of another commitment."""
    for change in changes:
        for document in _new_evidence(change.before, change.after):
            holder = await _holder(db, change.key, document)
            if holder:
                number = document.number or document.id
                raise RefusedError(SCHEMA, f"{number} cannot be the document of {change.key}: it is that of {holder}")


def _new_evidence(before: CommitmentExports, after: CommitmentExports) -> Iterator[ErpDocument]:
    """Yield each document that was not given as evidence before, on the connection that the export goes to."""
    for revision, evidence in after.resolved.items():
        if before.resolved.get(revision) == evidence:
            continue
        export = after.by_revision.get(revision)
        connection = after.connection_for(export) if export else None
        yield evidence.document.model_copy(update={"connection": connection or evidence.document.connection})


async def _holder(db: Transaction, commitment_id: str, document: ErpDocument) -> str | None:
    names = await connection_store.names_of(db, document.connection)
    named = {"connections": list(names), "id": document.id, "number": document.number or document.id}
    columns = (EXPORT.c.commitment_id, EXPORT.c.revision, EXPORT.c.reopened, EXPORT.c.document, COMMITMENT.c.replaced)
    chosen = select(*columns).join_from(EXPORT, COMMITMENT, EXPORT.c.commitment_id == COMMITMENT.c.id)
    rows = await db.execute(chosen.where(_IS_DOCUMENT, EXPORT.c.commitment_id != commitment_id), named)
    return next((holder for holder, *written in rows if not _is_replaced(*written)), None)


def _is_replaced(revision: int, reopened: int, written: Any, replaced: Any) -> bool:
    """Whether the commitment has given up the document, so that its number may be another's by now."""
    document = ErpDocument.model_validate(written)
    return any(each.covers((revision, reopened), document) for each in replaced_in(replaced))
