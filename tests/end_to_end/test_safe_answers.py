"""Every service in its own process: what it answers over HTTP is safe, and the ends of sessions are seen everywhere."""

import asyncio
import os
import subprocess
import sys
from pathlib import Path

import httpx2
import pytest

from sandbox.variables import command_environment
from sandbox.world import World, WorldOptions, running_world
from schemas.examples.cast import DANA
from services.pipeline.names import SERVICES
from services.pipeline.safe_headers import SAFE_HEADERS
from tests.end_to_end.signing_in import signed_in
from tests.log_lines import lines_of

pytestmark = pytest.mark.timeout(280)
ANSWERS = {
    ("GET", "/metrics"): 200,
    ("GET", "/health/live"): 200,
    ("GET", "/nowhere"): 404,
    ("POST", "/metrics"): 405,
    ("TRACE", "/"): 405,
}


async def unsafe_answers(client: httpx2.AsyncClient, url: str) -> list[str]:
    """Name each answer of the service at `url` that is not as expected, or lacks a header."""
    odd = []
    for (method, path), status in ANSWERS.items():
        answer = await client.request(method, f"{url}{path}")
        lacking = [name for name in SAFE_HEADERS if name not in answer.headers]
        if lacking or answer.status_code not in (status, 404):
            odd.append(f"{url} {method} {path}: {answer.status_code}, lacks {lacking}")
    return odd


async def command(world: World, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = os.environ | command_environment(world.environment, world.erp.secrets)
    run = [sys.executable, "-m", "services.command", *arguments]
    return await asyncio.to_thread(subprocess.run, run, env=environment, capture_output=True, text=True, check=False)


async def test_all_services_answer_safely_and_a_session_that_an_operator_ends_is_over(tmp_path: Path) -> None:
    options = WorldOptions(variables={"LOG_FORMAT": "json"}, is_durable=False)
    async with running_world(tmp_path, options) as world:
        async with httpx2.AsyncClient(timeout=20) as client:
            odd = [
                each
                for name in SERVICES
                for each in await unsafe_answers(client, world.environment[f"{name.upper()}_URL"])
            ]
        async with signed_in(world, DANA.id) as browser:
            assert (await browser.get("/directory")).status_code == 200
            ended = await command(world, "sessions", "end", DANA.id, "--because", "lost laptop")
            assert (await browser.get("/directory")).status_code == 303
        lines = lines_of(service.log for service in world.services.values())

    assert odd == []
    assert ended.stdout.strip() == "Ended: 1."
    assert [line["person_id"] for line in lines if line["event"] == "sign_in.succeeded"] == [DANA.id]
