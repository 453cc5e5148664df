"""A process of the demo that ends by itself is started again, at most a few times in a row."""

import asyncio
import os
import signal
import sys
from pathlib import Path

import pytest

from sandbox.service_process import ServiceProcess
from sandbox.supervisor import MAX_ENDS, keep_running
from tests.waiting import eventually


class Scripted(ServiceProcess):
    """A process that runs a script instead of a service, and is ready at once."""

    def __init__(self, script: str) -> None:
        super().__init__("notifier", {})
        self._script = script

    def command(self) -> list[str]:
        return [sys.executable, "-c", self._script]

    def is_ready(self) -> bool:
        return True


def test_a_service_that_ends_again_and_again_is_given_up() -> None:
    said: list[str] = []
    with Scripted("print('starting'); print('the cause'); raise SystemExit(3)") as service:
        asyncio.run(asyncio.wait_for(keep_running([service], said.append), 60))

    assert said.count("notifier has ended with exit status 3: the cause") == MAX_ENDS
    assert len([each for each in said if each.startswith("notifier runs again as process ")]) == MAX_ENDS - 1
    assert said[-1].startswith(f"notifier has ended {MAX_ENDS} times in a row and is not started again. Its log: ")


async def test_a_killed_service_is_said_to_be_killed_and_keeps_its_log() -> None:
    said: list[str] = []
    with Scripted("import time; print('all is well', flush=True); time.sleep(60)") as service:
        keeping = asyncio.create_task(keep_running([service], said.append))
        await eventually(lambda: "all is well" in service.latest_log)
        os.kill(service.pid or 0, signal.SIGKILL)
        await eventually(lambda: service.log.read_text().count("all is well") == 2)
        await eventually(lambda: f"notifier runs again as process {service.pid}" in said)
        again = service.pid
        assert service.latest_log.count("all is well") == 1
        keeping.cancel()
        with pytest.raises(asyncio.CancelledError):
            await keeping

    assert said == ["notifier was ended by SIGKILL", f"notifier runs again as process {again}"]


async def test_a_service_that_ends_once_runs_again(tmp_path: Path) -> None:
    marker, said = tmp_path / "was here", list[str]()
    script = f"""
import pathlib, time
marker = pathlib.Path({str(marker)!r})
if not marker.exists():
    marker.touch()
    raise SystemExit(1)
time.sleep(60)
"""
    with Scripted(script) as service:
        keeping = asyncio.create_task(keep_running([service], said.append))
        await eventually(lambda: f"notifier runs again as process {service.pid}" in said)
        await asyncio.sleep(1)
        assert not service.has_ended
        keeping.cancel()
        with pytest.raises(asyncio.CancelledError):
            await keeping

    assert said[0] == "notifier has ended with exit status 1: its log is empty"
