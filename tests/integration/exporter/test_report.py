"""What the exporter reports about its connections and its queue."""

from datetime import timedelta

from prometheus_client import REGISTRY

from sandbox.erp.faults import Calls, ErpFault, ErpFaultKind
from schemas.events import ErpConnection
from schemas.fields import FailureClass
from services.exporter import metrics
from services.exporter.report import STILL_AWAY
from tests.integration.exporter.exporter_process import ExporterProcess
from tests.unit.exporter.builders import accepted_event, rejected_event


def gauge(name: str, state: str, connection: str = "main") -> float | None:
    return REGISTRY.get_sample_value(name, {"connection": connection, "state": state})


async def test_unfinished_exports_are_counted_with_their_age_until_they_succeed(exporter: ExporterProcess) -> None:
    await exporter.consume(
        accepted_event(), accepted_event(commitment_id="c-2"), accepted_event(commitment_id="c-3", company_id="co-9")
    )
    exporter.clock.advance(90)
    await exporter.connection_report.report()

    assert gauge("erp_exports", "pending") == 2
    assert gauge("erp_exports_oldest_age_seconds", "pending") == 90
    assert gauge("erp_exports", "failed", "none") == 1

    await exporter.work_once()
    await exporter.connection_report.report()

    assert gauge("erp_exports", "pending") is None
    assert gauge("erp_exports", "failed", "none") == 1


async def test_a_failed_export_no_longer_counts_once_it_is_rejected_or_followed(exporter: ExporterProcess) -> None:
    await exporter.consume(*(accepted_event(commitment_id=each, company_id="co-9") for each in ("c-1", "c-2", "c-3")))
    await exporter.connection_report.report()
    assert gauge("erp_exports", "failed", "none") == 3

    await exporter.consume(rejected_event(company_id="co-9"), accepted_event(2, commitment_id="c-2", company_id="co-9"))
    exporter.clock.advance(7200)
    await exporter.connection_report.report()

    assert gauge("erp_exports", "failed", "none") == 2
    await exporter.consume(
        rejected_event(2, commitment_id="c-2", company_id="co-9"),
        rejected_event(commitment_id="c-3", company_id="co-9"),
    )
    await exporter.connection_report.report()
    assert gauge("erp_exports", "failed", "none") is None
    assert gauge("erp_exports_oldest_age_seconds", "failed", "none") is None


async def test_a_connection_that_is_no_longer_configured_keeps_no_gauge(exporter: ExporterProcess) -> None:
    metrics.CIRCUIT_OPEN.labels("gone").set(1)

    await exporter.connection_report.report()

    assert REGISTRY.get_sample_value("erp_circuit_open", {"connection": "gone"}) is None
    assert REGISTRY.get_sample_value("erp_circuit_open", {"connection": "main"}) == 0


async def test_the_age_of_an_export_in_doubt_counts_from_its_acceptance(exporter: ExporterProcess) -> None:
    exporter.erp.faults.replace([ErpFault(kind=ErpFaultKind.LOSE_ANSWER)])
    await exporter.consume(accepted_event())
    exporter.clock.advance(3)
    await exporter.work_once()
    exporter.clock.advance(4)
    await exporter.connection_report.report()

    assert gauge("erp_exports", "in_doubt") == 1
    assert gauge("erp_exports_oldest_age_seconds", "in_doubt") == 7


async def test_latency_is_measured_from_acceptance_to_the_outcome(exporter: ExporterProcess) -> None:
    labels = {"connection": "main", "outcome": "succeeded"}
    before = REGISTRY.get_sample_value("erp_export_latency_seconds_sum", labels) or 0.0
    await exporter.consume(accepted_event())
    exporter.clock.advance(5)

    await exporter.work_once()

    assert (REGISTRY.get_sample_value("erp_export_latency_seconds_sum", labels) or 0.0) - before == 5.0


def failures(failure_class: str) -> float:
    labels = {"connection": "main", "failure_class": failure_class}
    return REGISTRY.get_sample_value("erp_export_failures_total", labels) or 0.0


async def test_a_failed_export_is_counted_by_the_class_of_its_failure(exporter: ExporterProcess) -> None:
    before = failures("fix_data"), failures("fix_setup")
    exporter.erp.faults.replace([ErpFault(kind=ErpFaultKind.REFUSE)])
    await exporter.consume(accepted_event())
    await exporter.work_once()

    assert (failures("fix_data"), failures("fix_setup")) == (before[0] + 1, before[1])


async def test_what_is_counted_of_a_connection_begins_at_zero(exporter: ExporterProcess) -> None:
    for counter in (metrics.FAILURES, metrics.LATE_DOCUMENTS, metrics.COMPARISONS, metrics.EXPORT_LATENCY_SECONDS):
        counter.clear()
    await exporter.connection_report.report()

    assert REGISTRY.get_sample_value("erp_late_documents_total", {"connection": "main"}) == 0
    assert REGISTRY.get_sample_value("erp_comparisons_total", {"connection": "main", "outcome": "unread"}) == 0
    for each in FailureClass:
        labels = {"connection": "main", "failure_class": each.value}
        assert REGISTRY.get_sample_value("erp_export_failures_total", labels) == 0
    for outcome in ("succeeded", "failed"):
        labels = {"connection": "main", "outcome": outcome}
        assert REGISTRY.get_sample_value("erp_export_latency_seconds_count", labels) == 0


