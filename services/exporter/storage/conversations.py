"""Stores conversations with the clients of polled ERPs, and finds what there is to do in them."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Any

import structlog
from pydantic import ValidationError
from sqlalchemy import Row, Select, all_, func, literal, select, true, update
from sqlalchemy.dialects.postgresql import ARRAY, TEXT, insert

from services.exporter.rules.conversation import Conversation, Progress
from services.exporter.rules.export import ExportState
from services.exporter.storage.tables import COMMITMENT, CONVERSATION, EXPORT, LOOK
from services.pipeline.database import Database, Transaction
from services.pipeline.lease_clock import DATABASE_NOW

log = structlog.get_logger()
_MAX_COUNTED = 10_000
"""Beyond that, it does not matter for a progress in per cent."""


def hashed(secret: str) -> str:
    """The form in which a ticket, or where a client called from, is stored."""
    return sha256(secret.encode("utf-8", "replace")).hexdigest()


async def moment(db: Transaction, given_now: datetime | None) -> datetime:
    """Return the database's time."""
    return (await db.execute(select(DATABASE_NOW), {"now": given_now})).scalar_one()


async def locked(db: Transaction, ticket: str) -> Conversation | None:
    """Lock and return the conversation with this ticket, also if it has ended; None if there is none."""
    chosen = select(CONVERSATION).where(CONVERSATION.c.ticket == hashed(ticket)).with_for_update(key_share=True)
    row = (await db.execute(chosen)).one_or_none()
    return _conversation(row) if row else None


async def is_open(database: Database, ticket: str) -> bool:
    """Return whether there is a conversation with this ticket that has not ended."""
    is_meant = (CONVERSATION.c.ticket == hashed(ticket)) & CONVERSATION.c.ended_at.is_(None)
    async with database.begin() as db:
        return await db.scalar(select(CONVERSATION.c.ticket).where(is_meant)) is not None


async def locked_open(db: Transaction, names: Sequence[str]) -> Conversation | None:
    """Lock and return the conversation of a connection that has not ended; None if there is none."""
    is_open = CONVERSATION.c.ended_at.is_(None)
    chosen = select(CONVERSATION).where(CONVERSATION.c.connection == func.any(list(names)), is_open)
    rows = (await db.execute(chosen.order_by(CONVERSATION.c.connection).with_for_update(key_share=True))).all()
    return _conversation(rows[0]) if rows else None


async def add(db: Transaction, conversation: Conversation) -> bool:
    """Store a new conversation; False if another one of the connection has begun meanwhile."""
    added = await db.execute(insert(CONVERSATION).values(_row(conversation)).on_conflict_do_nothing())
    return bool(added.rowcount)


async def save(db: Transaction, conversation: Conversation) -> None:
    """Store a conversation that is locked."""
    row = _row(conversation)
    await db.execute(update(CONVERSATION).where(CONVERSATION.c.ticket == row.pop("ticket")).values(row))


async def next_in_doubt(db: Transaction, names: Sequence[str], tried: Sequence[str]) -> str | None:
    """Return the first commitment in doubt that the ERP has to be asked about, whenever its next probe is due."""
    chosen = select(EXPORT.c.commitment_id).join(COMMITMENT, COMMITMENT.c.id == EXPORT.c.commitment_id)
    first: str | None = await db.scalar(_in_doubt(chosen, names, tried).order_by(EXPORT.c.accepted_at).limit(1))
    return first


async def next_due(db: Transaction, names: Sequence[str], tried: Sequence[str], now: datetime) -> str | None:
    """Return the commitment that has been due for longest: the first in the index of one of the names."""
    named = func.unnest(literal(list(names), ARRAY(TEXT))).table_valued("name").render_derived(name="named")
    due = select(COMMITMENT.c.id, COMMITMENT.c.due_at).where(COMMITMENT.c.connection == named.c.name)
    of_each = _is_due(due, tried, now).order_by(COMMITMENT.c.due_at).limit(1).lateral("of_each")
    chosen = select(of_each.c.id).select_from(named.join(of_each, true())).order_by(of_each.c.due_at).limit(1)
    first: str | None = await db.scalar(chosen)
    return first


