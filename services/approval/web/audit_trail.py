"""The whole history of a commitment as auditors keep it: the desk prints it, the desk and the API export it."""

from collections.abc import Sequence
from datetime import datetime
from functools import partial

import orjson
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter
from starlette.exceptions import HTTPException

from schemas.commitment import ErpDocument, Person, Summary
from schemas.decision_chain import START
from schemas.events import DirectoryPerson
from schemas.fields import Status
from services.approval.rules.status import summary
from services.approval.storage import audit, queries
from services.approval.storage.audit import AuditLine
from services.approval.storage.queries import StoredCommitment
from services.approval.storage.tables import HISTORY
from services.approval.web.api import examples
from services.approval.web.api.models import Words
from services.approval.web.dependencies import Dependencies
from services.pipeline.apart import apart
from services.pipeline.clock import utc_now
from services.pipeline.unreadable import read_or_raise


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, from_attributes=True)


class ChainedDecision(_Model):
    """A decision in the chain of its commitment; `countersign audit verify` checks it."""

    position: int = Field(description="1 for the first decision, +1 for each further one.")
    hash: str = Field(
        description="SHA-256 of the hash of the decision before (64 zeros for the first one), a line feed, and the "
        "RFC 8785 form of `decision`."
    )
    decision: dict[str, object] = Field(description="What was decided, without the content, whose hash it names.")


class HistoryItem(_Model):
    """Something that happened to a commitment."""

    model_config = examples.shown(examples.HISTORY_ITEM)

    event_id: str = Field(description="The id of the event.")
    at: datetime
    kind: str = Field(description="The topic of the event.")
    actor: Words | None
    revision: int | None
    round: int | None
    text: Words = Field(description="What happened, in words.")
    chain: ChainedDecision | None = Field(default=None, description="Its place in the chain, if it is a decision.")


class ChainEnd(_Model):
    """Where the chain ends, so that a file that was cut off shows it."""

    decisions: int = Field(description="The position of the last decision; 0 without one.")
    head: str | None = Field(description="The hash of the last decision; note it elsewhere, to compare it later.")


class SentContent(_Model):
    """A content that was sent, and is still kept."""

    revision: int
    content_hash: str
    sent_by: Person
    sent_at: datetime
    note: str | None


class AuditTrail(_Model):
    """All that is known about what happened to a commitment."""

    model_config = examples.shown(examples.AUDIT_TRAIL)

    company_id: str
    commitment_id: str
    exported_at: datetime
    status: Status
    revision: int
    round: int
    summary: Summary
    erp_document: ErpDocument | None
    erp_documents: tuple[ErpDocument, ...] = Field(description="Every document that was ever written for it.")
    revisions: tuple[SentContent, ...]
    history: tuple[HistoryItem, ...] = Field(description="Oldest first.")
    chain: ChainEnd


_HISTORY = TypeAdapter(tuple[HistoryItem, ...])
_PIECE_LINES = 500


async def load_trail(dependencies: Dependencies, who: DirectoryPerson, commitment_id: str) -> AuditTrail:
    """Return the whole history of a commitment; a 404 if the company of `who` has no such commitment.

    UnreadableRowError if a part of it cannot be read: a history that only seems whole would be worse than none.
    """
    async with dependencies.readers:
        async with dependencies.database.begin() as db:
            stored = await queries.find(db, who.company_id, commitment_id)
            if stored is None:
                raise HTTPException(404, f"Your company has no commitment {commitment_id!r} in ERP Integrations.")
            lines = await audit.lines(db, who.company_id, commitment_id)
            revisions = await audit.revisions(db, who.company_id, commitment_id)
            last = await audit.last_decision(db, commitment_id)
        return await apart(lambda: _trail(who, stored, lines, revisions, last))


def trail_json(trail: AuditTrail, indent: int | None = None) -> bytes:
    """Return `trail` as JSON; its history is written in pieces, since one long step lets no other thread run."""
    pieces = [trail.history[begin : begin + _PIECE_LINES] for begin in range(0, len(trail.history), _PIECE_LINES)]
    written = [_HISTORY.dump_json(piece, indent=indent).removeprefix(b"[").removesuffix(b"]") for piece in pieces]
    # JSON has no line ends within its texts
    history = b",".join(each.rstrip(b"\n").replace(b"\n", b"\n" + b" " * (indent or 0)) for each in written)
    without = trail.model_copy(update={"history": ()}).model_dump_json(indent=indent).encode()
    name = b'"history":' if indent is None else b'"history": '
    before, _, after = without.rpartition(name + b"[]")
    end = b"\n" + b" " * indent if indent and history else b""
    return b"".join((before, name, b"[", history, end, b"]", after))


def audit_item(line: AuditLine) -> HistoryItem:
    """Return `line` with its place in the chain; UnreadableRowError if what was decided cannot be read."""
    chain = read_or_raise(HISTORY, line.event_id, partial(_chained, line))
    return HistoryItem(
        event_id=line.event_id,
        at=line.at,
        kind=line.kind,
        actor=line.actor,
        revision=line.revision,
        round=line.round,
        text=line.text,
        chain=chain,
    )


def _chained(line: AuditLine) -> ChainedDecision | None:
    if line.position is None or not line.hash or not line.decision:
        return None
    return ChainedDecision(position=line.position, hash=line.hash, decision=orjson.loads(line.decision))


def _trail(
    who: DirectoryPerson,
    stored: StoredCommitment,
    lines: Sequence[AuditLine],
    revisions: Sequence[audit.SentRevision],
    last: tuple[int, str] | None,
) -> AuditTrail:
    facts, current = stored.facts, stored.current
    written = sorted(facts.documents, key=lambda each: (each.revision, each.reopened, each.document.id))
    position, head = last or (0, START)
    return AuditTrail(
        company_id=who.company_id,
        commitment_id=facts.id,
        exported_at=utc_now(),
        status=current.status,
        revision=current.revision,
        round=current.round,
        summary=summary(facts, current),
        erp_document=facts.document,
        erp_documents=tuple(dict.fromkeys(each.document for each in written)),
        revisions=tuple(SentContent.model_validate(each) for each in revisions),
        history=tuple(map(audit_item, lines)),
        chain=ChainEnd(decisions=position, head=head if last else None),
    )
