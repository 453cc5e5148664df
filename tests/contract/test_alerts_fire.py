"""The alert rules fire when they should and stay silent when not: Prometheus' own promtool runs ops/prometheus/tests.

Every rule is broken on purpose, which is noticed: alerts so that they never fire, always fire, or fire too soon, and
recording rules so that they record nothing.
"""

import os
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.contract.alert_rules import FILES, FOLDER, rules_of
from tests.contract.prometheus_tools import tool_in

ALARM = re.compile(r'\{__name__="ALERTS", alertname="(\w+)"[^}]*\}')
SUBJECTS = [path.name.removesuffix(".rules.yml") for path in FILES]
RECORDS = [
    (subject, each["record"])
    for subject, path in zip(SUBJECTS, FILES, strict=True)
    for each in rules_of(path)
    if "record" in each
]


def run(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    command = [tool_in(os.environ, "promtool"), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=240)


def files_of(subject: str, folder: Path) -> list[Path]:
    """The tests of one file of rules: those that load it."""
    tests = sorted((folder / "tests").glob("*.test.yml"))
    return [path for path in tests if f"../{subject}.rules.yml" in path.read_text()]


def broken(folder: Path, subject: str, breaking: Callable[[dict[str, Any]], None]) -> Path:
    """A copy of the folder in which `breaking` has changed each rule of one file."""
    shutil.copytree(FOLDER / "tests", folder / "tests")
    rules = yaml.safe_load((FOLDER / f"{subject}.rules.yml").read_text())
    for group in rules["groups"]:
        for rule in group["rules"]:
            breaking(rule)
    (folder / f"{subject}.rules.yml").write_text(yaml.safe_dump(rules))
    return folder


def noticed(output: str) -> set[str]:
    """The alerts that were expected and did not fire, or fired and were not expected."""
    names: set[str] = set()
    for expected, got in re.findall(r"exp: (.*)\n\s+got: (.*)", output):
        names |= {name for _, name in _alarms(expected) ^ _alarms(got)}
    return names


def _alarms(line: str) -> set[tuple[str, str]]:
    """Each alarm with all its labels, and its name."""
    return {(found[0], found[1]) for found in ALARM.finditer(line)}


@pytest.mark.promtool
@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_the_rules_are_sound(path: Path) -> None:
    checked = run("check", "rules", path)
    assert checked.returncode == 0, checked.stdout + checked.stderr


@pytest.mark.promtool
@pytest.mark.parametrize("subject", SUBJECTS)
def test_each_alert_fires_and_stays_silent(subject: str) -> None:
    result = run("test", "rules", *files_of(subject, FOLDER))
    assert result.returncode == 0, result.stdout + result.stderr


def never(rule: dict[str, Any]) -> None:
    if "alert" in rule:
        rule["expr"] = f"({rule['expr']}) and on () vector(0) == 1"


def always(rule: dict[str, Any]) -> None:
    if "alert" in rule:
        rule["expr"] = "vector(1)"


def at_once(rule: dict[str, Any]) -> None:
    rule.pop("for", None)


@pytest.mark.promtool
@pytest.mark.parametrize("breaking", [never, always, at_once], ids=lambda each: each.__name__)
@pytest.mark.parametrize("subject", SUBJECTS)
def test_rules_that_fire_never_or_always_or_too_soon_are_found(
    subject: str, breaking: Callable[[dict[str, Any]], None], tmp_path: Path
) -> None:
    """All of one file at a time, since alerts know nothing of each other; each of them has to be noticed."""
    result = run("test", "rules", *files_of(subject, broken(tmp_path, subject, breaking)))

    assert result.returncode != 0
    alerts = {rule["alert"] for rule in rules_of(FOLDER / f"{subject}.rules.yml") if "alert" in rule}
    assert noticed(result.stdout + result.stderr) == alerts


@pytest.mark.promtool
@pytest.mark.parametrize(("subject", "record"), RECORDS, ids=lambda each: each)
def test_a_recording_rule_that_records_nothing_is_found(subject: str, record: str, tmp_path: Path) -> None:
    def empty(rule: dict[str, Any]) -> None:
        if rule.get("record") == record:
            rule["expr"] = f"({rule['expr']}) and on () vector(0) == 1"

    tests = files_of(subject, broken(tmp_path, subject, empty))
    assert any(run("test", "rules", path).returncode != 0 for path in tests)


@pytest.mark.parametrize("tool", ["promtool", "amtool"])
def test_without_its_tools_the_tests_fail_and_say_how_to_get_them(tool: str) -> None:
    for environment in ({"PATH": "/nowhere"}, {"PATH": "/bin", tool.upper(): f"/nowhere/{tool}"}):
        with pytest.raises(pytest.fail.Exception, match=f"apt-get install prometheus.* set {tool.upper()}"):
            tool_in(environment, tool)
