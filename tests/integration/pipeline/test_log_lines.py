"""Every line that a service's process writes is JSON, however it ends."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.integration.pipeline.counting_process import counting_process
from tests.integration.pipeline.counting_service import CountingService
from tests.log_lines import lines_in
from tests.waiting import eventually

SERVICES = ("approval", "exporter", "notifier", "digest")


def ended(service: str, **environment: str) -> tuple[int, str, str]:
    """Run a service with nothing but `environment`; return status, output and what it wrote to stderr."""
    given = {"PATH": os.environ["PATH"], "PYTHONPATH": os.environ.get("PYTHONPATH", ""), **environment}
    process = subprocess.run(
        [sys.executable, "-m", f"services.{service}"], env=given, capture_output=True, text=True, check=False
    )
    return process.returncode, process.stdout, process.stderr


@pytest.mark.parametrize("service", SERVICES)
def test_wrong_settings_are_one_line(service: str) -> None:
    status, output, written = ended(service)

    (line,) = lines_in(written)
    assert (status, output) == (1, "")
    assert (line["event"], line["level"], line["service"]) == ("service.not_started", "error", service)
    assert "KAFKA_BOOTSTRAP_SERVERS: Field required" in line["cause"]


def test_people_read_wrong_settings_as_text() -> None:
    status, _, written = ended("notifier", log_format="console")

    assert status == 1
    assert not written.startswith("{")
    assert "KAFKA_BOOTSTRAP_SERVERS: Field required" in written


@pytest.mark.parametrize("fails", ["at_once", "later", "returns", "later_and_blocks"])
async def test_a_part_that_fails_is_a_line_with_its_traceback(
    service: CountingService, tmp_path: Path, fails: str
) -> None:
    log = tmp_path / "log"
    with counting_process(service, log, fails) as process:
        await eventually(lambda: process.poll() is not None)

    lines = {line["event"]: line for line in lines_in(log.read_text())}
    assert process.returncode == 1
    assert "Traceback" not in lines["service.part_failed"]["event"]
    assert 'File "' in lines["service.part_failed"]["exception"]


async def test_a_service_that_is_stopped_writes_json_to_its_end(service: CountingService, tmp_path: Path) -> None:
    log = tmp_path / "log"
    with counting_process(service, log) as process:
        await eventually(lambda: "service.listening" in log.read_text())
        process.send_signal(signal.SIGTERM)
        await eventually(lambda: process.poll() is not None)

    events = [line["event"] for line in lines_in(log.read_text())]
    assert (process.returncode, events[0], events[-1]) == (0, "service.starting", "service.stopped")


def test_a_line_that_is_no_json_is_noticed() -> None:
    with pytest.raises(AssertionError, match="no JSON: Traceback"):
        lines_in("Traceback (most recent call last):\n")
    with pytest.raises(AssertionError, match=r"service\.stopped"):
        lines_in('{"event": "service.stopped"}\n')
