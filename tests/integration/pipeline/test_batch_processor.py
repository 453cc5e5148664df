"""A batch of messages becomes facts once, whatever stands between the broker and the database."""

import asyncio
from collections.abc import Sequence

import pytest
from sqlalchemy import delete, select, update

from services.pipeline.broker import TopicReader
from services.pipeline.records import Record
from tests.integration.pipeline.tally import FORBIDDEN_REVISION, TallyService, publish, retrieve
from tests.waiting import eventually


async def all_counted(service: TallyService, prefix: str, expected: int) -> bool:
    return sum(tally.count for tally in (await service.tallies(prefix)).values()) == expected


def on_topic(service: TallyService, topic: str, prefix: str) -> Sequence[Record]:
    reader = TopicReader(service.settings, [topic])
    ends = reader.ends()
    records: list[Record] = []
    while not reader.has_reached(ends):
        records += reader.read(1)
    reader.close()
    return [record for record in records if (record.key or b"").decode().startswith(prefix)]


@pytest.mark.parametrize("tally", ["consumer", "classic"], indirect=True)
async def test_events_become_rows_and_their_events_reach_the_topic_in_order(
    tally: TallyService, unique_suffix: str
) -> None:
    keys = [f"{unique_suffix}-{number}" for number in range(50)]
    await publish(tally.settings, [(key, retrieve(key, revision)) for revision in (1, 2, 3) for key in keys])

    async with tally.running():
        await eventually(lambda: all_counted(tally, unique_suffix, 150))
        await eventually(lambda: _is_empty(tally))

    sent = await asyncio.to_thread(on_topic, tally, "export.succeeded", unique_suffix)
    assert len(sent) == 150
    of_one_key = [record.value for record in sent if record.key == keys[7].encode()]
    assert [b'"revision":%d' % revision in (value or b"") for revision, value in enumerate(of_one_key, 1)] == [True] * 3


async def test_repeats_change_nothing(tally: TallyService, unique_suffix: str) -> None:
    await publish(tally.settings, [(unique_suffix, retrieve(unique_suffix, 1))] * 20)

    async with tally.running():
        await eventually(lambda: all_counted(tally, unique_suffix, 1))
        last = f"{unique_suffix}-last"
        await publish(tally.settings, [(last, retrieve(last, 1))])
        await eventually(lambda: all_counted(tally, unique_suffix, 2))


async def test_each_bad_message_becomes_a_dead_letter_and_its_neighbours_become_facts(
    tally: TallyService, unique_suffix: str
) -> None:
    key = unique_suffix
    messages: list[tuple[str, bytes | None]] = [
        (key, retrieve(key, 1)),
        (key, b"\xff\xfe not json"),
        (key, b'{"specversion":"1.0"}'),
        (key, retrieve(f"{key}-another", 1)),
        (key, None),
        (key, retrieve(key, 2, company_id="somebody-else")),
        (key, retrieve(key, 2, project_id="defect")),
        (key, retrieve(key, FORBIDDEN_REVISION)),
        (key, retrieve(key, 700)),
    ]
    await publish(tally.settings, messages)

    async with tally.running():
        await eventually(lambda: _highest_is(tally, key, 700))

    table = tally.tables.kernel.dead_letter
    async with tally.database.begin() as db:
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
    assert (await tally.tallies(key))[key].count == 2


async def test_a_database_set_back_catches_up_by_its_saved_offsets(tally: TallyService, unique_suffix: str) -> None:
    keys = [f"{unique_suffix}-{number}" for number in range(30)]
    await publish(tally.settings, [(key, retrieve(key, 1)) for key in keys])

    async with tally.running():
        await eventually(lambda: all_counted(tally, unique_suffix, 30))
        async with tally.database.begin() as db:  # as a restore does: state and offsets of an earlier moment
            offset = tally.tables.kernel.consumer_offset
            await db.execute(update(offset).values(next_offset=0))
            await db.execute(update(tally.tables.tally).values(count=0, highest=0))
        await publish(tally.settings, [(key, retrieve(key, 2)) for key in keys])
        await eventually(lambda: all_counted(tally, unique_suffix, 60))

    assert all(tally_.highest == 2 for tally_ in (await tally.tallies(unique_suffix)).values())


async def test_members_may_come_and_go_without_a_fact_lost_or_repeated(tally: TallyService, unique_suffix: str) -> None:
    keys = [f"{unique_suffix}-{number}" for number in range(200)]

    async with tally.running():
        for revision in range(1, 6):
            await publish(tally.settings, [(key, retrieve(key, revision)) for key in keys])
            async with tally.running():
                await asyncio.sleep(1)
        await eventually(lambda: all_counted(tally, unique_suffix, 1000))

    seen = tally.tables.seen
    async with tally.database.begin() as db:
        rows = (await db.execute(select(seen.c.key, seen.c.revision).where(seen.c.key.startswith(unique_suffix)))).all()
    assert len(rows) == len(set(rows)) == 1000


async def test_an_offset_that_the_broker_does_not_have_is_an_alarm_and_no_skip(
    tally: TallyService, unique_suffix: str
) -> None:
    await publish(tally.settings, [(unique_suffix, retrieve(unique_suffix, 1))])
    async with tally.running():
        await eventually(lambda: all_counted(tally, unique_suffix, 1))
    async with tally.database.begin() as db:
        await db.execute(update(tally.tables.kernel.consumer_offset).values(next_offset=10_000_000))

    async with tally.running() as runtime:
        await publish(tally.settings, [(unique_suffix, retrieve(unique_suffix, 2))])
        await asyncio.sleep(3)
        assert not await runtime.is_ready()
        assert (await tally.tallies(unique_suffix))[unique_suffix].highest == 1

        async with tally.database.begin() as db:  # the operator decides: read what there is
            await db.execute(delete(tally.tables.kernel.consumer_offset))
        await eventually(lambda: _highest_is(tally, unique_suffix, 2))
        assert await runtime.is_ready()


async def _highest_is(service: TallyService, key: str, expected: int) -> bool:
    tallies = await service.tallies(key)
    return key in tallies and tallies[key].highest == expected


async def _is_empty(service: TallyService) -> bool:
    return await service.count(service.tables.kernel.outbox) == 0
