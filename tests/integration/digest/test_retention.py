"""The digest forgets contents of finished commitments, and no version."""

from datetime import timedelta

from sqlalchemy import insert, select

from services.digest.storage.retention import sweep_items, sweep_runs
from services.digest.storage.tables import DIGEST_RUN, ITEM
from tests.integration.digest.company_events import message
from tests.integration.digest.conftest import DigestUnderTest
from tests.integration.sweeping import sweep_all
from tests.unit.digest.rules.samples import SINCE

LATER = SINCE + timedelta(days=1)


async def test_a_finished_commitment_keeps_its_version_and_a_waiting_one_everything(digest: DigestUnderTest) -> None:
    company = digest.company
    statuses = [company.status("done", 2, status="synced"), company.status("waiting", 2, status="ready")]
    await digest.settle(*map(message, statuses))
    assert await sweep_all(digest.database, sweep_items, SINCE) == 0
    assert await sweep_all(digest.database, sweep_items, LATER) == 1
    assert await sweep_all(digest.database, sweep_items, LATER) == 0

    await digest.settle(message(company.status("done", 1, status="ready")))
    done, waiting = [await digest.row(ITEM, company.key(name)) for name in ("done", "waiting")]
    assert done is not None
    assert waiting is not None
    assert (done["version"], done["status"], done["summary"], done["message"]) == (2, "synced", "{}", "")
    assert waiting["summary"] != "{}"


async def test_a_forgotten_commitment_that_changes_is_complete_again(digest: DigestUnderTest) -> None:
    company = digest.company
    await digest.settle(message(company.status("done", 1, status="synced")))
    await sweep_all(digest.database, sweep_items, LATER)
    await digest.settle(message(company.status("done", 2, status="ready")))
    row = await digest.row(ITEM, company.key("done"))
    assert row is not None
    assert (row["status"], row["summary"] != "{}") == ("ready", True)


async def test_summaries_of_long_ago_are_forgotten(digest: DigestUnderTest) -> None:
    days = [SINCE.date() - timedelta(days=number) for number in (0, 1, 2)]
    row = {"recipient_id": "dana", "company_id": "c", "due_at": SINCE, "published_at": SINCE}
    async with digest.database.begin() as db:
        await db.execute(insert(DIGEST_RUN), [row | {"local_date": day} for day in days])
    assert await sweep_all(digest.database, sweep_runs, SINCE - timedelta(days=1)) == 1
    async with digest.database.begin() as db:
        left = (await db.execute(select(DIGEST_RUN.c.local_date))).scalars().all()
    assert sorted(left) == sorted(days[:2])