async def count_waiting(db: Transaction, names: Sequence[str], tried: Sequence[str], now: datetime) -> int:
    """Return how many commitments there are to take up, up to some number."""
    doubts = select(EXPORT.c.commitment_id).join(COMMITMENT, COMMITMENT.c.id == EXPORT.c.commitment_id)
    in_doubt = _in_doubt(doubts, names, tried).limit(_MAX_COUNTED)
    there = select(COMMITMENT.c.id).where(COMMITMENT.c.connection == func.any(list(names)))
    due = _is_due(there, tried, now).limit(_MAX_COUNTED)
    waiting = in_doubt.union(due).subquery()
    return await db.scalar(select(func.count()).select_from(waiting)) or 0


def _in_doubt(chosen: Select[Any], names: Sequence[str], tried: Sequence[str]) -> Select[Any]:
    return chosen.where(
        EXPORT.c.connection == func.any(list(names)),
        EXPORT.c.state == ExportState.IN_DOUBT.value,
        EXPORT.c.commitment_id != all_(literal(list(tried), ARRAY(TEXT))),
        COMMITMENT.c.due_at.is_not(None),
        COMMITMENT.c.lease_token.is_(None),
    )


def _is_due(chosen: Select[Any], tried: Sequence[str], now: datetime) -> Select[Any]:
    return chosen.where(COMMITMENT.c.due_at <= now, COMMITMENT.c.id != all_(literal(list(tried), ARRAY(TEXT))))


@dataclass(frozen=True, slots=True)
class KnownDocuments:
    """The numbers and ids under which an ERP may have a commitment's documents."""

    numbers: tuple[str, ...]
    ids: tuple[str, ...]


async def known_documents(db: Transaction, commitment_id: str) -> KnownDocuments:
    """Return what is known of a commitment's documents, without a lock."""
    document, number = EXPORT.c.document, EXPORT.c.summary["number"].astext
    chosen = select(EXPORT.c.erp_code, number, document["number"].astext, document["id"].astext)
    rows = (await db.execute(chosen.where(EXPORT.c.commitment_id == commitment_id))).all()
    numbers = dict.fromkeys(each for *names, _ in rows for each in names if each)
    return KnownDocuments(tuple(numbers), tuple(dict.fromkeys(row[-1] for row in rows if row[-1])))


async def is_look_due(db: Transaction, names: Sequence[str], now: datetime) -> bool:
    """Whether a look for late documents is due on the connection."""
    chosen = select(LOOK.c.commitment_id).where(LOOK.c.connection == func.any(list(names)), LOOK.c.due_at <= now)
    return (await db.execute(chosen.limit(1))).first() is not None


def _conversation(row: Row[Any]) -> Conversation:
    return Conversation(
        row.ticket,
        row.connection,
        row.client,
        row.began_at,
        row.last_call_at,
        _progress(row),
        row.company_file,
        row.ended_at,
    )


def _progress(row: Row[Any]) -> Progress:
    """The progress; a new one where it cannot be read, and then what was under way is in doubt once its lease ends."""
    try:
        return Progress.model_validate(row.progress)
    except ValidationError:
        log.error("conversation.progress_unread", connection=row.connection)  # noqa: TRY400 - it would show content
        return Progress(error="What this conversation had done cannot be read any more.")


def _row(conversation: Conversation) -> dict[str, Any]:
    return {
        "ticket": conversation.ticket,
        "connection": conversation.connection,
        "client": conversation.client,
        "began_at": conversation.began_at,
        "last_call_at": conversation.last_call_at,
        "progress": json.loads(conversation.progress.model_dump_json()),
        "company_file": conversation.company_file,
        "ended_at": conversation.ended_at,
    }
