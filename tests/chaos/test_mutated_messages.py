"""Nothing that a broker takes stops a service: odd messages are facts or dead letters, and sound ones are applied."""

import asyncio
import re
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from random import Random
from time import monotonic
from typing import Any

import httpx2
from confluent_kafka import Producer
from confluent_kafka.admin import AdminClient, AlterConfigOpType, ConfigEntry, ConfigResource, ResourceType
from pydantic import SecretStr
from sqlalchemy import MetaData, Select, func, select

from sandbox.drill.traffic import some_ids, submission
from sandbox.service_process import ServiceProcess
from sandbox.world import World, WorldOptions, running_world
from schemas.events import CommitmentSent
from schemas.topics import TOPICS
from services.approval.storage.tables import COMMITMENT
from services.pipeline.database import Database
from services.pipeline.dead_letters import HANDLER_FAILED, REASONS
from services.pipeline.names import SERVICES
from services.pipeline.tables import kernel_tables
from tests.mutations import Message, mutated
from tests.waiting import eventually

READ_WITHIN_SECONDS = 900
_SAMPLE = re.compile(r"^(?P<name>\w+)\{(?P<labels>[^}]*)\} (?P<value>\S+)$", re.MULTILINE)


@dataclass(frozen=True)
class Size:
    messages: int
    sound: int


SHORT = Size(messages=2_000, sound=100)
LONG = Size(messages=100_000, sound=2_000)


async def test_every_odd_message_is_a_fact_or_a_dead_letter_and_stops_nothing(
    tmp_path: Path, size: Size, chance: Random, report: Callable[[str], None]
) -> None:
    async with running_world(tmp_path, WorldOptions(is_durable=False)) as world:
        await asyncio.to_thread(take_any_timestamp, world)
        ids = some_ids("sound", size.sound)
        began = monotonic()
        await asyncio.to_thread(publish, world, in_between(size, ids, chance))
        await eventually(lambda: has_read_everything(world), READ_WITHIN_SECONDS)
        seconds = monotonic() - began

        outcomes = Counter[str]()
        for service in world.services.values():
            outcomes += await events_by_outcome(service)
        letters = {name: await dead_letters(world, name) for name in SERVICES}
        reasons = Counter(reason for each in letters.values() for reason, _ in each)
        report(
            f"mutated messages: {size.messages:,} with {len(ids):,} sound ones between them in {seconds:.0f} s; "
            f"{outcomes['applied']:,} applied, {outcomes['unchanged']:,} unchanged, "
            f"{outcomes['dead_lettered']:,} dead letters: {dict(reasons)}"
        )
        assert {name: service.exit_status for name, service in world.services.items()} == dict.fromkeys(SERVICES)
        assert [service.name for service in world.services.values() if not service.is_ready()] == []
        assert [why for each in letters.values() for reason, why in each if reason == HANDLER_FAILED] == []
        assert reasons.keys() <= set(REASONS)
        assert all(why.strip() for each in letters.values() for _, why in each)
        assert outcomes["dead_lettered"] == sum(reasons.values())
        assert await ready_commitments(world, "sound-") == len(ids)
        for service in world.services.values():
            await asyncio.to_thread(service.restart)
        assert [service.name for service in world.services.values() if not service.is_ready()] == []


def in_between(size: Size, ids: Sequence[str], chance: Random) -> Iterable[Message]:
    """Yield odd messages, and the submissions of `ids` spread among them."""
    every = size.messages // len(ids)
    for place in range(size.messages):
        yield mutated(chance)
        number, rest = divmod(place, every)
        if rest == 0 and number < len(ids):
            yield Message(CommitmentSent.topic, ids[number].encode(), submission(ids[number], number + 1), [])


def take_any_timestamp(world: World) -> None:
    """Let the topics take any timestamp, as brokers before Kafka 4 do. Blocks."""
    limits = ("message.timestamp.after.max.ms", "message.timestamp.before.max.ms")
    entries = [ConfigEntry(name, str(2**63 - 1), incremental_operation=AlterConfigOpType.SET) for name in limits]
    resources = [ConfigResource(ResourceType.TOPIC, topic.name, incremental_configs=entries) for topic in TOPICS]
    admin = AdminClient(world.kafka_settings.client_config())
    for answer in admin.incremental_alter_configs(resources).values():
        answer.result(30)


def publish(world: World, messages: Iterable[Message]) -> None:
    """Send `messages` with a plain producer. Blocks."""
    refused: list[object] = []
    config = {"message.max.bytes": 3_000_000, "partitioner": "murmur2_random", "linger.ms": 5}
    producer = Producer(world.kafka_settings.client_config() | config)
    for message in messages:
        producer.produce(
            message.topic,
            message.value,
            message.key,
            timestamp=message.timestamp_ms,
            headers=message.headers,
            on_delivery=lambda error, _: refused.append(error) if error else None,
        )
        producer.poll(0)
    assert producer.flush(60) == 0
    # a compacted topic takes no message without a key; everything else has to arrive
    assert refused == []


async def samples(service: ServiceProcess, metric: str) -> list[tuple[str, float]]:
    """Return labels and value of each sample of a metric."""
    async with httpx2.AsyncClient() as client:
        page = (await client.get(f"{service.url}/metrics", timeout=30)).text
    return [(each["labels"], float(each["value"])) for each in _SAMPLE.finditer(page) if each["name"] == metric]


async def has_read_everything(world: World) -> bool:
    """Whether no service has any lag, nor had any a moment ago: what they publish is read as well."""
    for _ in range(2):
        for service in world.services.values():
            with suppress(httpx2.HTTPError):
                lags = await samples(service, "kafka_consumer_lag")
                if lags and not any(value for _, value in lags):
                    continue
            return False
        await asyncio.sleep(6)
    return True


async def events_by_outcome(service: ServiceProcess) -> Counter[str]:
    outcomes = Counter[str]()
    for labels, value in await samples(service, "pipeline_events_total"):
        outcomes[re.findall(r'outcome="(\w+)"', labels)[0]] += int(value)
    return outcomes


async def dead_letters(world: World, service: str) -> list[tuple[str, str]]:
    """Return reason and sentence of each."""
    table = kernel_tables(MetaData(schema=service)).dead_letter
    return [(row.reason, row.why) for row in await rows(world, select(table.c.reason, table.c.why))]


async def ready_commitments(world: World, prefix: str) -> int:
    table = COMMITMENT
    is_ready = (table.c.id.startswith(prefix), table.c.status == "ready")
    return int((await rows(world, select(func.count().label("number")).where(*is_ready)))[0].number)


async def rows(world: World, statement: Select[Any]) -> Sequence[Any]:
    database = Database(SecretStr(world.environment["DATABASE_URL"]), application_name="tests")
    try:
        async with database.begin() as db:
            return (await db.execute(statement)).all()
    finally:
        await database.close()
