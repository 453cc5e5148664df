"""What the exporter tells of a commitment: what the ERP answered, also while it is being retried, and when next."""

from dataclasses import replace
from datetime import timedelta

from sqlalchemy import update

from sandbox.erp.faults import Calls, ErpFault, ErpFaultKind
from schemas.fields import FailureClass
from schemas.story import AttemptKind, ExporterPart, Place
from services.exporter.explaining import TOPICS, explain
from services.exporter.storage import tables
from services.exporter.storage.connection_store import Names, keep_configured
from services.pipeline.explaining import no_tails
from tests.integration.exporter.exporter_process import ExporterProcess
from tests.unit.exporter.builders import NOW, accepted_event


async def told(exporter: ExporterProcess, commitment_id: str = "c-1") -> ExporterPart:
    return await explain(exporter.database, commitment_id, no_tails, exporter.clock)


async def test_what_is_being_retried_tells_the_last_reason_and_when_the_next_attempt_is(
    exporter: ExporterProcess,
) -> None:
    locked = ErpFault(kind=ErpFaultKind.REFUSE, calls=Calls.EVERY, failure_class=FailureClass.RETRY_LATER)
    exporter.erp.faults.replace([locked])
    await exporter.consume(replace(accepted_event(), place=(3, 17)))
    await exporter.work_once()

    part = await told(exporter)

    (export,), (attempt,) = part.exports, part.attempts
    assert (export.state, export.attempts, export.failure) == ("pending", 1, None)
    assert [each.read_at for each in part.orders] == [Place(topic="decision.accepted", partition=3, offset=17)]
    assert attempt.outcome is AttemptKind.PUT_OFF
    assert attempt.message
    assert attempt.next_at == export.due_at
    assert attempt.next_at is not None
    assert attempt.next_at > NOW


async def test_a_lost_answer_and_its_probes_are_told_until_the_document_is_found(exporter: ExporterProcess) -> None:
    exporter.erp.faults.replace([ErpFault(kind=ErpFaultKind.LOSE_ANSWER, times=1)])
    await exporter.consume(accepted_event())
    await exporter.work_once()
    (doubted,) = (await told(exporter)).exports
    exporter.clock.advance(60)
    await exporter.work_once()

    part = await told(exporter)

    assert (doubted.state, doubted.doubt is not None) == ("in_doubt", True)
    assert [(each.outcome, each.is_probe) for each in part.attempts] == [
        (AttemptKind.ANSWER_LOST, False),
        (AttemptKind.IN_ERP, True),
    ]
    (export,) = part.exports
    assert (export.state, export.document is not None) == ("succeeded", True)
    assert part.attempts[-1].message == export.document.name if export.document else False


async def test_an_attempt_in_the_middle_of_which_the_process_ended_is_told(exporter: ExporterProcess) -> None:
    await exporter.consume(accepted_event())
    await exporter.claim()
    exporter.clock.advance(3600)
    await exporter.work_once()

    first, _ = sorted((await told(exporter)).attempts, key=lambda each: each.is_probe)

    assert (first.outcome, first.is_probe, first.calls) == (AttemptKind.ANSWER_LOST, False, 0)
    assert first.message == "The exporter ended before it knew the ERP's answer."


async def test_the_connection_tells_that_it_does_not_answer_and_what_waits(exporter: ExporterProcess) -> None:
    exporter.erp.faults.replace([ErpFault(kind=ErpFaultKind.UNAVAILABLE, calls=Calls.EVERY, retry_after_seconds=0)])
    await exporter.consume(*(accepted_event(commitment_id=f"c-{number}") for number in range(1, 9)))
    await exporter.work_once()
    async with exporter.database.begin() as db:
        await keep_configured(db, Names(frozenset({"main"})), exporter.clock())
    await exporter.connection_report.report()

    connection = (await told(exporter)).connection

    assert connection is not None
    assert (connection.is_configured, connection.queue_length, connection.open_since) == (True, 8, NOW)
    assert connection.reason
    exporter.clock.advance(60)
    later = (await told(exporter)).connection
    assert later is not None
    assert not later.is_configured


async def test_a_lease_and_what_is_set_aside_are_told(exporter: ExporterProcess) -> None:
    await exporter.consume(accepted_event())
    await exporter.claim()
    leased = await told(exporter)
    async with exporter.database.begin() as db:
        await db.execute(update(tables.COMMITMENT).values(set_aside="ValidationError: document"))

    assert leased.leased_until is not None
    assert leased.leased_until > NOW + timedelta(seconds=1)
    assert (await told(exporter)).set_aside == "ValidationError: document"


async def test_of_what_it_never_got_it_tells_where_it_would_be_read(exporter: ExporterProcess) -> None:
    for odd in ("../../etc", "a/b", "Büro 7", "%2F"):
        part = await told(exporter, odd)
        assert (part.exports, part.attempts, part.connection) == ((), (), None)
        assert [each.topic for each in part.traffic.readings] == TOPICS
