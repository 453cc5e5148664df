"""What the metrics say of the client of a polled ERP, before its first poll and after its last."""

import pytest
from prometheus_client import REGISTRY

from services.exporter import metrics
from tests.integration.exporter.exporter_process import ExporterProcess
from tests.integration.exporter.polling.client import Client, Point
from tests.integration.exporter.polling.ledger import Ledger
from tests.unit.exporter.builders import accepted_event


@pytest.fixture(autouse=True)
def _no_conversations_so_far() -> None:
    metrics.CONVERSATIONS.clear()


@pytest.fixture
def ledger() -> Ledger:
    return Ledger()


@pytest.fixture
def client(polled: ExporterProcess, ledger: Ledger) -> Client:
    return Client(polled.conversations, ledger)


def sample(name: str, **labels: str) -> float | None:
    return REGISTRY.get_sample_value(name, {"connection": "main", **labels})


def conversations(outcome: str) -> float | None:
    return sample("erp_conversations_total", outcome=outcome)


async def test_before_the_first_poll_no_age_is_told_and_nobody_is_away(polled: ExporterProcess) -> None:
    await polled.connection_report.report()

    assert sample("erp_poll_age_seconds") is None
    assert sample("erp_poller_away") == 0
    assert {each: conversations(each) for each in metrics.CONVERSATION_OUTCOMES} == dict.fromkeys(
        ("begun", "nothing_to_do", "busy", "silent"), 0
    )


async def test_a_client_is_away_once_it_has_missed_two_polls(polled: ExporterProcess, client: Client) -> None:
    await client.poll()
    polled.clock.advance(2 * 300 + 60)
    await polled.connection_report.report()
    assert sample("erp_poll_age_seconds") == 660
    assert sample("erp_poller_away") == 0

    polled.clock.advance(1)
    await polled.connection_report.report()
    assert sample("erp_poller_away") == 1


async def test_a_conversation_that_was_never_ended_is_silent_also_if_the_next_one_takes_its_place(
    polled: ExporterProcess, client: Client, ledger: Ledger
) -> None:
    await polled.consume(accepted_event())
    for expected in (1, 2):
        client.dies_at = (Point.ASKED, expected)
        await client.poll()
        polled.clock.advance(60)
        assert conversations("begun") == expected
    assert conversations("silent") == 1

    polled.clock.advance(300)
    await polled.conversations.end_silent()

    assert conversations("silent") == 2
    await client.poll()
    assert ledger.created == {"c-1": 1}
    assert conversations("silent") == 2
