"""What people say about their own daily summary: by the link in it, on the desk, or by the API."""

from collections.abc import Callable

from schemas.envelope import new_event
from services.approval.rules.daily_summary import new_wish
from services.approval.rules.status import SOURCE
from services.approval.storage import preferences
from services.pipeline.clock import utc_now
from services.pipeline.database import Database
from services.pipeline.errors import CatchingUpError
from services.pipeline.outbox import Outbox


class Preferences:
    """Keeps whether somebody wants the daily summary, and tells it when it changes."""

    def __init__(self, database: Database, outbox: Outbox, require_caught_up: Callable[[], None]) -> None:
        self._database = database
        self._outbox = outbox
        self._require_caught_up = require_caught_up

    async def is_wanted(self, person_id: str) -> bool:
        """Return whether the person wants it, as everybody does who has not said otherwise."""
        async with self._database.begin() as db:
            return await preferences.is_wanted(db, person_id)

    async def prefer(self, company_id: str, person_id: str, *, subscribed: bool) -> None:
        """Keep whether the person wants it; a wish that is known already is not told again."""
        now = utc_now()
        async with self._database.begin() as db:
            known = await preferences.locked(db, person_id)
            wish = new_wish(known, company_id, now, subscribed=subscribed, is_up_to_date=self._is_caught_up())
            if wish is None:
                return
            await preferences.keep(db, wish)
            await self._outbox.add(db, [new_event(wish, source=SOURCE, time=now)])
        self._outbox.wake()

    def _is_caught_up(self) -> bool:
        try:
            self._require_caught_up()
        except CatchingUpError:
            return False
        return True
