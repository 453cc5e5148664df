"""`countersign demo`: the story from beginning to end, a stop while it starts, and a port that is taken."""

import asyncio
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.waiting import eventually

pytestmark = pytest.mark.timeout(240)

COMMAND = [sys.executable, "-m", "services.command", "demo"]
ANY_PORTS = {f"DEMO_{name}_PORT": "0" for name in ("DESK", "COMMITMENTS", "MAILBOX", "ERP", "SIGN_IN")}


def test_the_story_passes_step_by_step_on_the_local_broker() -> None:
    """Both user stories, a failed export with its retry, and a lost answer; exit 0 only when every step passed."""
    played = subprocess.run([*COMMAND, "--story"], check=False, capture_output=True, text=True, timeout=200)

    assert played.returncode == 0, played.stdout[-2000:] + played.stderr[-3000:]
    assert "Upstream shows GREEN: synced" in played.stdout
    assert "Mail to Dana Ruiz: ERP Integrations Daily Summary" in played.stdout
    assert "steps were seen" in played.stdout


def test_a_stopped_demo_leaves_no_process_behind(tmp_path: Path) -> None:
    """Ctrl-C while it starts stops whatever runs by then."""
    log = tmp_path / "demo.log"
    with log.open("w") as output:
        demo = subprocess.Popen(COMMAND, env=os.environ | ANY_PORTS, stdout=output, stderr=output)
        try:
            asyncio.run(eventually(lambda: "Starting approval" in log.read_text() or demo.poll() is not None, 120))
        finally:
            demo.send_signal(signal.SIGINT)
            demo.wait(60)

    assert "Starting approval" in log.read_text(), log.read_text()
    assert "not for production" in log.read_text()
    assert _children_of(demo.pid) == []


@pytest.mark.parametrize("name", ["DEMO_DESK_PORT", "DEMO_MAILBOX_PORT"])
def test_a_taken_port_is_reported_before_any_server_starts(name: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        refused = _refused(ports=ANY_PORTS | {name: str(taken.getsockname()[1])})

    assert "Another program uses that port: set DEMO_DESK_PORT" in refused
    assert "Starting" not in refused


def test_a_folder_that_cannot_be_made_is_reported_in_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    refused = _refused("--folder", str(tmp_path / "file" / "demo"))

    assert "The demo cannot run" in refused
    assert "Traceback" not in refused


def _refused(*arguments: str, ports: Mapping[str, str] = ANY_PORTS) -> str:
    """What the demo reports when it refuses to run."""
    refused = subprocess.run(
        [*COMMAND, *arguments], check=False, capture_output=True, text=True, timeout=120, env={**os.environ, **ports}
    )
    assert refused.returncode == 1, refused.stderr
    return refused.stderr


def _children_of(pid: int) -> list[str]:
    """The command lines of all processes whose parent was `pid`."""
    listed = subprocess.run(["ps", "-eo", "ppid=,args="], check=True, capture_output=True, text=True).stdout
    return [line for line in listed.splitlines() if line.split()[0] == str(pid)]
