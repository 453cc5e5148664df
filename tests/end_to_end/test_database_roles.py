"""All four services as real processes with a database role each: the story passes, and nothing needs more rights."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from sandbox.service_process import ServiceProcess
from sandbox.started import started
from sandbox.story import Timeline, play
from sandbox.world import World, WorldOptions, running_world
from tests.database_roles import SERVICES, countersign, environment_of, make_roles, psql
from tests.waiting import eventually

pytestmark = pytest.mark.timeout(300)
PREFIX = "countersign"


@asynccontextmanager
async def world_with_roles(folder: Path) -> AsyncIterator[tuple[World, str]]:
    """A world whose services have to sign in as roles of their own, and the administrator's URL of their database."""
    async with running_world(folder, WorldOptions(services=(), is_durable=False)) as world:
        url = await asyncio.to_thread(world.postgres.create_database, "apart")
        await asyncio.to_thread(make_roles, url, PREFIX)
        environment = {name: value for name, value in world.environment.items() if name != "DATABASE_URL"}
        environment |= environment_of(url, PREFIX)
        migrated = await asyncio.to_thread(countersign, environment, "migrate")
        assert migrated.returncode == 0, migrated.stderr
        yield replace(world, environment=environment), url


def processes(world: World) -> Mapping[str, ServiceProcess]:
    desk_port = int(world.desk_url.rpartition(":")[2])
    return {
        name: ServiceProcess(name, world.environment, port=desk_port if name == "approval" else 0) for name in SERVICES
    }


async def test_the_story_is_played_with_a_role_for_each_service(tmp_path: Path) -> None:
    lines: list[str] = []
    async with AsyncExitStack() as stack:
        world, _ = await stack.enter_async_context(world_with_roles(tmp_path))
        services = processes(world)
        await asyncio.gather(*(started(stack, service) for service in services.values()))
        await play(replace(world, services=services), Timeline(lines.append))
        checked = await asyncio.to_thread(countersign, world.environment, "roles", "--check")
        logs = "\n".join(service.log.read_text() for service in services.values())
    assert any("Upstream shows GREEN: synced" in line for line in lines)
    assert any("Mail to Dana Ruiz: ERP Integrations Daily Summary" in line for line in lines)
    assert (checked.returncode, checked.stdout) == (0, "What the database roles lack or need not have: none.\n")
    assert "service.listening" in logs
    assert "permission denied" not in logs
    assert "periodic.failed" not in logs


async def test_a_service_whose_role_lacks_a_right_says_so_in_one_line_and_is_not_ready(tmp_path: Path) -> None:
    async with AsyncExitStack() as stack:
        world, url = await stack.enter_async_context(world_with_roles(tmp_path))
        await asyncio.to_thread(psql, url, f"revoke update on notifier.mail from {PREFIX}_notifier")
        notifier = processes(world)["notifier"]
        stack.callback(notifier.stop)
        notifier.launch()
        await eventually(lambda: "database.rights_lacking" in notifier.log.read_text())
        [line] = [line for line in notifier.log.read_text().splitlines() if "database.rights_lacking" in line]
        assert "update on notifier.mail" in line
        assert f"role={PREFIX}_notifier" in line
        assert "countersign roles" in line
        await eventually(lambda: "consumer.assigned" in notifier.log.read_text())
        assert not notifier.is_ready()
