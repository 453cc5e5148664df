"""Browser sessions: the browser holds a random token, the table its SHA-256; the server can end one at any time."""

import hashlib
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import orjson
from sqlalchemy import delete, insert, select, update

from services.approval.storage.tables import SESSION as _TABLE
from services.pipeline.clock import utc_now
from services.pipeline.database import Database


@dataclass(frozen=True, slots=True)
class Session:
    """A session that has not expired; `person_id` is None during sign-in, `state` holds its data."""

    token_hash: bytes
    person_id: str | None
    state: Mapping[str, Any]


class Sessions:
    """The sessions of all browsers."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def begin(self, person_id: str | None, life: timedelta, state: Mapping[str, Any] | None = None) -> str:
        """Begin a session of `life` and return its token; delete all expired sessions."""
        token, now = secrets.token_urlsafe(32), utc_now()
        row = {
            "token_hash": _hashed(token),
            "person_id": person_id,
            "state": orjson.dumps(state or {}).decode(),
            "expires_at": now + life,
        }
        async with self._database.begin() as db:
            await db.execute(delete(_TABLE).where(_TABLE.c.expires_at <= now))
            await db.execute(insert(_TABLE).values(row))
        return token

    async def find(self, token: str | None) -> Session | None:
        """Return the session of `token`; None if there is none, or it has expired."""
        if not token:
            return None
        chosen = select(_TABLE.c.token_hash, _TABLE.c.person_id, _TABLE.c.state)
        is_live = (_TABLE.c.token_hash == _hashed(token)) & (_TABLE.c.expires_at > utc_now())
        async with self._database.begin() as db:
            row = (await db.execute(chosen.where(is_live))).one_or_none()
        return None if row is None else Session(row.token_hash, row.person_id, orjson.loads(row.state))

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


def _hashed(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()
