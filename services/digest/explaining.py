"""Tells operators, and approval, what the digest knows of one commitment."""

from collections.abc import Iterable
from datetime import datetime, time, timedelta

from schemas.story import DigestPart, ToldSummary
from services.digest.handlers import ITEM_HANDLERS
from services.digest.rules.items import Item
from services.digest.rules.telling import is_listed, next_summaries
from services.digest.storage import summaries, told
from services.digest.storage.tables import KERNEL
from services.digest.storage.told import MadeSummary
from services.pipeline.clock import Clock, utc_now
from services.pipeline.database import Database, Transaction
from services.pipeline.explaining import TailsOf, read_traffic, tails_or_nothing
from services.pipeline.unreadable import noted

GROUP = "countersign.digest"
TOPICS = sorted(on.data_type.topic for on in ITEM_HANDLERS)
MAX_RECIPIENTS = 100
_LOOK_BACK = timedelta(days=3)


async def explain(
    database: Database, commitment_id: str, tails_of: TailsOf, *, digest_at: time, clock: Clock = utc_now
) -> DigestPart:
    """Return how a commitment is listed, also if no status of it has come; one of DATABASE_ERRORS otherwise."""
    tails = await tails_or_nothing(tails_of, TOPICS, commitment_id)
    with noted() as unreadable:
        async with database.begin() as db:
            now, item = clock(), await told.item(db, commitment_id)
            traffic = await read_traffic(db, KERNEL, commitment_id, tails)
            if item is None:
                return DigestPart(as_of=now, traffic=traffic, unreadable=tuple(unreadable))
            stands = is_listed(item.status)
            told_of = await _summaries(db, item, digest_at, now) if stands else ((), ())
        return DigestPart(
            as_of=now,
            traffic=traffic,
            status=item.status,
            since=item.since,
            revision=item.revision,
            is_listed=stands,
            stood_in=told_of[0],
            next=told_of[1],
            unreadable=tuple(unreadable),
        )


async def _summaries(
    db: Transaction, item: Item, digest_at: time, now: datetime
) -> tuple[tuple[ToldSummary, ...], tuple[ToldSummary, ...]]:
    """Return the summaries in which it stood, and the next ones."""
    recipients = (await summaries.recipients(db, [item.company_id]))[:MAX_RECIPIENTS]
    ids = [each.person.person_id for each in recipients]
    made = await told.made_since(db, ids, min(item.since, now - _LOOK_BACK))
    sent = {(each.recipient_id, each.local_date) for each in made}
    stood_in = _told(each for each in made if each.published_at >= item.listed_from)
    return stood_in, next_summaries(recipients, item.since, sent, digest_at, now)


def _told(made: Iterable[MadeSummary]) -> tuple[ToldSummary, ...]:
    return tuple(
        ToldSummary(
            recipient_id=each.recipient_id, recipient=each.recipient, local_date=each.local_date, at=each.published_at
        )
        for each in made
    )
