"""Events under ids that others have as well, as in a database whose sequence fell behind, hold up nothing."""

from collections.abc import Collection
from datetime import timedelta

from sqlalchemy import insert, select, update

from services.pipeline.errors import RefusedMessageError
from tests.integration.pipeline.outbox_under_test import OutboxUnderTest
from tests.integration.pipeline.scripted_producer import HoldingProducer, ScriptedProducer
from tests.integration.pipeline.topic_events import export_succeeded
from tests.waiting import eventually


async def park(outbox: OutboxUnderTest, revisions: Collection[int], *, key: str = "key") -> None:
    """Write these revisions and park them, to be tried again soon."""
    await outbox.add([export_succeeded(key, revision) for revision in revisions])
    async with outbox.database.begin() as db:
        names = [row.name for row in await outbox.outbox.oldest(db, 100)]
        await outbox.outbox.park(db, names, "no leader", timedelta(0))


async def give_ids_again(outbox: OutboxUnderTest) -> None:
    """Let the outbox have rows of other keys with the ids of the parked ones."""
    parked, table = outbox.tables.outbox_parked.c, outbox.tables.outbox
    values = select(parked.id, parked.topic, "other-" + parked.key, parked.value, parked.created_at)
    async with outbox.database.begin() as db:
        await db.execute(insert(table).from_select(["id", "topic", "key", "value", "created_at"], values))


async def ids(outbox: OutboxUnderTest) -> list[int]:
    async with outbox.database.begin() as db:
        return list((await db.execute(select(outbox.tables.outbox_parked.c.id))).scalars())


async def test_parked_events_whose_ids_are_given_again_are_sent_in_their_order(outbox: OutboxUnderTest) -> None:
    await park(outbox, [1, 2, 3])
    await give_ids_again(outbox)
    await outbox.add([export_succeeded("key", 4)])
    producer = HoldingProducer("nobody")
    async with outbox.relaying("relay", producer):
        await eventually(outbox.is_empty)
    assert [revision for key, revision in producer.submitted if key == "key"] == [1, 2, 3, 4]
    assert len(producer.submitted) == 7


async def test_one_whose_id_is_given_again_holds_up_no_other_parked_event(outbox: OutboxUnderTest) -> None:
    await park(outbox, [1, 2], key="first")
    await give_ids_again(outbox)
    async with outbox.database.begin() as db:  # of "first", only the second event has an id that is given again
        await db.execute(outbox.tables.outbox.delete().where(outbox.tables.outbox.c.id == min(await ids(outbox))))
    producer = HoldingProducer("nobody")
    async with outbox.relaying("relay", producer):
        await eventually(outbox.is_empty)
    assert [revision for key, revision in producer.submitted if key == "first"] == [1, 2]


async def test_an_event_is_parked_although_its_id_is_parked_already(outbox: OutboxUnderTest) -> None:
    await park(outbox, [1], key="parked")
    async with outbox.database.begin() as db:
        await db.execute(update(outbox.tables.outbox_parked).values(parked_until=None))
    await give_ids_again(outbox)
    producer = ScriptedProducer(lambda _: RefusedMessageError("too large"))
    async with outbox.relaying("relay", producer):
        await eventually(lambda: outbox.has_parked(2))
    assert len(set(await ids(outbox))) == 2
