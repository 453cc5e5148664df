"""What people last said about their own daily summary."""

from sqlalchemy import select, update

from schemas.events import DigestPreference
from services.approval.storage.store import PREFERENCES
from services.approval.storage.tables import PREFERENCE
from services.pipeline.database import Transaction
from services.pipeline.newest import Newest


async def is_wanted(db: Transaction, person_id: str) -> bool:
    """Return whether a person wants the daily summary; true for one who has never said so or otherwise."""
    found = await db.execute(select(PREFERENCE.c.record).where(PREFERENCE.c.id == person_id))
    record = found.scalar_one_or_none()
    return record is None or DigestPreference.model_validate_json(record).subscribed


async def locked(db: Transaction, person_id: str) -> Newest[DigestPreference]:
    """Return a person's last wish about the daily summary; its row is locked, also before the first one."""
    return (await PREFERENCES.load(db, [person_id]))[person_id]


async def keep(db: Transaction, wish: DigestPreference) -> None:
    """Keep a wish, whose row is locked."""
    changed = {"version": wish.version, "record": wish.model_dump_json()}
    await db.execute(update(PREFERENCE).where(PREFERENCE.c.id == wish.person_id).values(changed))
