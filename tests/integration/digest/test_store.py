"""What the stores write while another process writes as well."""

from services.digest.rules.items import item_of
from services.digest.storage.store import ITEMS
from services.digest.storage.tables import ITEM
from services.pipeline.fold import StateChange
from services.pipeline.newest import Newest
from services.pipeline.writes import Writes
from tests.integration.digest.company_events import message
from tests.integration.digest.conftest import DigestUnderTest


async def test_a_higher_version_that_another_process_wrote_meanwhile_stays(digest: DigestUnderTest) -> None:
    key, lower = digest.company.key("SC-1"), item_of(digest.company.status("SC-1", 1))
    async with digest.database.begin() as db:
        assert await ITEMS.load(db, [key]) == {key: Newest(key)}
        await digest.settle(message(digest.company.status("SC-1", 2)))
        writes = Writes()
        await ITEMS.save(db, writes, [StateChange(key, Newest(key), Newest(key, 1, lower), ())])
        await writes.execute(db)
    row = await digest.row(ITEM, key)
    assert row is not None
    assert row["version"] == 2
