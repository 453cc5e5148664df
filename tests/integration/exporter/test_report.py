"""What the exporter tells of its connections and measures of its queue."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from prometheus_client import REGISTRY

from sandbox.erp.faults import ErpFault, ErpFaultKind
from tests.integration.exporter.line import Line, running_line
from tests.unit.exporter.rules.given import order


@pytest.fixture
async def line(database_url: str, tmp_path: Path) -> AsyncIterator[Line]:
    async with running_line(database_url, tmp_path) as running:
        yield running


def measured(name: str, state: str, connection: str = "main") -> float | None:
    return REGISTRY.get_sample_value(name, {"connection": connection, "state": state})


async def test_what_waits_is_counted_with_its_age_and_forgotten_once_it_succeeds(line: Line) -> None:
    await line.hear(order(), order(commitment_id="c-2"), order(commitment_id="c-3", company_id="co-9"))
    line.clock.advance(90)
    await line.reporting.report()

    assert measured("erp_exports", "pending") == 2
    assert measured("erp_exports_oldest_age_seconds", "pending") == 90
    assert measured("erp_exports", "failed", "none") == 1

    await line.turn()
    await line.reporting.report()

    assert measured("erp_exports", "pending") is None
    assert measured("erp_exports", "failed", "none") == 1


async def test_a_doubt_is_measured_from_its_acceptance(line: Line) -> None:
    line.erp.faults.replace([ErpFault(kind=ErpFaultKind.LOSE_ANSWER)])
    await line.hear(order())
    line.clock.advance(3)
    await line.turn()
    line.clock.advance(4)
    await line.reporting.report()

    assert measured("erp_exports", "in_doubt") == 1
    assert measured("erp_exports_oldest_age_seconds", "in_doubt") == 7


async def test_latency_counts_from_acceptance_to_the_answer(line: Line) -> None:
    labels = {"connection": "main", "outcome": "succeeded"}
    before = REGISTRY.get_sample_value("erp_export_latency_seconds_sum", labels) or 0.0
    await line.hear(order())
    line.clock.advance(5)

    await line.turn()

    assert (REGISTRY.get_sample_value("erp_export_latency_seconds_sum", labels) or 0.0) - before == 5.0


async def test_an_announcement_tells_queue_companies_and_a_growing_version(line: Line) -> None:
    await line.hear(order())
    await line.reporting.report()

    first, second = await line.told()
    assert (second.data.name, second.data.companies, second.data.queue_length) == ("main", ("co-1",), 1)
    assert second.data.version > first.data.version
