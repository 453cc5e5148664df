"""Finds the mails that are due, with statements that even an idle notifier can afford."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Select, Text, Uuid, bindparam, column, func, select
from sqlalchemy.dialects.postgresql import ARRAY

from services.notifier.storage.tables import MAIL
from services.notifier.storage.together import FOLLOWS, leads_if_together
from services.pipeline.database import Transaction
from services.pipeline.lease_clock import DATABASE_NOW, within_sight

MailKey = tuple[UUID, str]
"""The event and the recipient of a mail."""


async def next_due(
    db: Transaction, given_now: datetime | None, held: Sequence[MailKey]
) -> tuple[datetime, datetime | None]:
    """Return the database's time, and when the first mail is due that is not `held`; None without one."""
    row = (await db.execute(_NEXT_DUE, {"now": given_now, **_held_arrays(held)})).one()
    return row.now, row.due_at


async def due_keys(db: Transaction, limit: int, now: datetime, held: Sequence[MailKey]) -> list[MailKey]:
    """Return which mails are due and not `held`, without reading anything else of them."""
    return [(row.event_id, row.recipient_id) for row in await db.execute(due_mails(limit, now, held))]


def due_mails(limit: int, now: datetime, held: Sequence[MailKey]) -> Select[Any]:
    """Return the statement that finds them: of mails that go out together only the one whose message it is."""
    chosen = select(MAIL.c.event_id, MAIL.c.recipient_id).where(
        MAIL.c.next_attempt_at <= now, ~_IS_HELD, ~FOLLOWS, leads_if_together(now)
    )
    return chosen.order_by(MAIL.c.next_attempt_at).limit(limit).params(_held_arrays(held))


def _held_arrays(held: Sequence[MailKey]) -> dict[str, list[Any]]:
    return {"held_events": [event_id for event_id, _ in held], "held_people": [person for _, person in held]}


_HELD = (
    func.unnest(bindparam("held_events", type_=ARRAY(Uuid)), bindparam("held_people", type_=ARRAY(Text)))
    .table_valued(column("event_id", Uuid), column("recipient_id", Text))
    .render_derived(name="held")
)
_IS_HELD = (
    select(1)
    .where(_HELD.c.event_id == MAIL.c.event_id, _HELD.c.recipient_id == MAIL.c.recipient_id)
    .correlate(MAIL)
    .exists()
)
_FIRST_DUE = (
    select(within_sight(MAIL.c.next_attempt_at, DATABASE_NOW))
    .where(MAIL.c.next_attempt_at.is_not(None), ~_IS_HELD, ~FOLLOWS)
    .order_by(MAIL.c.next_attempt_at)
    .limit(1)
    .scalar_subquery()
)
_NEXT_DUE = select(DATABASE_NOW.label("now"), _FIRST_DUE.label("due_at"))
