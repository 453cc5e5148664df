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

from sandbox.servers.local_server import free_ports
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


def test_taken_ports_are_reported_with_their_variables_before_any_server_starts() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        refused = _refused(ports=ANY_PORTS | dict.fromkeys(("DEMO_DESK_PORT", "DEMO_SIGN_IN_PORT"), str(port)))

    assert refused.splitlines()[1:] == [
        f"The demo cannot run: port {port} of the {page} is taken by another program or page. "
        f"Set {variable} to another port; {variable}=0 takes any free one."
        for page, variable in (("approval desk", "DEMO_DESK_PORT"), ("sign-in", "DEMO_SIGN_IN_PORT"))
    ]


def test_two_pages_with_one_port_are_reported_as_well() -> None:
    (port,) = free_ports(1)

    refused = _refused(ports=ANY_PORTS | dict.fromkeys(("DEMO_DESK_PORT", "DEMO_ERP_PORT"), str(port)))

    assert f"port {port} of the ERP's pages is taken by another program or page. Set DEMO_ERP_PORT" in refused
    assert "of the approval desk" not in refused


def test_a_prometheus_that_cannot_be_had_is_reported_before_any_server_starts() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        refused = _refused(ports=ANY_PORTS | {"DEMO_PROMETHEUS_PORT": port, "PROMETHEUS": sys.executable})
    missing = _refused(ports=ANY_PORTS | {"DEMO_PROMETHEUS_PORT": "0", "PROMETHEUS": "/nowhere/prometheus"})

    assert f"port {port} of a Prometheus is taken by another program or page. Set DEMO_PROMETHEUS_PORT" in refused
    assert "Prometheus is not installed here. Install it" in missing
    assert "Starting" not in missing


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
