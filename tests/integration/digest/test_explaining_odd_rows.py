"""What the digest tells of a commitment of which a row cannot be read: which row, and what is left."""

from datetime import UTC, datetime, time, timedelta

import pytest

from schemas.fields import Status
from schemas.story import DigestPart
from services.digest.explaining import explain
from services.pipeline.explaining import no_tails
from tests.damaging import damage
from tests.integration.digest.company_events import message
from tests.integration.digest.conftest import DigestUnderTest

MORNING = datetime(2026, 11, 17, 12, 0, tzinfo=UTC)  # 06:00 in Chicago


async def told(digest: DigestUnderTest) -> DigestPart:
    key, now = digest.company.key("SC-1"), MORNING - timedelta(hours=1)
    return await explain(digest.database, key, no_tails, digest_at=time(6), clock=lambda: now)


async def receive(digest: DigestUnderTest) -> None:
    company = digest.company
    people = company.person("dana", 1), company.person("lee", 1)
    await digest.settle(*map(message, (*people, company.status("SC-1", 1, status=Status.READY))))


@pytest.mark.parametrize(
    "odd",
    ["status = 'odd'", "summary = '{'", "summary = '{}'", "total = 'NaN'"],
)
async def test_a_status_that_cannot_be_read_is_named_and_is_in_no_summary(digest: DigestUnderTest, odd: str) -> None:
    await receive(digest)
    await damage(digest.database, "digest", f"update digest.item set {odd}")  # noqa: S608 - ours

    part = await told(digest)

    assert part.unreadable == (f"digest.item has a row for {digest.company.key('SC-1')} that cannot be read",)
    assert (part.status, part.next, part.knows_it) == (None, (), True)
    assert [each.topic for each in part.traffic.readings] == ["commitment.status"]
    assert DigestPart.model_validate_json(part.model_dump_json()) == part


async def test_a_reader_who_cannot_be_read_is_named_and_the_others_are_told(digest: DigestUnderTest) -> None:
    await receive(digest)
    lee = digest.company.key("lee")
    odd = f"update digest.person set version = -1 where id = '{lee}'"  # noqa: S608 - ours
    await damage(digest.database, "digest", odd)

    part = await told(digest)

    assert part.unreadable == (f"digest.person has a row for {lee} that cannot be read",)
    assert (part.status, [each.recipient for each in part.next]) == (Status.READY, ["Dana"])


@pytest.mark.parametrize("since", ["ANTIQUITY", "'infinity'", "'-infinity'"])
async def test_a_status_since_a_time_that_no_calendar_has_is_told(digest: DigestUnderTest, since: str) -> None:
    await receive(digest)
    await damage(digest.database, "digest", f"update digest.item set since = {since}")  # noqa: S608 - ours

    part = await told(digest)

    assert (part.status, part.unreadable) == (Status.READY, ())
    assert DigestPart.model_validate_json(part.model_dump_json()) == part


@pytest.mark.parametrize("published_at", ["'200000-01-01'", "'infinity'"])
async def test_a_summary_of_a_time_that_no_calendar_has_hides_none_of_the_next_ones(
    digest: DigestUnderTest, published_at: str
) -> None:
    await receive(digest)
    dana, company = digest.company.key("dana"), digest.company.id
    odd = f"""insert into digest.digest_run (recipient_id, local_date, company_id, due_at, published_at)
        values ('{dana}', current_date, '{company}', now(), {published_at})"""  # noqa: S608 - ours
    await damage(digest.database, "digest", odd)

    part = await told(digest)

    assert part.unreadable == ()
    assert (part.status, len(part.next)) == (Status.READY, 2)
