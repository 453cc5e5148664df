"""Tells operators, and approval, what the notifier knows of one commitment."""

from collections.abc import Mapping
from typing import Any

from schemas.story import NotifierPart, Place, ToldMail
from services.notifier.handlers import COMMITMENT_HANDLERS
from services.notifier.rules.mails.mail import TYPE_OF_KIND
from services.notifier.rules.telling import role_of, without_addresses
from services.notifier.storage import told
from services.notifier.storage.tables import KERNEL, MAIL
from services.pipeline.clock import Clock, utc_now
from services.pipeline.database import Database
from services.pipeline.explaining import TailsOf, read_traffic, tails_or_nothing
from services.pipeline.unreadable import noted, readable

TOPICS = sorted(on.data_type.topic for on in COMMITMENT_HANDLERS)


async def explain(database: Database, commitment_id: str, tails_of: TailsOf, clock: Clock = utc_now) -> NotifierPart:
    """Return which mails there are about a commitment, also none; one of DATABASE_ERRORS otherwise."""
    tails = await tails_or_nothing(tails_of, TOPICS, commitment_id)
    with noted() as unreadable:
        async with database.begin() as db:
            rows = await told.mails(db, commitment_id)
            traffic = await read_traffic(db, KERNEL, commitment_id, tails)
        return NotifierPart(
            as_of=clock(),
            traffic=traffic,
            mails=tuple(readable(MAIL, rows, _key, _mail)),
            may_be_cut=len(rows) >= told.MAX_MAILS,
            unreadable=tuple(unreadable),
        )


def _key(row: Mapping[str, Any]) -> str:
    return f"{row['commitment_id']} {row['event_id']} {row['recipient_id']}"


def _mail(row: Mapping[str, Any]) -> ToldMail:
    kind = TYPE_OF_KIND.get(row["kind"])
    is_placed = kind is not None and row["read_offset"] is not None
    return ToldMail(
        kind=row["kind"],
        recipient_id=row["recipient_id"],
        recipient=row["recipient_name"] or None,
        role=role_of(row["recipient_id"], row["event_data"]),
        state=row["state"],
        attempts=row["attempts"],
        possibly_repeated=row["lost_answers"] + row["interruptions"] > 0 and row["attempts"] > 1,
        occurred_at=row["occurred_at"],
        created_at=row["created_at"],
        next_at=row["next_attempt_at"],
        settled_at=row["settled_at"],
        answer=without_addresses(row["smtp_answer"]),
        read_at=Place(topic=kind.data_type.topic, partition=row["read_partition"], offset=row["read_offset"])
        if kind and is_placed
        else None,
    )