async def test_an_announcement_has_the_queue_the_companies_and_a_higher_version(exporter: ExporterProcess) -> None:
    await exporter.consume(accepted_event())
    await exporter.connection_report.report()

    first, second = await exporter.published()
    assert (second.data.name, second.data.companies, second.data.queue_length) == ("main", ("co-1",), 1)
    assert second.data.version > first.data.version


async def test_a_connection_that_is_removed_is_announced_without_companies_once(exporter: ExporterProcess) -> None:
    await exporter.connections.replace({})
    await exporter.connection_report.report()
    await exporter.connection_report.report()

    first, second = await exporter.published()
    assert (second.data.name, second.data.title, second.data.companies) == ("main", "Main books", ())
    assert second.data.version > first.data.version


async def test_a_connection_that_comes_back_is_announced_with_its_companies(exporter: ExporterProcess) -> None:
    before = dict(exporter.connections.by_name)
    await exporter.connections.replace({})
    await exporter.connection_report.report()
    await exporter.connections.replace(before)
    await exporter.connection_report.report()

    last = await exporter.last_published()
    assert (last.data.companies, last.data.priority) == (("co-1",), 1)


async def test_an_erp_that_is_down_is_announced_with_the_reason_and_the_next_trial(exporter: ExporterProcess) -> None:
    unavailable = ErpFault(kind=ErpFaultKind.UNAVAILABLE, calls=Calls.EVERY, retry_after_seconds=0)
    exporter.erp.faults.replace([unavailable])
    await exporter.consume(*(accepted_event(commitment_id=f"c-{number}") for number in range(5)))
    await exporter.work_once()
    await exporter.connection_report.report()

    told = (await exporter.last_published()).data
    assert told.circuit_open_since == exporter.clock()
    assert exporter.clock() < told.paused_until <= exporter.clock() + timedelta(seconds=10)
    assert told.reason == "The ERP is down for maintenance. Nothing was stored."

    exporter.erp.faults.replace([])
    exporter.clock.advance(10)
    await exporter.work_once()
    await exporter.connection_report.report()

    told = (await exporter.last_published()).data
    assert (told.circuit_open_since, told.paused_until, told.reason) == (None, None, None)


async def told_of_main(exporter: ExporterProcess) -> list[ErpConnection]:
    return [event.data for event in await exporter.published() if isinstance(event.data, ErpConnection)]


async def test_an_outage_is_announced_although_the_figures_are_not_counted_again(exporter: ExporterProcess) -> None:
    await exporter.consume(accepted_event())
    await exporter.work_once()
    await exporter.connection_report.report()
    unavailable = ErpFault(kind=ErpFaultKind.UNAVAILABLE, calls=Calls.EVERY, retry_after_seconds=5)
    exporter.erp.faults.replace([unavailable])
    await exporter.consume(accepted_event(commitment_id="c-2"), accepted_event(commitment_id="c-3"))
    before = len(await told_of_main(exporter))

    await exporter.connection_report.announce_changes()
    assert len(await told_of_main(exporter)) == before  # that more waits is for the next count

    await exporter.work_once()
    await exporter.connection_report.announce_changes()
    told = (await told_of_main(exporter))[-1]
    assert (told.paused_until, told.queue_length) == (exporter.clock() + timedelta(seconds=5), 2)
    assert told.reason == "The ERP is down for maintenance. Nothing was stored."


async def test_an_outage_stays_announced_between_two_pauses_until_the_erp_answers(exporter: ExporterProcess) -> None:
    unavailable = ErpFault(kind=ErpFaultKind.UNAVAILABLE, calls=Calls.EVERY, retry_after_seconds=5)
    exporter.erp.faults.replace([unavailable])
    await exporter.consume(accepted_event())
    for _ in range(8):
        await exporter.work_once()
        exporter.clock.advance(5)
        await exporter.connection_report.announce_changes()  # the pause has ended, and the next call has not begun
        told = (await told_of_main(exporter))[-1]
        assert told.paused_until
        assert told.reason

    exporter.erp.faults.replace([])
    exporter.clock.advance(300)
    await exporter.work_once()
    await exporter.connection_report.announce_changes()
    told = (await told_of_main(exporter))[-1]
    assert (told.circuit_open_since, told.paused_until, told.reason) == (None, None, None)


async def test_a_pause_after_which_nothing_is_called_is_over_soon(exporter: ExporterProcess) -> None:
    exporter.erp.faults.replace([ErpFault(kind=ErpFaultKind.UNAVAILABLE, calls=Calls.EVERY, retry_after_seconds=5)])
    await exporter.consume(accepted_event())
    await exporter.work_once()
    exporter.clock.advance(5 + STILL_AWAY.seconds)
    await exporter.connection_report.announce_changes()

    told = (await told_of_main(exporter))[-1]
    assert (told.paused_until, told.reason) == (None, None)


async def test_the_last_contact_before_a_rest_is_announced_to_the_second_and_once(exporter: ExporterProcess) -> None:
    for number in range(5):
        await exporter.consume(accepted_event(commitment_id=f"c-{number}"))
        await exporter.work_once()
        await exporter.connection_report.report()
        exporter.clock.advance(7)
    last_contact = exporter.clock() - timedelta(seconds=7)
    for _ in range(3):
        exporter.clock.advance(3_600)
        await exporter.connection_report.report()

    told = [event.data.last_contact for event in await exporter.published() if event.data.topic == "erp.connection"]
    assert told[-1] == last_contact
    assert told.count(last_contact) == 1
