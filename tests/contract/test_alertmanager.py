"""Alertmanager routes every alert to its owner, and silences only what another alert already tells."""

import os
import re
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.contract.alert_rules import ALERTS, FOLDER
from tests.contract.prometheus_tools import tool_in

EXAMPLE = FOLDER.parent / "alertmanager" / "alertmanager.yml"
CONFIG = yaml.safe_load(EXAMPLE.read_text())
NAMES = re.compile(r'alertname=~?"([^"]+)"')
ON_CALL_FOR_UPSTREAM = {("page", "upstream"): "server_pager"}
"""The senders' operators are called by ours."""
KINDS = sorted({(rule["labels"]["severity"], rule["labels"]["owner"]) for rule in ALERTS.values()})

Config = Mapping[str, Any]


def amtool(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    command = [tool_in(os.environ, "amtool"), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)


def alerts_in(matchers: list[str]) -> set[str]:
    return {name for matcher in matchers for found in NAMES.findall(matcher) for name in found.split("|")}


def wrong_inhibitions(config: Config) -> list[str]:
    """Names that are no alert's, alerts that silence themselves, and pages that nothing but a ticket would tell."""
    wrong: list[str] = []
    for rule in config["inhibit_rules"]:
        sources, targets = alerts_in(rule["source_matchers"]), alerts_in(rule["target_matchers"])
        wrong += sorted((sources | targets) - ALERTS.keys())
        wrong += [f"{name} silences itself" for name in sorted(sources & targets)]
        pages = [name for name in sorted(targets & ALERTS.keys()) if severity(name) == "page"]
        tickets = [name for name in sorted(sources & ALERTS.keys()) if severity(name) == "ticket"]
        wrong += [f"{source} silences {target}" for source in tickets for target in pages]
    return wrong


def severity(name: str) -> str:
    found: str = ALERTS[name]["labels"]["severity"]
    return found


@pytest.mark.promtool
def test_the_example_is_sound() -> None:
    checked = amtool("check-config", EXAMPLE)
    assert checked.returncode == 0, checked.stdout + checked.stderr


@pytest.mark.promtool
def test_an_unsound_example_is_found(tmp_path: Path) -> None:
    copy = tmp_path / EXAMPLE.name
    copy.write_text(EXAMPLE.read_text().replace("receiver: approver", "receiver: nobody"))
    assert amtool("check-config", copy).returncode != 0


def receiver_of(kind: tuple[str, str], config: Path = EXAMPLE) -> str:
    labels = [f"{name}={value}" for name, value in zip(("severity", "owner"), kind, strict=True)]
    return amtool("config", "routes", "test", f"--config.file={config}", *labels).stdout.strip()


@pytest.mark.promtool
@pytest.mark.parametrize("kind", KINDS, ids="-".join)
def test_a_page_reaches_its_owners_pager_and_a_ticket_its_owners_mailbox(kind: tuple[str, str]) -> None:
    expected = f"{kind[1]}_pager" if kind[0] == "page" else kind[1]
    assert receiver_of(kind) == ON_CALL_FOR_UPSTREAM.get(kind, expected)


@pytest.mark.promtool
def test_a_page_that_reaches_no_pager_is_found(tmp_path: Path) -> None:
    copy = tmp_path / EXAMPLE.name
    copy.write_text(EXAMPLE.read_text().replace('severity="page"', 'severity="loud"'))
    assert receiver_of(("page", "server"), copy) == "server"


def test_an_alert_silences_only_others_that_are_not_more_urgent() -> None:
    assert wrong_inhibitions(CONFIG) == []


@pytest.mark.parametrize(
    ("source", "target", "wrong"),
    [
        ("ErpGone", "ErpInDoubt", ["ErpGone"]),
        ("ErpAway", "ErpAway", ["ErpAway silences itself"]),
        ("MailsWait", "ServiceDown", ["MailsWait silences ServiceDown"]),
    ],
)
def test_a_wrong_inhibition_is_found(source: str, target: str, wrong: list[str]) -> None:
    rule = {"source_matchers": [f'alertname="{source}"'], "target_matchers": [f'alertname=~"{target}"']}
    assert wrong_inhibitions({"inhibit_rules": [rule]}) == wrong
