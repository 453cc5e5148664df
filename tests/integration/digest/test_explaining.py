"""What the digest tells of a commitment: by which status it is listed, in whose summaries, and when next."""

from datetime import UTC, datetime, time, timedelta

from sqlalchemy import update

from schemas.fields import Status
from schemas.story import DigestPart
from services.digest.explaining import explain
from services.digest.schedule import Schedule
from services.digest.storage.tables import ITEM, KERNEL
from services.pipeline.explaining import no_tails
from services.pipeline.outbox import Outbox
from tests.integration.digest.company_events import message
from tests.integration.digest.conftest import DigestUnderTest
from tests.unit.digest.rules.samples import SINCE

MORNING = datetime(2026, 11, 17, 12, 0, tzinfo=UTC)  # 06:00 in Chicago
DAY = timedelta(days=1)


async def told(digest: DigestUnderTest, name: str, now: datetime = MORNING) -> DigestPart:
    key = digest.company.key(name)
    return await explain(digest.database, key, no_tails, digest_at=time(6), clock=lambda: now)


async def build(digest: DigestUnderTest, now: datetime) -> None:
    await Schedule(digest.database, Outbox(KERNEL), digest.settings).build_digests(now)


async def receive(
    digest: DigestUnderTest,
    status: Status = Status.READY,
    at: datetime = MORNING - timedelta(hours=2),
    version: int = 1,
) -> None:
    company = digest.company
    digest.database.clock.set(at)
    events = (
        company.person("dana", 1),
        company.person("lee", 1),
        company.person("viewer", 1, can_push_to_accounting=False),
        company.preference("lee", 1, subscribed=False),
        company.status("SC-1", version, status=status),
    )
    await digest.settle(*map(message, events))


async def test_what_waits_is_in_the_next_summary_of_whoever_gets_one(digest: DigestUnderTest) -> None:
    await receive(digest)
    part = await told(digest, "SC-1", MORNING - timedelta(hours=1))
    assert (part.status, part.is_listed, part.since) == (Status.READY, True, SINCE)
    assert [(each.recipient, each.at) for each in part.next] == [("Dana", MORNING)]
    assert part.stood_in == ()


async def test_a_summary_that_was_due_and_is_not_made_is_told_as_overdue(digest: DigestUnderTest) -> None:
    await receive(digest)
    part = await told(digest, "SC-1", MORNING + timedelta(hours=2))
    assert [each.at for each in part.next] == [MORNING]


async def test_a_summary_that_was_made_is_told_and_the_next_one_is_tomorrow(digest: DigestUnderTest) -> None:
    await receive(digest)
    await build(digest, MORNING)
    part = await told(digest, "SC-1", MORNING + timedelta(hours=2))
    assert [(each.recipient, each.at) for each in part.stood_in] == [("Dana", MORNING)]
    assert [each.at for each in part.next] == [MORNING + DAY]


async def test_a_status_that_arrives_after_a_summary_did_not_stand_in_it(digest: DigestUnderTest) -> None:
    await receive(digest, Status.FAILED)
    await build(digest, MORNING)
    await receive(digest, Status.READY, at=MORNING + timedelta(minutes=5), version=2)
    part = await told(digest, "SC-1", MORNING + timedelta(hours=2))
    assert (part.since, part.stood_in) == (SINCE, ())
    assert [each.at for each in part.next] == [MORNING + DAY]


async def test_a_status_that_is_told_again_stood_in_the_summaries_since_it_was_told_first(
    digest: DigestUnderTest,
) -> None:
    await receive(digest)
    await build(digest, MORNING)
    await receive(digest, at=MORNING + timedelta(minutes=5), version=2)
    part = await told(digest, "SC-1", MORNING + timedelta(hours=2))
    assert [each.at for each in part.stood_in] == [MORNING]


async def test_a_status_that_is_heard_after_a_summary_was_due_stands_in_it_once_it_is_made(
    digest: DigestUnderTest,
) -> None:
    await receive(digest, at=MORNING + timedelta(minutes=5))
    part = await told(digest, "SC-1", MORNING + timedelta(minutes=6))
    assert ([each.at for each in part.next], part.stood_in) == ([MORNING], ())


async def test_of_a_status_that_an_earlier_release_kept_its_own_time_counts(digest: DigestUnderTest) -> None:
    await receive(digest, at=MORNING + timedelta(minutes=5))
    async with digest.database.begin() as db:
        await db.execute(update(ITEM).values(known_since=None))
    await build(digest, MORNING)
    part = await told(digest, "SC-1", MORNING + timedelta(hours=2))
    assert [each.at for each in part.stood_in] == [MORNING]


async def test_what_is_done_is_in_no_summary_that_comes_every_day(digest: DigestUnderTest) -> None:
    await receive(digest, Status.SYNCED)
    part = await told(digest, "SC-1")
    assert (part.status, part.is_listed, part.next, part.stood_in) == (Status.SYNCED, False, (), ())


async def test_of_what_it_never_heard_it_tells_where_it_would_be_read(digest: DigestUnderTest) -> None:
    part = await told(digest, "odd/../id")
    assert (part.status, [each.topic for each in part.traffic.readings]) == (None, ["commitment.status"])
