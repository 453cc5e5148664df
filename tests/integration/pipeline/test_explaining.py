"""What is on its way through Kafka: read, set aside and unsent, found by indexes; and where partitions end."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from confluent_kafka import Consumer, TopicPartition
from pydantic import SecretStr
from sqlalchemy import insert, text

from schemas.story import OutboxState, Place
from schemas.topics import TOPICS
from services.notifier.storage.migrations import MIGRATIONS
from services.notifier.storage.tables import KERNEL
from services.pipeline.broker import EventProducer, Tail, Tails, create_topics, without_kafka
from services.pipeline.database import Database, Transaction
from services.pipeline.dead_letters import DeadLetter, DeadLetters
from services.pipeline.errors import BrokerError
from services.pipeline.explaining import read_traffic
from services.pipeline.migrations import Migrations
from services.pipeline.records import Partition, Record
from services.pipeline.settings import KafkaSettings
from tests.integration.sweeping import recorded_plans
from tests.kafka import KafkaUnderTest

NOW = datetime(2026, 11, 29, 3, 0, tzinfo=UTC)
TOPIC = "decision.rejected"


@pytest.fixture
def template(migrated: Callable[[Migrations], str]) -> str:
    """A database with the notifier's tables and no rows."""
    return migrated(MIGRATIONS)


def letter(key: bytes | None, offset: int = 17) -> DeadLetter:
    return DeadLetter(Record(Partition(TOPIC, 3), offset, key, b"x", (), NOW), "schema", "a member is missing")


async def test_everything_of_a_key_is_told_and_nothing_of_another(database_url: str) -> None:
    database = Database(SecretStr(database_url), application_name="tests")
    async with database.begin() as db:
        await db.execute(insert(KERNEL.consumer_offset).values(topic=TOPIC, partition=3, next_offset=17))
        await DeadLetters(KERNEL).add(db, [letter("Büro/7".encode()), letter(b"other", 18), letter(None, 19)])
        for key in ("Büro/7", "other"):
            row = {"topic": "mail.settled", "key": key, "value": b"", "created_at": NOW}
            await db.execute(insert(KERNEL.outbox).values(row))
            parked = row | {"id": 900 + len(key), "why": "too large", "parked_until": None}
            await db.execute(insert(KERNEL.outbox_parked).values(parked))
        tails = {TOPIC: Tail(Partition(TOPIC, 3), 21)}
        told = await read_traffic(db, KERNEL, "Büro/7", tails)
    await database.close()

    (reading,), (dead,) = told.readings, told.dead_letters
    assert (reading.next_offset, reading.end_offset, reading.unread) == (17, 21, 4)
    assert (dead.place, dead.reason, dead.settled_as) == (Place(topic=TOPIC, partition=3, offset=17), "schema", None)
    assert [(each.state, each.why) for each in told.unsent] == [
        (OutboxState.WAITING, None),
        (OutboxState.REFUSED, "too large"),
    ]


async def test_a_dead_letter_may_have_a_key_that_no_other_index_takes(database_url: str) -> None:
    database = Database(SecretStr(database_url), application_name="tests")
    long = b"k" * 60_000
    async with database.begin() as db:
        await DeadLetters(KERNEL).add(db, [letter(long)])
        told = await read_traffic(db, KERNEL, long.decode(), {})
    await database.close()
    assert len(told.dead_letters) == 1


async def test_of_a_service_that_keeps_its_offsets_in_kafka_the_committed_one_counts(database_url: str) -> None:
    database = Database(SecretStr(database_url), application_name="tests")
    async with database.begin() as db:
        told = await read_traffic(db, KERNEL, "c", {TOPIC: Tail(Partition(TOPIC, 3), 21, 20)})
    await database.close()
    assert [(each.next_offset, each.unread) for each in told.readings] == [(20, 1)]


async def test_no_statement_reads_a_whole_table(database_url: str) -> None:
    database = Database(SecretStr(database_url), application_name="tests")
    async with database.begin() as db:
        await db.exec_driver_sql(
            """insert into notifier.dead_letter (topic, partition, "offset", reason, why, key, header_names,
            header_values, happened_at) select 't', n % 12, n, 'schema', 'w', n::text::bytea, '{}', '{}', now()
            from generate_series(1, 100000) n"""
        )
        for table, more in (("outbox", ""), ("outbox_parked", ", 'w'")):
            columns = "id, topic, key, value, created_at" + (", why" if more else "")
            overriding = "" if more else "overriding system value"
            await db.exec_driver_sql(
                f"insert into notifier.{table} ({columns}) {overriding} "  # noqa: S608 - our own names
                f"select n, 'mail.settled', n::text, '', now(){more} from generate_series(1, 100000) n"
            )
    async with database.autocommit() as db:
        await db.execute(text("vacuum analyze"))

    async def read(db: Transaction) -> None:
        await read_traffic(db, KERNEL, "77", without_kafka([TOPIC], "77"))

    found = await recorded_plans(database, read)
    await database.close()
    assert len(found) == 3
    assert [each for each in found if "Seq Scan" in each and "consumer_offset" not in each] == []


async def test_kafka_says_where_the_partition_of_a_key_ends(kafka: KafkaUnderTest, unique_suffix: str) -> None:
    settings = KafkaSettings(kafka_bootstrap_servers=kafka.bootstrap_servers)
    await asyncio.to_thread(create_topics, settings, TOPICS)
    key, tails = f"c-{unique_suffix}", Tails(settings, 5.0)
    before = (await tails.of([TOPIC], key))[TOPIC]
    producer = EventProducer(settings, "tests")
    assert await producer.send([(TOPIC, key, b"x")]) == [None]
    await asyncio.to_thread(producer.close)

    after = await tails.of([TOPIC, "no.such.topic"], key)

    assert list(after) == [TOPIC]
    assert after[TOPIC].partition == before.partition == without_kafka([TOPIC], key)[TOPIC].partition
    assert before.end is not None
    assert (after[TOPIC].end or 0) > before.end
    assert after[TOPIC].committed is None


async def test_kafka_says_what_a_group_has_committed(kafka: KafkaUnderTest, unique_suffix: str) -> None:
    settings = KafkaSettings(kafka_bootstrap_servers=kafka.bootstrap_servers)
    await asyncio.to_thread(create_topics, settings, TOPICS)
    key, group = f"c-{unique_suffix}", f"group-{unique_suffix}"
    where = without_kafka([TOPIC], key)[TOPIC].partition
    consumer = Consumer(settings.client_config() | {"group.id": group})
    await asyncio.to_thread(consumer.commit, offsets=[TopicPartition(*where, 7)], asynchronous=False)
    consumer.close()

    assert (await Tails(settings, 5.0, group).of([TOPIC], key))[TOPIC].committed == 7


async def test_brokers_that_do_not_answer_are_an_error_within_the_time() -> None:
    tails = Tails(KafkaSettings(kafka_bootstrap_servers="127.0.0.1:9"), 0.2)
    with pytest.raises(BrokerError):
        await tails.of([TOPIC], "8841")
