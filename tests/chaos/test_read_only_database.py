"""A database that answers but takes no changes: not ready but live, and at work again without a restart."""

import asyncio
from pathlib import Path

import httpx2
from pydantic import SecretStr
from sqlalchemy import make_url, text

from sandbox.drill.statuses import following
from sandbox.drill.traffic import accepting, send, some_ids
from sandbox.world import World, WorldOptions, running_world
from services.pipeline.database import Database
from tests.chaos.all_is_well import assert_all_is_well
from tests.chaos.test_log_lines import MAX_LINES_PER_MINUTE
from tests.log_lines import lines_in
from tests.waiting import eventually

NOT_READY_WITHIN_SECONDS = 30
READY_WITHIN_SECONDS = 60
WATCHED_SECONDS = 30
GREEN_WITHIN_SECONDS = 90
WORLD = WorldOptions(is_durable=False, variables={"LOG_FORMAT": "json"})
END = "select pg_terminate_backend(pid) from pg_stat_activity where application_name like 'countersign.%'"


async def test_services_leave_a_server_that_became_read_only_once_there_is_another(tmp_path: Path) -> None:
    """As after a fail-over: first all connections end, then new ones reach the old server, and later the new one."""
    async with running_world(tmp_path, WORLD) as world, following(world) as statuses:
        async with accepting(world):
            ids = some_ids("before", 3)
            await send(world, ids)
            assert await statuses.until_green(ids, GREEN_WITHIN_SECONDS)

            await change_database(world, "on", END)
            await eventually(lambda: none_is_ready(world), NOT_READY_WITHIN_SECONDS)
            assert await all_are_live(world)
            ids += (later := some_ids("meanwhile", 3))
            before = {name: len(lines_in(service.log.read_text())) for name, service in world.services.items()}
            await send(world, later)
            await asyncio.sleep(WATCHED_SECONDS)
            said = {name: len(lines_in(each.log.read_text())) - before[name] for name, each in world.services.items()}
            assert max(said.values()) <= MAX_LINES_PER_MINUTE * WATCHED_SECONDS / 60, said
            await change_database(world, "off")

            await eventually(lambda: all_are_ready(world), READY_WITHIN_SECONDS)
            assert await statuses.until_green(ids, GREEN_WITHIN_SECONDS)
        assert [service.name for service in world.services.values() if service.has_ended] == []
        assert_all_is_well(world, statuses, ids)


async def change_database(world: World, is_read_only: str, *statements: str) -> None:
    """Let later connections be read-only or not; those that there are stay as they are."""
    url = world.environment["DATABASE_URL"]
    database = Database(SecretStr(url), application_name="tests", pool_size=1)
    name = make_url(url).database
    change = f'alter database "{name}" set default_transaction_read_only = {is_read_only}'
    try:
        async with database.autocommit() as db:
            for statement in ("set default_transaction_read_only = off", change, *statements):
                await db.execute(text(statement))
    finally:
        await database.close()


async def all_are_ready(world: World) -> bool:
    return all([await asyncio.to_thread(service.is_ready) for service in world.services.values()])


async def none_is_ready(world: World) -> bool:
    return not any([await asyncio.to_thread(service.is_ready) for service in world.services.values()])


async def all_are_live(world: World) -> bool:
    async with httpx2.AsyncClient(timeout=10, trust_env=False) as prober:
        answers = [await prober.get(f"{service.url}/health/live") for service in world.services.values()]
    return all(answer.is_success for answer in answers)
