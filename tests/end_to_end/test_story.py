"""The story through the whole running system, as `make demo ARGS=--story` plays it."""

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

pytestmark = pytest.mark.timeout(240)

COMMAND = [sys.executable, "-m", "services.command", "demo"]


def test_the_story_is_seen_step_by_step_on_the_local_broker() -> None:
    """Both user stories, a failing export with its retry, and a lost answer; exit 0 only when each step was seen."""
    played = subprocess.run([*COMMAND, "--story"], check=False, capture_output=True, text=True, timeout=200)

    assert played.returncode == 0, played.stdout[-2000:] + played.stderr[-3000:]
    assert "Upstream shows GREEN: synced" in played.stdout
    assert "Mail to Dana Ruiz: ERP Integrations Daily Summary" in played.stdout
    assert "steps were seen" in played.stdout


def test_a_stopped_demo_leaves_no_process_behind(tmp_path: Path) -> None:
    """Ctrl-C while it starts: whatever runs by then is stopped."""
    ports = {f"DEMO_{name}_PORT": "0" for name in ("DESK", "COMMITMENTS", "MAILBOX", "ERP", "SIGN_IN")}
    log = tmp_path / "demo.log"
    with log.open("w") as output:
        demo = subprocess.Popen(COMMAND, env=os.environ | ports, stdout=output, stderr=output)
        try:
            demo_log = _until(log, "Starting approval", demo)
        finally:
            demo.send_signal(signal.SIGINT)
            demo.wait(60)

    assert "not for production" in demo_log
    assert _servers_of(demo.pid) == []


def test_a_taken_port_is_named_with_its_variable() -> None:
    """The message says which variables choose the ports."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        ports = {f"DEMO_{name}_PORT": "0" for name in ("DESK", "COMMITMENTS", "ERP", "SIGN_IN")}
        refused = subprocess.run(
            COMMAND,
            check=False,
            capture_output=True,
            text=True,
            timeout=120,
            env=os.environ | ports | {"DEMO_MAILBOX_PORT": port},
        )

    assert refused.returncode == 1
    assert "DEMO_MAILBOX_PORT" in refused.stderr


def _until(log: Path, words: str, demo: subprocess.Popen[bytes]) -> str:
    deadline = time.monotonic() + 120
    while words not in log.read_text():
        assert demo.poll() is None, log.read_text()
        assert time.monotonic() < deadline, log.read_text()
        time.sleep(0.1)
    return log.read_text()


def _servers_of(demo_pid: int) -> list[str]:
    """The processes that name the demo's folders or are its children."""
    listed = subprocess.run(["ps", "-eo", "ppid=,args="], check=True, capture_output=True, text=True).stdout
    return [line for line in listed.splitlines() if line.split()[0] == str(demo_pid)]
