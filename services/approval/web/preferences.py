"""What a person says about their own daily summary: by the link in it, or by the API."""

from schemas.envelope import new_event
from schemas.events import DigestPreference
from services.approval.rules.status import SOURCE
from services.pipeline.clock import utc_now
from services.pipeline.database import Database
from services.pipeline.outbox import Outbox


async def prefer_summary(
    database: Database, outbox: Outbox, company_id: str, person_id: str, *, subscribed: bool
) -> None:
    """Publish whether the person wants the daily summary."""
    now = utc_now()
    preference = DigestPreference(
        company_id=company_id, person_id=person_id, version=int(now.timestamp() * 1000), subscribed=subscribed
    )
    async with database.begin() as db:
        await outbox.add(db, [new_event(preference, source=SOURCE, time=now)])
    outbox.wake()
