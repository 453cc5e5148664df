"""While Kafka or the database is away, each service says so in a few lines, and every line is JSON."""

import asyncio
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from sandbox.servers.local_server import LocalServer
from sandbox.world import World, WorldOptions, running_world
from tests.log_lines import lines_in
from tests.waiting import eventually

MAX_LINES_PER_MINUTE = 25
"""What one service may say in any minute; without limits, it would be thousands."""


@dataclass(frozen=True)
class Size:
    seconds: float


SHORT = Size(seconds=15)
LONG = Size(seconds=60)


@pytest.mark.alone
async def test_services_say_little_while_a_server_is_away(
    tmp_path: Path, size: Size, report: Callable[[str], None]
) -> None:
    """Kafka, and then PostgreSQL, is away for `seconds`; after that everything is ready again and stops on SIGTERM."""
    async with running_world(tmp_path, WorldOptions(variables={"LOG_FORMAT": "json"})) as world:
        counts = {}
        for name, server in (("Kafka", world.kafka), ("PostgreSQL", world.postgres)):
            counts[name] = await said_while_away(world, server, size.seconds)
            report(f"log lines: {name} away for {size.seconds:.0f} s: {in_figures(counts[name])}")
        for service in world.services.values():
            await asyncio.to_thread(service.stop)
        lines = {name: lines_in(service.log.read_text()) for name, service in world.services.items()}

    for said in counts.values():
        assert all(said.values()), said  # whoever asks the log learns that something is away
        assert max(said.values()) <= MAX_LINES_PER_MINUTE, said
    assert all("service.stopped" in events(each) for each in lines.values())


async def said_while_away(world: World, server: LocalServer, seconds: float) -> Counter[str]:
    """Stop `server` for `seconds`, start it again, and return how many lines each service wrote until it was ready."""
    before = {name: len(lines_in(service.log.read_text())) for name, service in world.services.items()}
    await asyncio.to_thread(server.stop)
    await asyncio.sleep(seconds)  # it is away for so long; nothing else is waited for
    await asyncio.to_thread(server.start)
    for service in world.services.values():
        await eventually(lambda service=service: asyncio.to_thread(service.is_ready))
    lines = {name: lines_in(service.log.read_text())[before[name] :] for name, service in world.services.items()}
    return Counter({name: len(each) for name, each in lines.items()})


def in_figures(said: Counter[str]) -> str:
    return ", ".join(f"{name} {count}" for name, count in said.items())


def events(lines: list[dict[str, Any]]) -> set[str]:
    return {line["event"] for line in lines}
