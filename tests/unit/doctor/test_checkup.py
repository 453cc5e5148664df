"""The check-up ends in time and tells of every check, whatever one of them does."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime

import pytest

from services.doctor.checks import CHECKS, Check
from services.doctor.checkup import Checked, check_up, worst
from services.doctor.configuration import EXAMPLE
from services.doctor.findings import Finding, NotCheckedError, Verdict, ok, warning, wrong
from services.doctor.surroundings import Surroundings
from services.pipeline.errors import BrokerError, CountersignError, SettingsError

AROUND = Surroundings(environ={}, clock=lambda: datetime(2026, 11, 22, tzinfo=UTC))


async def fine(_: Surroundings) -> Sequence[Finding]:
    return [ok("it", "is fine")]


async def hanging(_: Surroundings) -> Sequence[Finding]:
    await asyncio.Event().wait()
    return []


def failing(error: Exception) -> Check:
    async def look(_: Surroundings) -> Sequence[Finding]:
        raise error

    return Check("failing", look)


async def test_one_that_hangs_is_ended_and_holds_up_no_other() -> None:
    found = await check_up([Check("slow", hanging, seconds=0.05), Check("fine", fine)], AROUND)
    assert [each.name for each in found] == ["slow", "fine"]
    assert found[0].findings[0].what == "the check did not end within 0.05 s"
    assert found[1].findings == [ok("it", "is fine")]


@pytest.mark.parametrize(
    ("error", "verdict", "what"),
    [
        (NotCheckedError("SMTP_URL is not set here"), Verdict.NOT_CHECKED, "SMTP_URL is not set here"),
        (BrokerError("away"), Verdict.NOT_CHECKED, "away"),
        (CountersignError("PostgreSQL refused"), Verdict.NOT_CHECKED, "PostgreSQL refused"),
        (KeyError("x"), Verdict.WRONG, "the check itself failed (KeyError: 'x')"),
    ],
)
async def test_an_error_becomes_a_finding(error: Exception, verdict: Verdict, what: str) -> None:
    [checked] = await check_up([failing(error)], AROUND)
    assert [(each.verdict, each.what) for each in checked.findings] == [(verdict, what)]


@pytest.mark.parametrize(
    ("error", "remedy"),
    [
        (BrokerError("away"), "KAFKA_BOOTSTRAP_SERVERS"),
        (CountersignError("PostgreSQL refused"), "DATABASE_URL"),
        (SettingsError("KAFKA_SECURITY_PROTOCOL needs KAFKA_SASL_MECHANISM as well"), ".env.example"),
    ],
)
async def test_what_keeps_a_server_from_answering_is_wrong_where_it_is_looked_at(error: Exception, remedy: str) -> None:
    [checked] = await check_up([Check("kafka", failing(error).look, is_of_server=True)], AROUND)
    [finding] = checked.findings
    assert (finding.verdict, finding.what, remedy in finding.remedy) == (Verdict.WRONG, str(error), True)


async def test_a_wrong_variable_is_not_blamed_on_a_server() -> None:
    look = failing(SettingsError("KAFKA_SECURITY_PROTOCOL: wrong")).look
    [checked] = await check_up([Check("kafka", look, is_of_server=True)], AROUND)
    assert checked.findings == [wrong("all", "KAFKA_SECURITY_PROTOCOL: wrong", EXAMPLE)]


def test_the_worst_finding_decides() -> None:
    found = [Checked("a", [ok("", ""), warning("", "", "")]), Checked("b", [wrong("", "", "")])]
    assert worst(found) is Verdict.WRONG
    assert worst(found[:1]) is Verdict.WARNING
    assert worst([]) is Verdict.OK


def test_names_are_unique_and_all_checks_end_within_a_minute() -> None:
    assert len({each.name for each in CHECKS}) == len(CHECKS)
    assert max(each.seconds for each in CHECKS) <= 60
