"""Browser sessions: the browser holds a random token, the table its SHA-256; the server can end one at any time."""

import hashlib
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import orjson
from sqlalchemy import ColumnElement, Delete, delete, func, insert, select, update

from services.approval.storage.desk_tables import SESSION as _TABLE
from services.pipeline.clock import utc_now
from services.pipeline.database import Database
from services.pipeline.unreadable import read_or_none

MAX_SESSIONS = 20
"""Of one person; the next sign-in ends the oldest."""
NAME_SHOWN = 16
"""Characters of a session's name that tell it from others in the log, and to operators."""
MAX_PENDING_SIGN_INS = 10_000
"""Of everybody; the next one ends the oldest, which few people need as long as it takes a flood to begin so many."""
USE_NOTED_AFTER = timedelta(minutes=1)
"""How exactly we know when a session was last used, so that not every request writes."""


@dataclass(frozen=True, slots=True)
class Session:
    """A session that has not expired; `person_id` is None during sign-in, `state` holds its data."""

    token_hash: bytes
    person_id: str | None
    state: Mapping[str, Any]

    @property
    def name(self) -> str:
        """Names it on pages; who knows it cannot use the session."""
        return self.token_hash.hex()

    @property
    def short_name(self) -> str:
        """Names it in the log and to operators."""
        return self.name[:NAME_SHOWN]


@dataclass(frozen=True, slots=True)
class SessionLine:
    """What a person sees of one of their sessions; `browser` is what it calls itself."""

    name: str
    browser: str
    used_at: datetime | None
    expires_at: datetime


class Sessions:
    """The sessions of all browsers."""

    def __init__(self, database: Database, idle_life: timedelta) -> None:
        self._database = database
        self._idle_life = idle_life

    async def begin(self, person_id: str | None, life: timedelta, state: Mapping[str, Any] | None = None) -> str:
        """Begin a session of `life` and return its token; delete all expired ones, and the oldest of the same kind.

        These are the person's, or what nobody has signed in to, beyond MAX_SESSIONS or MAX_PENDING_SIGN_INS.
        """
        token, now = secrets.token_urlsafe(32), utc_now()
        row = {
            "token_hash": _hashed(token),
            "person_id": person_id,
            "state": orjson.dumps(state or {}).decode(),
            "expires_at": now + life,
            "used_at": now,
        }
        async with self._database.begin() as db:
            await db.execute(delete(_TABLE).where(_TABLE.c.expires_at <= now))
            await db.execute(insert(_TABLE).values(row))
            await db.execute(_without_the_oldest(person_id))
        return token

    async def find(self, token: str | None, *, is_use: bool = True) -> Session | None:
        """Return the session of `token`; None if there is none, it has expired, or was not used for too long.

        If this `is_use`, it is used with that.
        """
        if not token:
            return None
        now = utc_now()
        chosen = select(_TABLE.c.token_hash, _TABLE.c.person_id, _TABLE.c.state, _TABLE.c.used_at)
        is_live = (_TABLE.c.token_hash == _hashed(token)) & (_TABLE.c.expires_at > now) & self._is_used(now)
        async with self._database.begin() as db:
            row = (await db.execute(chosen.where(is_live))).one_or_none()
            if row is not None and is_use and (row.used_at is None or row.used_at < now - USE_NOTED_AFTER):
                await db.execute(update(_TABLE).where(_TABLE.c.token_hash == row.token_hash).values(used_at=now))
        state = None if row is None else state_of(row)
        return None if row is None or state is None else Session(row.token_hash, row.person_id, state)

    async def of_person(self, person_id: str) -> Sequence[SessionLine]:
        """Return a person's sessions, the last used first; each ends earlier than it expires if it is not used."""
        now = utc_now()
        chosen = select(_TABLE).where(_TABLE.c.person_id == person_id, _TABLE.c.expires_at > now, self._is_used(now))
        async with self._database.begin() as db:
            rows = (await db.execute(chosen.order_by(_TABLE.c.used_at.desc().nulls_last()))).all()
        browsers = [str((state_of(row) or {}).get("browser", "")) for row in rows]
        return [
            SessionLine(row.token_hash.hex(), browser, row.used_at, self._end(row.expires_at, row.used_at))
            for row, browser in zip(rows, browsers, strict=True)
        ]

    def _is_used(self, now: datetime) -> ColumnElement[bool]:
        return _TABLE.c.used_at.is_(None) | (_TABLE.c.used_at > now - self._idle_life)

    def _end(self, expires_at: datetime, used_at: datetime | None) -> datetime:
        return expires_at if used_at is None else min(expires_at, used_at + self._idle_life)

    async def end_named(self, person_id: str, name: str) -> bool:
        """End the session that is called `name`, if it is one of the person's; whether there was one."""
        is_meant = (_TABLE.c.person_id == person_id) & (func.encode(_TABLE.c.token_hash, "hex") == name)
        async with self._database.begin() as db:
            ended = await db.execute(delete(_TABLE).where(is_meant).returning(_TABLE.c.token_hash))
            return ended.one_or_none() is not None

    async def update_state(self, session: Session, **members: Any) -> None:
        """Add `members` to the state of `session`."""
        state = orjson.dumps({**session.state, **members}).decode()
        async with self._database.begin() as db:
            await db.execute(update(_TABLE).where(_TABLE.c.token_hash == session.token_hash).values(state=state))

    async def end(self, session: Session) -> bool:
        """End `session`; False if it had already ended, so that only one of two concurrent callers gets True."""
        ended = delete(_TABLE).where(_TABLE.c.token_hash == session.token_hash).returning(_TABLE.c.token_hash)
        async with self._database.begin() as db:
            return (await db.execute(ended)).one_or_none() is not None


def state_of(row: Any) -> Mapping[str, Any] | None:
    """Return what a session remembers; None if it cannot be read, and so is no session any more."""
    return read_or_none(_TABLE, row.token_hash.hex(), lambda: dict(orjson.loads(row.state)))


def _without_the_oldest(person_id: str | None) -> Delete:
    """End all sessions of a person but the newest MAX_SESSIONS, or all that are nobody's but MAX_PENDING_SIGN_INS."""
    same = select(_TABLE.c.token_hash).where(_TABLE.c.person_id == person_id)
    kept = MAX_PENDING_SIGN_INS if person_id is None else MAX_SESSIONS
    oldest = same.order_by(_TABLE.c.expires_at.desc(), _TABLE.c.token_hash).offset(kept)
    return delete(_TABLE).where(_TABLE.c.token_hash.in_(oldest))


def short_name_of(token: str) -> str:
    """Return what names the session of `token` in the log."""
    return _hashed(token).hex()[:NAME_SHOWN]


def _hashed(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()
