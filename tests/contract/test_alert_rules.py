"""The alert rules fire when they should and stay silent when not, and name only what the exporter exports.

Prometheus' own promtool runs ops/prometheus/tests. Each rule is broken on purpose in three ways, which is noticed.
"""

import os
import re
import shutil
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from services.exporter import metrics
from services.exporter.rules.export import ExportState
from tests.contract.metric_names import exported_metrics

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "ops" / "prometheus"
RULES = FOLDER / "erp_poller.rules.yml"
MISSING = (
    "promtool is missing, which tests the alert rules. Install Prometheus (Debian: apt-get install prometheus, macOS: "
    "brew install prometheus), or take promtool alone as .ci/install-packages does, and set PROMTOOL to its path."
)
VALUES = {"state": tuple(ExportState), "outcome": metrics.CONVERSATION_OUTCOMES}
SELECTOR = re.compile(r"\b([a-z_]{2,})\b(?!\s*\()(?:\{([^}]*)\})?")
MATCHER = re.compile(r'(\w+)\s*(?:=~|!~|!=|=)\s*"([^"]*)"')

Alert = Mapping[str, Any]


def alerts_of(path: Path) -> list[dict[str, Any]]:
    return [rule for group in yaml.safe_load(path.read_text())["groups"] for rule in group["rules"]]


ALERTS = {alert["alert"]: alert for alert in alerts_of(RULES)}
ALERT = ALERTS["PolledErpExportsStuck"]


def promtool_in(environment: Mapping[str, str]) -> str:
    found = shutil.which(environment.get("PROMTOOL", "promtool"), path=environment.get("PATH", ""))
    if found is None:
        pytest.fail(MISSING)
    return found


def run(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    command = [promtool_in(os.environ), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)


def rules_tested(folder: Path) -> subprocess.CompletedProcess[str]:
    return run("test", "rules", *sorted((folder / "tests").glob("*.test.yml")))


def unknown_names(alert: Alert) -> list[str]:
    """Metrics that no service exports, and labels or values that they do not have."""
    known, grouping = exported_metrics(), r"\b(?:by|on)\s*\(([^)]*)\)"
    ungrouped = re.sub(rf"{grouping}|\[\w+\]", "", alert["expr"])
    found = [each for each in SELECTOR.findall(ungrouped) if each[0] not in ("and", "or", "unless")]
    unknown = [name for name, _ in found if name not in known]
    for name, matchers in found:
        for label, value in MATCHER.findall(matchers):
            is_known = label in known.get(name, ())
            wrong_values = [each for each in value.split("|") if each not in VALUES.get(label, (each,))]
            unknown += [f"{label}={each}" for each in wrong_values] if is_known else [f"{name}.{label}"]
    groups = {label.strip() for each in re.findall(grouping, alert["expr"]) for label in each.split(",")}
    return unknown + [label for label in sorted(groups) if not any(label in known.get(name, ()) for name, _ in found)]


def missing_words(alert: Alert) -> list[str]:
    """What a person who is woken up has to be told, and is not."""
    labels, notes = alert.get("labels", {}), alert.get("annotations", {})
    page, _, heading = notes.get("runbook_url", "").partition("#")
    headings = re.findall(r"^#+ (.+)$", (ROOT / page).read_text() if page else "", re.MULTILINE)
    anchors = {re.sub(r"[^\w\- ]", "", each.lower()).replace(" ", "-") for each in headings}
    checks = {
        "severity": labels.get("severity") in ("page", "ticket"),
        "owner": labels.get("owner") in ("office", "server"),
        "summary": "{{ $labels.connection }}" in notes.get("summary", ""),
        "description": "{{ $labels.connection }}" in notes.get("description", ""),
        "runbook_url": page == "docs/operations.md" and heading in anchors,
        "for": "for" in alert,
    }
    return [name for name, is_there in checks.items() if not is_there]


@pytest.mark.promtool
def test_the_rules_are_sound() -> None:
    checked = run("check", "rules", RULES)
    assert checked.returncode == 0, checked.stdout + checked.stderr


@pytest.mark.promtool
def test_each_alert_fires_and_stays_silent() -> None:
    result = rules_tested(FOLDER)
    assert result.returncode == 0, result.stdout + result.stderr


def never(alert: dict[str, Any]) -> None:
    alert["expr"] = f"({alert['expr']}) and on () vector(0) == 1"


def always(alert: dict[str, Any]) -> None:
    alert["expr"] = "max by (connection) (erp_poller_away) >= 0"


def at_once(alert: dict[str, Any]) -> None:
    del alert["for"]


@pytest.mark.promtool
@pytest.mark.parametrize("breaking", [never, always, at_once], ids=lambda each: each.__name__)
@pytest.mark.parametrize("name", ALERTS)
def test_a_rule_that_fires_never_or_always_or_too_soon_is_found(
    name: str, breaking: Callable[[dict[str, Any]], None], tmp_path: Path
) -> None:
    shutil.copytree(FOLDER / "tests", tmp_path / "tests")
    rules = yaml.safe_load(RULES.read_text())
    breaking(next(rule for group in rules["groups"] for rule in group["rules"] if rule["alert"] == name))
    (tmp_path / RULES.name).write_text(yaml.safe_dump(rules))

    result = rules_tested(tmp_path)

    assert result.returncode != 0
    assert name in result.stdout + result.stderr


@pytest.mark.parametrize("name", ALERTS)
def test_an_alert_names_only_what_is_exported(name: str) -> None:
    assert unknown_names(ALERTS[name]) == []


@pytest.mark.parametrize(
    ("old", "new", "unknown"),
    [
        ("erp_poll_age_seconds", "erp_poll_age", ["erp_poll_age"]),
        ("state=~", "status=~", ["erp_exports_oldest_age_seconds.status"]),
        ("in_flight", "flying", ["state=flying"]),
        ("by (connection)", "by (company)", ["company"]),
    ],
)
def test_a_name_that_nothing_exports_is_found(old: str, new: str, unknown: list[str]) -> None:
    assert unknown_names({"expr": ALERT["expr"].replace(old, new)}) == unknown


@pytest.mark.parametrize("name", ALERTS)
def test_an_alert_says_whom_it_concerns_what_it_means_and_what_to_do(name: str) -> None:
    assert missing_words(ALERTS[name]) == []


def test_missing_words_are_found() -> None:
    assert missing_words({}) == ["severity", "owner", "summary", "description", "runbook_url", "for"]
    elsewhere = {"annotations": {**ALERT["annotations"], "runbook_url": "docs/operations.md#nowhere"}}
    assert missing_words({**ALERT, **elsewhere}) == ["runbook_url"]
    assert missing_words({**ALERT, "labels": {"severity": "loud", "owner": "office"}}) == ["severity"]


def test_without_promtool_the_tests_fail_and_say_how_to_get_it() -> None:
    for environment in ({"PATH": "/nowhere"}, {"PATH": "/bin", "PROMTOOL": "/nowhere/promtool"}):
        with pytest.raises(pytest.fail.Exception, match=r"Install Prometheus .* set PROMTOOL"):
            promtool_in(environment)
