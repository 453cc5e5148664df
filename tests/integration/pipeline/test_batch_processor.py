"""Every message is processed once, whatever happens between the broker and the database."""

import asyncio

import pytest
from sqlalchemy import delete, select, update

from services.pipeline.dead_letters import KEPT_BYTES
from tests.integration.pipeline.counting_service import (
    FORBIDDEN_REVISION,
    CountingService,
    publish,
    publish_packed,
    retrieve_event,
)
from tests.integration.pipeline.topic_events import events_on
from tests.waiting import eventually

pytestmark = pytest.mark.usefixtures("begins_at_the_end")


async def has_counted(service: CountingService, prefix: str, expected: int) -> bool:
    return await service.total(prefix) == expected


@pytest.mark.parametrize("service", ["consumer", "classic"], indirect=True)
async def test_events_are_counted_and_the_published_ones_reach_the_topic_in_order(
    service: CountingService, unique_suffix: str
) -> None:
    keys = [f"{unique_suffix}-{number}" for number in range(50)]
    await publish(service.settings, [(key, retrieve_event(key, revision)) for revision in (1, 2, 3) for key in keys])

    async with service.running():
        await eventually(lambda: has_counted(service, unique_suffix, 150))
        await eventually(service.has_sent_everything)

    sent = await asyncio.to_thread(events_on, service.settings, "export.succeeded", unique_suffix)
    assert len(sent) == 150
    assert [event.data.revision for event in sent if event.subject == keys[7]] == [1, 2, 3]  # type: ignore[attr-defined]


async def test_repeats_change_nothing(service: CountingService, unique_suffix: str) -> None:
    await publish(service.settings, [(unique_suffix, retrieve_event(unique_suffix, 1))] * 20)

    async with service.running():
        await eventually(lambda: has_counted(service, unique_suffix, 1))
        last = f"{unique_suffix}-last"
        await publish(service.settings, [(last, retrieve_event(last, 1))])
        await eventually(lambda: has_counted(service, unique_suffix, 2))


async def test_each_bad_message_becomes_a_dead_letter_and_the_others_are_counted(
    service: CountingService, unique_suffix: str
) -> None:
    key = unique_suffix
    messages: list[tuple[str, bytes | None]] = [
        (key, retrieve_event(key, 1)),
        (key, b"\xff\xfe not json"),
        (key, b'{"specversion":"1.0"}'),
        (key, retrieve_event(f"{key}-another", 1)),
        (key, None),
        (key, retrieve_event(key, 2, company_id="somebody-else")),
        (key, retrieve_event(key, 2, project_id="defect")),
        (key, retrieve_event(key, FORBIDDEN_REVISION)),
        (key, retrieve_event(key, 700)),
    ]
    await publish(service.settings, messages)

    async with service.running():
        await eventually(lambda: _highest_is(service, key, 700))

    table = service.tables.kernel.dead_letter
    async with service.database.begin() as db:
        letters = (await db.execute(select(table).where(table.c.key == key.encode()).order_by(table.c.offset))).all()
    assert [letter.reason for letter in letters] == [
        "undecodable",
        "schema",
        "key_mismatch",
        "undecodable",
        "other_company",
        "handler_failed",
        "schema",
    ]
    assert all(letter.why for letter in letters)
    assert letters[0].value == b"\xff\xfe not json"
    assert (await service.counts(key))[key].count == 2


@pytest.mark.parametrize(("codec", "size_bytes"), [("gzip", 20_000_000), ("zstd", 120_000_000)])
async def test_a_message_that_unpacks_to_a_huge_one_is_set_aside_and_the_next_is_counted(
    service: CountingService, unique_suffix: str, codec: str, size_bytes: int
) -> None:
    await asyncio.to_thread(publish_packed, service.settings, unique_suffix, b"0" * size_bytes, codec)
    await publish(service.settings, [(unique_suffix, retrieve_event(unique_suffix, 1))])

    async with service.running():
        await eventually(lambda: has_counted(service, unique_suffix, 1))

    table = service.tables.kernel.dead_letter
    async with service.database.begin() as db:
        letter = (await db.execute(select(table).where(table.c.key == unique_suffix.encode()))).one()
    assert letter.reason == "too_large"
    assert letter.why.startswith(f"{size_bytes + len(unique_suffix):,} bytes")
    assert letter.value == b"0" * KEPT_BYTES


async def test_a_restored_database_catches_up_from_its_saved_offsets(
    service: CountingService, unique_suffix: str
) -> None:
    keys = [f"{unique_suffix}-{number}" for number in range(30)]
    await publish(service.settings, [(key, retrieve_event(key, 1)) for key in keys])

    async with service.running():
        await eventually(lambda: has_counted(service, unique_suffix, 30))
        async with service.database.begin() as db:  # as after a restore: state and offsets of an earlier time
            offset = service.tables.kernel.consumer_offset
            await db.execute(update(offset).values(next_offset=0))
            await db.execute(update(service.tables.retrieve_count).values(count=0, highest=0))
        await publish(service.settings, [(key, retrieve_event(key, 2)) for key in keys])
        await eventually(lambda: has_counted(service, unique_suffix, 60))

    assert all(each.highest == 2 for each in (await service.counts(unique_suffix)).values())


async def test_no_event_is_lost_or_counted_twice_while_group_members_come_and_go(
    service: CountingService, unique_suffix: str
) -> None:
    keys = [f"{unique_suffix}-{number}" for number in range(200)]

    async with service.running():
        for revision in range(1, 6):
            await publish(service.settings, [(key, retrieve_event(key, revision)) for key in keys])
            async with service.running():
                await asyncio.sleep(1)
        await eventually(lambda: has_counted(service, unique_suffix, 1000))

    seen = service.tables.seen
    async with service.database.begin() as db:
        rows = (await db.execute(select(seen.c.key, seen.c.revision).where(seen.c.key.startswith(unique_suffix)))).all()
    assert len(rows) == len(set(rows)) == 1000


async def test_an_offset_that_the_broker_no_longer_has_raises_an_alarm_and_skips_nothing(
    service: CountingService, unique_suffix: str
) -> None:
    await publish(service.settings, [(unique_suffix, retrieve_event(unique_suffix, 1))])
    async with service.running():
        await eventually(lambda: has_counted(service, unique_suffix, 1))
    async with service.database.begin() as db:
        await db.execute(update(service.tables.kernel.consumer_offset).values(next_offset=10_000_000))

    async with service.running() as runtime:
        await publish(service.settings, [(unique_suffix, retrieve_event(unique_suffix, 2))])
        await asyncio.sleep(3)
        assert not await runtime.is_ready()
        assert (await service.counts(unique_suffix))[unique_suffix].highest == 1

        async with service.database.begin() as db:  # the operator decides to read whatever there is
            await db.execute(delete(service.tables.kernel.consumer_offset))
        await eventually(lambda: _highest_is(service, unique_suffix, 2))
        assert await runtime.is_ready()


async def _highest_is(service: CountingService, key: str, expected: int) -> bool:
    counts = await service.counts(key)
    return key in counts and counts[key].highest == expected
