"""A message that is small on the way and enormous once it is unpacked makes no service large, and stops none."""

import asyncio
from pathlib import Path

import httpx2
import pytest
from pydantic import SecretStr
from sqlalchemy import Row, select

from sandbox.drill.statuses import following
from sandbox.drill.traffic import accepting, send, some_ids
from sandbox.service_process import ServiceProcess
from sandbox.world import World, WorldOptions, running_world
from schemas.topics import TOPICS
from services.approval.storage.tables import KERNEL
from services.pipeline.database import Database
from services.pipeline.dead_letters import KEPT_BYTES, TOO_LARGE
from tests.packed_messages import NONE, publish_packed, set_compression
from tests.waiting import eventually

ENORMOUS_BYTES = 400_000_000
LARGE_BYTES = 30_000_000
MAX_SERVICE_BYTES = 300_000_000
UPSTREAM = [topic.name for topic in TOPICS if topic.is_upstream]


@pytest.mark.parametrize("size", [LARGE_BYTES, ENORMOUS_BYTES])
async def test_the_broker_refuses_what_unpacks_to_too_much(tmp_path: Path, size: int) -> None:
    async with running_world(tmp_path, WorldOptions(is_durable=False)) as world, following(world) as statuses:
        for topic in UPSTREAM:
            code = await asyncio.to_thread(
                publish_packed, world.kafka.bootstrap_servers, topic, 0, b"commitment-1", size
            )
            assert code != NONE, topic
        ids = some_ids("after-packed", 2)
        async with accepting(world):
            await send(world, ids)
            assert await statuses.until_green(ids, 240)
        assert {name: peak_bytes(each) <= MAX_SERVICE_BYTES for name, each in world.services.items()} == dict.fromkeys(
            world.services, True
        )
        assert await letters(world) == []


async def test_where_the_broker_takes_it_only_its_beginning_is_kept_and_the_setting_is_named(tmp_path: Path) -> None:
    async with running_world(tmp_path, WorldOptions(is_durable=False)) as world, following(world) as statuses:
        config = world.kafka_settings.client_config()
        await asyncio.to_thread(set_compression, config, "commitment.sent", "producer")
        address = world.kafka.bootstrap_servers
        code = await asyncio.to_thread(publish_packed, address, "commitment.sent", 0, b"commitment-1", LARGE_BYTES)
        assert code == NONE

        async def is_set_aside() -> bool:
            return len(await letters(world)) == 1

        await eventually(is_set_aside)
        (letter,) = await letters(world)
        assert (letter.reason, len(letter.value)) == (TOO_LARGE, KEPT_BYTES)
        ids = some_ids("after-large", 2)
        async with accepting(world):
            await send(world, ids)
            assert await statuses.until_green(ids, 240)
        approval = world.services["approval"]
        await asyncio.to_thread(approval.restart)
        await eventually(lambda: "topics.setting_wrong" in approval.latest_log)
        assert await wrong_settings(approval) == 1


def peak_bytes(service: ServiceProcess) -> int:
    """Return the most memory that the process ever had."""
    status = Path(f"/proc/{service.pid}/status").read_text()
    peak = next(line for line in status.splitlines() if line.startswith("VmHWM"))
    return int(peak.split()[1]) * 1024


async def letters(world: World) -> list[Row[str, bytes]]:
    table = KERNEL.dead_letter.c
    database = Database(SecretStr(world.environment["DATABASE_URL"]), application_name="tests")
    try:
        async with database.begin() as db:
            return list(await db.execute(select(table.reason, table.value)))
    finally:
        await database.close()


async def wrong_settings(service: ServiceProcess) -> float:
    async with httpx2.AsyncClient() as client:
        page = (await client.get(f"{service.url}/metrics", timeout=30)).text
    (line,) = [each for each in page.splitlines() if each.startswith("pipeline_topic_settings_wrong{")]
    return float(line.rpartition(" ")[2])
