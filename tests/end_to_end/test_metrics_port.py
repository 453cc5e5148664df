"""With METRICS_PORT, the port of pages serves nothing for operators, and theirs no pages: the real services."""

import json
import re
from pathlib import Path

import httpx2
import pytest

from sandbox.service_process import HOST, ServiceProcess
from sandbox.story.actors import Actors
from sandbox.world import World, WorldOptions, running_world
from services.pipeline.names import SERVICES
from tests.end_to_end.test_explain import WITHIN_SECONDS, explain
from tests.waiting import eventually

pytestmark = pytest.mark.timeout(280)
FOR_OPERATORS = ("/metrics", "/operations/commitments/SC-014")
HEALTH = ("/health/live", "/health/ready")


def listening(process: ServiceProcess) -> tuple[int, int]:
    """The ports that a service says it listens on: for pages, and for operators."""
    found = re.search(r"service.listening +metrics_port=(\d+) port=(\d+)", process.log.read_text())
    assert found
    return int(found[2]), int(found[1])


async def statuses(world: World, port: int, *paths: str) -> dict[str, int]:
    headers = {"authorization": f"Bearer {world.environment['OPERATIONS_TOKEN']}"}
    async with httpx2.AsyncClient(base_url=f"http://{HOST}:{port}", trust_env=False, headers=headers) as client:
        return {path: (await client.get(path)).status_code for path in paths}


async def test_what_is_for_operators_is_served_at_a_port_of_its_own_alone(tmp_path: Path) -> None:
    options = WorldOptions(is_durable=False, variables={"METRICS_PORT": "0"})
    async with running_world(tmp_path, options) as world, Actors(world) as dana:
        ports = {name: listening(process) for name, process in world.services.items()}
        for name, (of_pages, of_operators) in ports.items():
            assert of_pages != of_operators
            assert await statuses(world, of_pages, *FOR_OPERATORS) == dict.fromkeys(FOR_OPERATORS, 404), name
            assert await statuses(world, of_operators, *FOR_OPERATORS) == dict.fromkeys(FOR_OPERATORS, 200), name
            for port in (of_pages, of_operators):
                assert await statuses(world, port, *HEALTH) == dict.fromkeys(HEALTH, 200), name
            pages = ("/", "/commitments", "/sign-in", "/api/v1/me", "/quickbooks")
            assert await statuses(world, of_operators, *pages) == dict.fromkeys(pages, 404), name

        commitment_id = await dana.create("SC-014", "Concrete works")
        await dana.send(commitment_id)
        await eventually(lambda: dana.row("ready", commitment_id), WITHIN_SECONDS)
        addresses = {f"{name.upper()}_URL": f"http://{HOST}:{port}" for name, (_, port) in ports.items()}
        told = await explain(world, "SC-014", "--json", **addresses)
        assert json.loads(told.stdout)["sources"] == dict.fromkeys(SERVICES, "service")


async def test_without_it_the_port_of_pages_serves_both(tmp_path: Path) -> None:
    options = WorldOptions(is_durable=False, services=("approval",))
    async with running_world(tmp_path, options) as world:
        of_pages, of_operators = listening(world.services["approval"])
        assert of_pages == of_operators
        assert set((await statuses(world, of_pages, "/metrics", *HEALTH)).values()) == {200}
