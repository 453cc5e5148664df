"""Ends sessions that are not the caller's own: those that operators name, and those of people who were removed."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Row, delete, exists, func, select

from services.approval.storage.desk_tables import ENDED_SESSION, SESSION
from services.approval.storage.sessions import NAME_SHOWN, state_of
from services.approval.storage.tables import PERSON
from services.pipeline.bulk import insert_many
from services.pipeline.clock import utc_now
from services.pipeline.database import Database, Transaction
from services.pipeline.retention import Swept, delete_oldest

KEPT_DAYS = 400
_NAME = func.left(func.encode(SESSION.c.token_hash, "hex"), NAME_SHOWN).label("session")


@dataclass(frozen=True, slots=True)
class OpenSession:
    """A session as an operator sees it; `session` is the beginning of its name, with which nobody can sign in."""

    person_id: str
    session: str
    browser: str
    used_at: datetime | None
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class EndedSession:
    """A session that an operator has ended."""

    person_id: str
    session: str
    ended_at: datetime
    ended_by: str
    because: str


async def open_sessions(db: Transaction, person_id: str | None, limit: int) -> Sequence[OpenSession]:
    """Return the sessions of a person, or of everybody, that have not expired; the last used first."""
    chosen = select(SESSION, _NAME).where(_is_open(person_id), SESSION.c.expires_at > utc_now())
    rows = await db.execute(chosen.order_by(SESSION.c.used_at.desc().nulls_last(), SESSION.c.token_hash).limit(limit))
    return [_open_session(row) for row in rows]


async def end_sessions(
    db: Transaction, person_id: str | None, session: str | None, *, ended_by: str, because: str
) -> int:
    """End the sessions of a person, or of everybody; of these only the one named `session`, if given.

    Returns how many there were. Each is kept with who ended it, when and why.
    """
    is_meant = _is_open(person_id) if session is None else _is_open(person_id) & _NAME.in_([session])
    ended = (await db.execute(delete(SESSION).where(is_meant).returning(SESSION.c.person_id, _NAME))).all()
    about = {"ended_at": utc_now(), "ended_by": ended_by, "because": because}
    await insert_many(
        db, ENDED_SESSION, [{"person_id": row.person_id, "session": row.session} | about for row in ended]
    )
    return len(ended)


async def ended_sessions(db: Transaction, person_id: str | None, limit: int) -> Sequence[EndedSession]:
    """Return which sessions operators have ended, of a person or of everybody; the newest first."""
    c = ENDED_SESSION.c
    chosen = select(c.person_id, c.session, c.ended_at, c.ended_by, c.because).order_by(c.id.desc()).limit(limit)
    rows = await db.execute(chosen if person_id is None else chosen.where(c.person_id == person_id))
    return [EndedSession(*row) for row in rows]


async def end_sessions_of_removed(database: Database) -> Sequence[tuple[str, str]]:
    """End all sessions of people whom the directory has removed; return whose, and the beginning of its name."""
    is_removed = exists().where(PERSON.c.id == SESSION.c.person_id, PERSON.c.record.is_(None))
    async with database.begin() as db:
        ended = await db.execute(delete(SESSION).where(is_removed).returning(SESSION.c.person_id, _NAME))
        return [(str(row.person_id), row.session) for row in ended]


async def sweep(db: Transaction, _: str, before: datetime) -> Swept:
    """Forget what operators ended long ago."""
    return await delete_oldest(db, ENDED_SESSION, ENDED_SESSION.c.ended_at, before)


def _is_open(person_id: str | None) -> ColumnElement[bool]:
    return SESSION.c.person_id.is_not(None) if person_id is None else SESSION.c.person_id == person_id


def _open_session(row: Row[Any]) -> OpenSession:
    browser = str((state_of(row) or {}).get("browser", ""))
    return OpenSession(row.person_id, row.session, browser, row.used_at, row.expires_at)
