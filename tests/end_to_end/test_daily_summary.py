"""A person stops the daily summary by its link and gets it back on the desk: the real services, and the real digest."""

import asyncio
import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx2
import pytest
from pydantic import SecretStr

from sandbox.story.actors import Actors
from sandbox.variables import command_environment
from sandbox.world import World, WorldOptions, running_world
from schemas.events import DigestPreference
from schemas.examples.cast import COMPANY, DANA
from schemas.links import sign_unsubscribe
from tests.end_to_end.signing_in import signed_in
from tests.integration.pipeline.topic_events import events_on
from tests.waiting import eventually

pytestmark = pytest.mark.timeout(280)
WITHIN_SECONDS = 60


async def ordered(world: World, days: int) -> str:
    """What the digest reports of the summaries that are due some days from now."""
    at = datetime.now(UTC) + timedelta(days=days)
    command = [sys.executable, "-m", "services.command", "digest", "--at", at.isoformat(timespec="seconds")]
    environment = os.environ | command_environment(world.environment, world.erp.secrets)
    run = await asyncio.to_thread(subprocess.run, command, env=environment, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    return next(line for line in run.stdout.splitlines() if DANA.name in line)


async def told(world: World) -> list[bool]:
    events = await asyncio.to_thread(events_on, world.kafka_settings, DigestPreference.topic)
    return [event.data.subscribed for event in events if isinstance(event.data, DigestPreference)]


async def test_a_stopped_summary_comes_back_and_fifty_clicks_are_one_event(tmp_path: Path) -> None:
    async with running_world(tmp_path, WorldOptions(is_durable=False)) as world, Actors(world) as dana:
        commitment_id = await dana.create("SC-014", "Concrete works")
        await dana.send(commitment_id)
        await eventually(lambda: dana.row("ready", commitment_id), WITHIN_SECONDS)
        token = sign_unsubscribe(SecretStr(world.environment["LINK_SECRET"]), COMPANY, DANA.id)
        async with httpx2.AsyncClient(base_url=world.desk_url, timeout=30, trust_env=False) as mail_client:
            clicks = [mail_client.post(f"/u/{token}", data={"List-Unsubscribe": "One-Click"}) for _ in range(50)]
            assert {each.status_code for each in await asyncio.gather(*clicks)} == {200}

        async def is_stopped() -> bool:
            return "unsubscribed" in await ordered(world, days=1)

        await eventually(is_stopped, WITHIN_SECONDS)
        async with signed_in(world) as browser:
            for _ in range(10):
                await browser.post("/access/daily-summary", data={"wanted": "yes"})

        async def is_sent() -> bool:
            return "sent" in await ordered(world, days=2)

        await eventually(is_sent, WITHIN_SECONDS)
        assert await told(world) == [False, True]
