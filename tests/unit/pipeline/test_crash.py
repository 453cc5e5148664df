"""Crash points kill a process at once, and only in the sandbox."""

import os
import signal
import subprocess
import sys

import pytest

from services.pipeline.crash import crash_at, refuse_outside_sandbox
from services.pipeline.errors import SettingsError

PASS_THE_POINT = """
from services.pipeline.crash import crash_at
for time in range(5):
    print(time, flush=True)
    crash_at("exporter.before_call")
"""


def passing(crash_point: str | None) -> tuple[int, list[str]]:
    """Pass `exporter.before_call` five times in another process; return its exit status and what it printed."""
    environment = {name: value for name, value in os.environ.items() if name != "CRASH_AT"}
    given = {} if crash_point is None else {"CRASH_AT": crash_point}
    ended = subprocess.run(
        [sys.executable, "-c", PASS_THE_POINT], env=environment | given, capture_output=True, text=True, check=False
    )
    return ended.returncode, ended.stdout.split()


@pytest.mark.parametrize(
    ("crash_point", "passes"),
    [("exporter.before_call", 1), ("exporter.before_call:1", 1), ("exporter.before_call:3", 3)],
)
def test_a_process_is_killed_at_the_chosen_point(crash_point: str, passes: int) -> None:
    status, printed = passing(crash_point)
    assert status == -signal.SIGKILL
    assert len(printed) == passes


def test_a_process_with_no_point_or_another_one_continues() -> None:
    for crash_point in (None, "exporter.after_call"):
        assert passing(crash_point) == (0, ["0", "1", "2", "3", "4"])


def test_without_the_variable_nothing_happens(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CRASH_AT", raising=False)
    crash_at("exporter.before_call")
    refuse_outside_sandbox()


@pytest.mark.parametrize("sandbox", [None, "", "0", "yes"])
def test_crash_points_are_refused_outside_the_sandbox(monkeypatch: pytest.MonkeyPatch, sandbox: str | None) -> None:
    monkeypatch.setenv("CRASH_AT", "exporter.before_call")
    monkeypatch.delenv("COUNTERSIGN_SANDBOX", raising=False)
    if sandbox is not None:
        monkeypatch.setenv("COUNTERSIGN_SANDBOX", sandbox)
    with pytest.raises(SettingsError, match="Unset CRASH_AT"):
        refuse_outside_sandbox()


def test_crash_points_are_accepted_in_the_sandbox(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CRASH_AT", "exporter.before_call")
    monkeypatch.setenv("COUNTERSIGN_SANDBOX", "1")
    refuse_outside_sandbox()


def test_a_service_outside_the_sandbox_says_so_and_does_not_start() -> None:
    ended = subprocess.run(
        [sys.executable, "-m", "services.notifier"],
        env={"PATH": os.environ["PATH"], "CRASH_AT": "notifier.after_commit"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 1
    assert "CRASH_AT kills the service" in ended.stderr
    assert "Traceback" not in ended.stderr
