"""The first response to each request with an Idempotency-Key, so that its repetition gets the same one."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import orjson
from sqlalchemy import and_, delete, or_, select, update
from sqlalchemy.dialects.postgresql import insert

from services.approval.storage.desk_tables import KEPT_RESPONSE as _TABLE
from services.pipeline.clock import utc_now
from services.pipeline.database import Database

KEPT_RESPONSE_DAYS = 1
ABANDONED_AFTER = timedelta(minutes=1)
"""After this time without a response, the process that carried the request out has died."""


@dataclass(frozen=True, slots=True)
class RequestKey:
    """A request: who sent it, the key that they chose, and the hash of what they asked."""

    person_id: str
    key: str
    request_hash: bytes

    @classmethod
    def of(cls, person_id: str, key: str, method: str, path: str, body: bytes, if_match: str = "") -> "RequestKey":
        """The key of a request with this content; `if_match` is its precondition, if it has one."""
        condition = [if_match.encode()] if if_match else []
        content = hashlib.sha256(b"\n".join((method.encode(), path.encode(errors="surrogatepass"), *condition, body)))
        return cls(person_id, key, content.digest())


@dataclass(frozen=True, slots=True)
class KeptResponse:
    """What the request got."""

    status: int
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class Claimed:
    """The request is new, and may be carried out."""


@dataclass(frozen=True, slots=True)
class UnderWay:
    """The same request is being carried out."""


@dataclass(frozen=True, slots=True)
class OtherRequest:
    """The key belongs to another request."""


class KeptResponses:
    """Keeps the responses."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def claim(self, request: RequestKey) -> Claimed | UnderWay | OtherRequest | KeptResponse:
        """Return what is known of the request; Claimed once only, unless whoever claimed it has died."""
        async with self._database.begin() as db:
            if (await db.execute(_claim(request))).one_or_none() is not None:
                return Claimed()
            row = (await db.execute(select(_TABLE).where(_is(request)))).one_or_none()
        if row is None:
            return UnderWay()  # it was forgotten in this moment
        if row.request_hash != request.request_hash:
            return OtherRequest()
        return UnderWay() if row.status is None else KeptResponse(row.status, orjson.loads(row.headers), row.body)

    async def keep(self, request: RequestKey, response: KeptResponse) -> None:
        """Keep the response to a claimed request."""
        told = {"status": response.status, "headers": orjson.dumps(dict(response.headers)).decode()}
        async with self._database.begin() as db:
            await db.execute(update(_TABLE).where(_is(request)).values(**told, body=response.body))

    async def forget(self, request: RequestKey) -> None:
        """Forget a claimed request that got no response, so that it can be sent again at once."""
        async with self._database.begin() as db:
            await db.execute(delete(_TABLE).where(_is(request), _TABLE.c.status.is_(None)))


def _claim(request: RequestKey) -> Any:
    now = utc_now()
    row = {"person_id": request.person_id, "key": request.key, "request_hash": request.request_hash, "at": now}
    inserted = insert(_TABLE).values(row)
    is_expired = _TABLE.c.at <= now - timedelta(days=KEPT_RESPONSE_DAYS)
    is_abandoned = and_(
        _TABLE.c.status.is_(None),
        _TABLE.c.at <= now - ABANDONED_AFTER,
        _TABLE.c.request_hash == inserted.excluded.request_hash,
    )
    renewed = {"request_hash": inserted.excluded.request_hash, "at": now, "status": None, "headers": None, "body": None}
    return inserted.on_conflict_do_update(
        index_elements=[_TABLE.c.person_id, _TABLE.c.key], set_=renewed, where=or_(is_expired, is_abandoned)
    ).returning(_TABLE.c.key)


def _is(request: RequestKey) -> Any:
    return and_(_TABLE.c.person_id == request.person_id, _TABLE.c.key == request.key)
