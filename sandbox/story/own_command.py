"""Runs the `countersign` command next to a running world, as an operator would."""

import asyncio
import sys
from collections.abc import Mapping
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from sandbox.story.timeline import StepFailedError
from schemas.examples.cast import DANA, DIRECTORY


async def countersign(environment: Mapping[str, str], *arguments: str) -> None:
    """Run the command to its end; StepFailedError, with what it said, if it fails."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "services.command",
        *arguments,
        env=dict(environment),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    output, _ = await process.communicate()
    if process.returncode != 0:
        raise StepFailedError(f"countersign {' '.join(arguments)} failed: {output.decode()[-500:]}")


def next_summary() -> str:
    """The instant after Dana's next daily summary is due, as the command takes it."""
    zone = ZoneInfo(DIRECTORY[DANA.id].time_zone)
    tomorrow = datetime.now(zone) + timedelta(days=1)
    return tomorrow.replace(hour=6, minute=1).isoformat(timespec="seconds")
