"""The rules name only what is exported, say whom they concern, and have a section in the runbook, which has no other.

When they fire is tested in tests/contract/test_alerts_fire.py.
"""

from typing import Any

import pytest

from tests.contract.alert_rules import (
    ALERTS,
    FILES,
    FOLDER,
    ROOT,
    RULES,
    RUNBOOK,
    missing_words,
    rules_of,
    unknown_log_events,
    unknown_names,
    wrong_rows,
    wrong_sections,
)

ALERT = ALERTS["PolledErpExportsStuck"]
PAGE = (ROOT / RUNBOOK).read_text()
TABLE = (ROOT / "docs" / "operations.md").read_text()


@pytest.mark.parametrize("name", RULES)
def test_a_rule_names_only_what_is_exported(name: str) -> None:
    assert unknown_names(RULES[name]) == []


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


@pytest.mark.parametrize(
    ("expression", "unknown"),
    [
        ("connection:erp_export_burn:rate2h > 1", ["connection:erp_export_burn:rate2h"]),
        ('rate(erp_export_latency_seconds_bucket{le="61.0"}[5m])', ["le=61.0"]),
        ('up{job="others"} == 0', ["job=others"]),
        ("process_open_files > 1", ["process_open_files"]),
        ('dead_letters{reason="odd"} offset 3d', ["reason=odd"]),
        ("sum without (shop) (outbox_rows)", ["shop"]),
    ],
)
def test_an_odd_bucket_target_or_recording_is_found(expression: str, unknown: list[str]) -> None:
    assert unknown_names({"expr": expression}) == unknown


@pytest.mark.parametrize("name", ALERTS)
def test_an_alert_says_whom_it_concerns_what_it_means_and_what_to_do(name: str) -> None:
    assert missing_words(name, ALERTS[name]) == []


def changed(**members: Any) -> dict[str, Any]:
    return {**ALERT, **{name: {**ALERT[name], **value} for name, value in members.items()}}


def test_missing_words_are_found() -> None:
    name = "PolledErpExportsStuck"
    everything = ["severity", "owner", "summary", "description", "runbook_url", "for"]
    assert missing_words(name, {}) == everything
    assert missing_words(name, changed(annotations={"runbook_url": f"{RUNBOOK}#nowhere"})) == ["runbook_url"]
    assert missing_words(name, changed(annotations={"summary": "Exports wait, nobody knows where."})) == ["whom"]
    assert missing_words(name, changed(labels={"severity": "loud"})) == ["severity"]
    assert missing_words(name, changed(labels={"owner": "somebody"})) == ["owner"]


def test_no_two_rules_have_one_name() -> None:
    assert len(RULES) == sum(len(rules_of(path)) for path in FILES)


def test_each_file_of_rules_has_tests_of_its_own() -> None:
    for path in FILES:
        stem = path.name.removesuffix(".rules.yml")
        assert (FOLDER / "tests" / f"{stem}.test.yml").exists()


def test_every_alert_has_a_section_of_the_runbook_and_every_section_an_alert() -> None:
    assert wrong_sections(PAGE, ALERTS) == []


@pytest.mark.parametrize(
    ("old", "new", "wrong"),
    [
        ("### ErpAway\n", "### ErpGone\n", ["ErpAway", "ErpGone"]),
        ("### ErpAway\n", "### ServiceDown\n", ["ErpAway", "ServiceDown"]),
        ("### ErpAway\n\n**Page, erp_admin.**", "### ErpAway\n\n**Page.**", ["ErpAway: **Page, erp_admin.**"]),
    ],
)
def test_a_wrong_section_is_found(old: str, new: str, wrong: list[str]) -> None:
    assert old in PAGE
    assert [
        each for each in wrong_sections(PAGE.replace(old, new), ALERTS) if ":" not in each or each in wrong
    ] == wrong


def test_a_section_without_a_first_look_is_found() -> None:
    page = PAGE.replace("**First look:**", "Look:").replace("**Over when**", "Later")
    assert len(wrong_sections(page, ALERTS)) == 2 * len(ALERTS)


def test_the_operators_table_tells_every_alert_as_it_is() -> None:
    assert wrong_rows(TABLE, ALERTS) == []


def test_a_row_that_differs_from_its_rule_is_found() -> None:
    page = TABLE.replace("| page | erp_admin | 5m |", "| page | server | 5m |")
    assert wrong_rows(page, ALERTS) == ["ErpAway page erp_admin 5m", "ErpAway page server 5m"]


def test_the_runbook_names_log_events_that_exist() -> None:
    assert unknown_log_events(PAGE) == []
    assert unknown_log_events("See `relay.waits` and `relay.sleeps`.") == ["relay.sleeps"]
