"""Each commitment becomes exactly one document in the ERP, even if answers are lost and workers die."""

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import update
from sqlalchemy.exc import IntegrityError

from sandbox.erp.faults import Calls, ErpFault, ErpFaultKind
from schemas.fields import FailureClass
from services.exporter.connections import Connection, Connections
from services.exporter.handlers import handlers
from services.exporter.rules.export import CommitmentExports
from services.exporter.storage import tables
from services.pipeline.fold import RefusedError
from services.pipeline.work import Ended
from tests.folding import fold
from tests.integration.exporter.exporter_process import SETTLE_SECONDS, ExporterProcess, running_exporter
from tests.integration.exporter.losing_connector import LosingConnector
from tests.unit.exporter.builders import SECOND, accepted_event, rejected_event, resolved_event


async def test_an_accepted_revision_becomes_one_document(exporter: ExporterProcess) -> None:
    await exporter.consume(accepted_event())

    assert await exporter.work_once() == 1
    assert await exporter.work_once() == 0

    (document,) = exporter.erp.books.under("c-1")
    event = await exporter.last_published()
    assert event.data.topic == "export.succeeded"
    assert event.data.erp_document.number == document.number
    assert [entry.method for entry in exporter.erp.journal.entries] == ["GET", "POST"]


async def test_saved_exports_are_loaded_unchanged(exporter: ExporterProcess) -> None:
    events = (accepted_event(), accepted_event(2, reopened=1), resolved_event(2), rejected_event(2))
    await exporter.consume(*events)

    folded = fold(handlers(exporter.connections.route), {"c-1": CommitmentExports("c-1")}, events, exporter.clock())
    async with exporter.database.begin() as db:
        stored = (await exporter.store.load(db, ["c-1"]))["c-1"]

    assert [change.after for change in folded.changes] == [stored]
    assert (stored.resolved[2].document.id, stored.by_revision[2].ordered_reopened) == ("d-9", 1)


async def test_a_later_revision_updates_the_same_document(exporter: ExporterProcess) -> None:
    await exporter.consume(accepted_event(), accepted_event(2, title="Concrete, levels 2 and 3"))

    while await exporter.work_once():
        pass

    (document,) = exporter.erp.books.under("c-1")
    assert document.order.revision == 2
    assert await exporter.export_states() == ["succeeded", "succeeded"]


async def test_an_erp_with_unique_references_is_not_probed_before_the_first_attempt(
    database_url: str, tmp_path: Path
) -> None:
    async with running_exporter(database_url, tmp_path, is_reference_unique=True) as exporter:
        await exporter.consume(accepted_event())
        await exporter.work_once()

        assert [entry.method for entry in exporter.erp.journal.entries] == ["POST"]


async def test_a_duplicate_reference_leads_to_an_update_of_the_existing_document(
    database_url: str, tmp_path: Path
) -> None:
    async with running_exporter(database_url, tmp_path, is_reference_unique=True) as exporter:
        await exporter.consume(accepted_event())
        await exporter.work_once()
        async with exporter.database.begin() as db:
            await db.execute(tables.EXPORT.delete())
        await exporter.consume(accepted_event(2))
        await exporter.work_once()

        (document,) = exporter.erp.books.under("c-1")
        assert document.order.revision == 2
        assert [entry.method for entry in exporter.erp.journal.entries] == ["POST", "POST", "PUT"]


@pytest.mark.parametrize("kind", [ErpFaultKind.LOSE_ANSWER, ErpFaultKind.ERROR_AFTER_STORING])
async def test_a_lost_answer_is_probed_and_ends_with_exactly_one_document(
    exporter: ExporterProcess, kind: ErpFaultKind
) -> None:
    exporter.erp.faults.replace([ErpFault(kind=kind, times=1)])
    await exporter.consume(accepted_event())

    await exporter.work_once()
    assert await exporter.export_states() == ["in_doubt"]
    assert (await exporter.published_topics())[-1] == "export.in_doubt"
    exporter.clock.advance(2)
    await exporter.work_once()

    assert await exporter.export_states() == ["succeeded"]
    assert len(exporter.erp.books.under("c-1")) == 1


async def test_a_write_is_not_repeated_before_settle_seconds_have_passed(exporter: ExporterProcess) -> None:
    connector = LosingConnector(exporter.connections.by_name["main"].connector, times=1)
    exporter = exporter.with_connector(connector)
    await exporter.consume(accepted_event())
    for _ in range(SETTLE_SECONDS):
        await exporter.work_once()
        exporter.clock.advance(1)

    assert (connector.writes, await exporter.export_states()) == (1, ["in_doubt"])

    await exporter.work_once()

    assert (connector.writes, await exporter.export_states()) == (2, ["succeeded"])
    assert len(exporter.erp.books.under("c-1")) == 1


@pytest.mark.parametrize("is_written", [True, False])
async def test_an_export_of_a_dead_worker_is_in_doubt_and_ends_with_one_document(
    exporter: ExporterProcess, *, is_written: bool
) -> None:
    await exporter.consume(accepted_event())
    (job,) = await exporter.claim()
    if is_written:
        await exporter.work.perform(job)
    assert await exporter.work_once() == 0

    for _ in range(4):
        exporter.clock.advance(SETTLE_SECONDS)
        await exporter.work_once()

    assert await exporter.export_states() == ["succeeded"]
    assert len(exporter.erp.books.under("c-1")) == 1


async def test_a_result_is_dropped_once_another_worker_has_the_lease(exporter: ExporterProcess) -> None:
    await exporter.consume(accepted_event())
    (job,) = await exporter.claim()
    result = await exporter.work.perform(job)
    exporter.clock.advance(60)
    other = exporter.sibling()
    (taken,) = await other.claim()
    before = await exporter.published_topics()

    await exporter.settle(job, result)

    assert await exporter.published_topics() == before
    assert await exporter.export_states() == ["in_doubt"]
    await other.settle(taken, await other.work.perform(taken))
    assert await exporter.export_states() == ["succeeded"]
    assert len(exporter.erp.books.under("c-1")) == 1


async def test_a_frozen_worker_sends_nothing_when_its_lease_is_about_to_end(exporter: ExporterProcess) -> None:
    await exporter.consume(accepted_event())
    (job,) = await exporter.claim()
    exporter.clock.advance(exporter.connections.by_name["main"].lease_seconds - 1)

    await exporter.settle(job, await exporter.work.perform(job))

    assert exporter.erp.journal.entries == []
    assert await exporter.work_once() == 1
    assert len(exporter.erp.books.under("c-1")) == 1


@pytest.mark.parametrize("is_early", [True, False])
async def test_an_order_that_is_known_to_be_rejected_never_reaches_the_erp(
    exporter: ExporterProcess, *, is_early: bool
) -> None:
    first, second = (rejected_event(), accepted_event()) if is_early else (accepted_event(), rejected_event())
    await exporter.consume(first)
    await exporter.consume(second)

    assert await exporter.work_once() == 0
    assert exporter.erp.journal.entries == []
    assert await exporter.published_topics() == ["erp.connection"]


async def test_a_doubt_about_a_rejected_order_ends_without_another_write(exporter: ExporterProcess) -> None:
    exporter.erp.faults.replace([ErpFault(kind=ErpFaultKind.ERROR_BEFORE_STORING, times=1)])
    await exporter.consume(accepted_event())
    await exporter.work_once()
    await exporter.consume(rejected_event())

    for _ in range(2 * SETTLE_SECONDS):
        exporter.clock.advance(2)
        await exporter.work_once()

    assert await exporter.export_states() == ["failed"]
    assert [entry.method for entry in exporter.erp.journal.entries].count("POST") == 1
    assert exporter.erp.books.under("c-1") == []


async def test_content_that_was_not_approved_never_reaches_the_erp(exporter: ExporterProcess) -> None:
    await exporter.consume(accepted_event())
    async with exporter.database.begin() as db:
        await db.execute(
            update(tables.SNAPSHOT).values(text=accepted_event(title="Something else").data.commitment.text)
        )

    await exporter.work_once()

    event = await exporter.last_published()
    assert (event.data.topic, event.data.failure.code) == ("export.failed", "content_hash")
    assert exporter.erp.journal.entries == []


async def test_an_acceptance_with_the_wrong_hash_is_never_sent(exporter: ExporterProcess) -> None:
    await exporter.consume(accepted_event(content_hash="0" * 64))

    await exporter.work_once()

    assert (await exporter.published_topics())[-1] == "export.failed"
    assert exporter.erp.journal.entries == []


async def test_an_export_of_a_company_without_a_connection_fails_at_once(exporter: ExporterProcess) -> None:
    await exporter.consume(accepted_event(company_id="co-9"))

    event = await exporter.last_published()
    assert (event.data.topic, event.data.failure.failure_class) == ("export.failed", "fix_setup")
    assert await exporter.work_once() == 0


async def test_exports_fail_when_their_connection_is_no_longer_configured(exporter: ExporterProcess) -> None:
    await exporter.consume(accepted_event())
    async with exporter.database.begin() as db:
        await db.execute(update(tables.EXPORT).values(connection="gone"))
        await db.execute(update(tables.COMMITMENT).values(connection="gone"))

    assert await exporter.work_once() == 1

    event = await exporter.last_published()
    assert (event.data.topic, event.data.failure.code) == ("export.failed", "unknown_connection")


async def test_an_approvers_evidence_settles_an_export_in_doubt(exporter: ExporterProcess) -> None:
    exporter.erp.faults.replace([ErpFault(kind=ErpFaultKind.ERROR_BEFORE_STORING, times=1)])
    await exporter.consume(accepted_event())
    await exporter.work_once()

    await exporter.consume(resolved_event(), resolved_event(confirmed_by=SECOND))

    assert await exporter.work_once() == 1
    assert await exporter.export_states() == ["succeeded"]
    exporter.clock.advance(600)
    assert await exporter.work_once() == 0


@pytest.mark.parametrize(("document_id", "number"), [("d-9", "PO-77"), ("d-77", "PO-9"), ("PO-9", "PO-9")])
async def test_evidence_of_another_commitments_document_is_refused(
    exporter: ExporterProcess, document_id: str, number: str
) -> None:
    await exporter.consume(accepted_event())
    await exporter.consume(resolved_event(confirmed_by=SECOND))
    await exporter.work_once()
    await exporter.consume(accepted_event(commitment_id="c-2"))
    with pytest.raises(RefusedError, match="it is that of c-1"):
        await exporter.consume(resolved_event(commitment_id="c-2", document_id=document_id, number=number))
    assert await exporter.export_states() == ["succeeded", "pending"]


async def test_evidence_of_a_document_on_another_connection_is_accepted(exporter: ExporterProcess) -> None:
    await exporter.consume(accepted_event(), resolved_event())
    elsewhere = resolved_event(commitment_id="c-2")
    named = elsewhere.data.document.model_copy(update={"connection": "another"})
    await exporter.consume(replace(elsewhere, data=elsewhere.data.model_copy(update={"document": named})))


async def test_transient_errors_are_retried_silently_up_to_the_limit(exporter: ExporterProcess) -> None:
    busy = ErpFault(kind=ErpFaultKind.REFUSE, calls=Calls.EVERY, failure_class=FailureClass.RETRY_LATER)
    exporter.erp.faults.replace([busy])
    await exporter.consume(accepted_event())
    for _ in range(200):
        await exporter.work_once()
        exporter.clock.advance(60)

    published = [event for event in await exporter.published() if event.data.topic != "erp.connection"]
    assert [event.data.topic for event in published] == ["export.failed"]
    assert published[0].data.attempts == 10
    assert published[0].data.failure.failure_class == "retry_later"


async def test_the_circuit_opens_while_the_erp_is_unavailable_and_closes_afterwards(exporter: ExporterProcess) -> None:
    exporter.erp.faults.replace([ErpFault(kind=ErpFaultKind.UNAVAILABLE, calls=Calls.EVERY, retry_after_seconds=0)])
    await exporter.consume(*(accepted_event(commitment_id=f"c-{number}") for number in range(8)))

    assert await exporter.work_once() == 8
    exporter.clock.advance(5)
    assert await exporter.work_once() == 0
    await exporter.connection_report.report()
    event = await exporter.last_published()
    assert (event.data.topic, event.data.queue_length) == ("erp.connection", 8)
    assert event.data.circuit_open_since is not None

    exporter.erp.faults.replace([])
    exporter.clock.advance(5)
    assert [await exporter.work_once() for _ in range(4)] == [1, 2, 4, 1]
    await exporter.connection_report.report()
    event = await exporter.last_published()
    assert (event.data.circuit_open_since, event.data.queue_length) == (None, 0)


async def test_a_connection_is_announced_only_when_it_changes(exporter: ExporterProcess) -> None:
    await exporter.connection_report.report()
    exporter.clock.advance(2)
    await exporter.sibling().connection_report.report()

    assert await exporter.published_topics() == ["erp.connection"]


async def test_all_processes_together_make_no_more_calls_at_a_time_than_the_connection_allows(
    database_url: str, tmp_path: Path
) -> None:
    async with running_exporter(database_url, tmp_path, settings="max_in_flight = 3") as exporter:
        await exporter.consume(*(accepted_event(commitment_id=f"c-{number}") for number in range(20)))
        processes = [exporter.sibling() for _ in range(4)]

        claimed = await asyncio.gather(*(process.claim() for process in processes))

        assert sum(map(len, claimed)) == 3


async def test_the_leases_of_a_killed_process_are_taken_over_even_if_they_filled_the_limit(
    database_url: str, tmp_path: Path
) -> None:
    async with running_exporter(database_url, tmp_path, settings="max_in_flight = 2") as exporter:
        await exporter.consume(*(accepted_event(commitment_id=f"c-{number}") for number in range(4)))
        assert len(await exporter.claim()) == 2

        survivor = exporter.sibling()
        survivor.clock.advance(3600)

        assert len(await survivor.claim()) == 2


async def test_many_processes_write_each_commitment_once_and_in_order(exporter: ExporterProcess) -> None:
    ids = [f"c-{number}" for number in range(12)]
    exporter.erp.faults.replace([ErpFault(kind=ErpFaultKind.LOSE_ANSWER, times=5)])
    await exporter.consume(*(accepted_event(revision, commitment_id=each) for each in ids for revision in (2, 1, 3)))
    processes = [exporter, exporter.sibling(), exporter.sibling()]

    for _ in range(20):
        await asyncio.gather(*(process.work_once(4) for process in processes))
        for process in processes:
            process.clock.advance(2)

    assert set(await exporter.export_states()) == {"succeeded"}
    for each in ids:
        (document,) = exporter.erp.books.under(each)
        assert document.order.revision == 3
        events = [event.data for event in await exporter.published() if event.subject == each]
        assert [data.revision for data in events if data.topic == "export.succeeded"] == [1, 2, 3]


async def test_the_database_refuses_two_open_revisions_of_one_commitment(
    exporter: ExporterProcess,
) -> None:
    await exporter.consume(accepted_event(), accepted_event(2))

    with pytest.raises(IntegrityError, match="export_one_open"):
        async with exporter.database.begin() as db:
            await db.execute(update(tables.EXPORT).values(state="in_flight"))


async def test_an_export_that_ends_hands_its_place_on(exporter: ExporterProcess) -> None:
    await exporter.consume(*(accepted_event(commitment_id=f"c-{number}") for number in range(3)))
    (job,) = await exporter.claim(limit=1)

    settled = await exporter.settle_together(Ended(job, await exporter.work.perform(job)))
    (following,) = settled.following

    assert following.export.commitment_id == "c-1"
    await exporter.settle(following, await exporter.work.perform(following))
    assert await exporter.export_states() == ["succeeded", "succeeded", "pending"]


async def test_a_group_hands_on_as_many_places_as_are_free(exporter: ExporterProcess) -> None:
    await exporter.consume(*(accepted_event(commitment_id=f"c-{number}") for number in range(8)))
    jobs = await exporter.claim(limit=3)
    ended = [Ended(job, await exporter.work.perform(job)) for job in jobs]

    settled = await exporter.settle_together(*ended[:2], free=1, held=jobs[2:])
    (following,) = settled.following
    last = await exporter.settle_together(ended[2], held=[following])

    assert [job.export.commitment_id for job in (following, *last.following)] == ["c-3", "c-4"]
    assert (await exporter.export_states()).count("in_flight") == 2


async def with_two_connections(exporter: ExporterProcess, *, max_in_flight: int, accepted: int) -> ExporterProcess:
    """Return an exporter of co-1 and, on a connection of its own, of co-2, with so many commitments of each."""
    main = exporter.connections.by_name["main"]
    settings = main.settings.model_copy(update={"max_in_flight": max_in_flight})
    other = settings.model_copy(update={"name": "other", "companies": ("co-2",)})
    by_name = {each.name: Connection(each, main.connector) for each in (settings, other)}
    process = ExporterProcess(exporter.database, Connections(by_name), exporter.erp, exporter.clock)
    for company_id in ("co-1", "co-2"):
        ids = [f"{company_id}-{number}" for number in range(accepted)]
        await process.consume(*(accepted_event(commitment_id=each, company_id=company_id) for each in ids))
    return process


async def test_each_connection_hands_its_own_places_on(exporter: ExporterProcess) -> None:
    exporter = await with_two_connections(exporter, max_in_flight=2, accepted=4)
    jobs = {each.export.commitment_id: each for each in await exporter.claim()}
    chosen = [jobs[each] for each in ("co-1-0", "co-2-0", "co-1-1")]

    settled = await exporter.settle_together(*[Ended(job, await exporter.work.perform(job)) for job in chosen])

    assert sorted(job.export.commitment_id for job in settled.following) == ["co-1-2", "co-1-3", "co-2-2"]


async def test_a_commitment_that_somebody_has_locked_is_recorded_later_and_hands_nothing_on(
    exporter: ExporterProcess,
) -> None:
    await exporter.consume(*(accepted_event(commitment_id=f"c-{number}") for number in range(4)))
    jobs = await exporter.claim(limit=2)
    ended = [Ended(job, await exporter.work.perform(job)) for job in jobs]
    async with exporter.database.begin() as db:
        await exporter.store.lock(db, ["c-1", "c-2"])
        settled = await exporter.settle_together(*ended)

    assert [each.job.export.commitment_id for each in settled.ended] == ["c-0"]
    assert [job.export.commitment_id for job in settled.following] == ["c-3"]
    assert await exporter.export_states() == ["succeeded", "in_flight", "pending", "in_flight"]


async def test_a_place_whose_result_is_not_recorded_is_not_handed_to_another_one_on_its_connection(
    exporter: ExporterProcess,
) -> None:
    exporter = await with_two_connections(exporter, max_in_flight=1, accepted=2)
    ended = [Ended(job, await exporter.work.perform(job)) for job in await exporter.claim()]
    async with exporter.database.begin() as db:
        await exporter.store.lock(db, ["co-1-0"])
        settled = await exporter.settle_together(*ended)

    assert [job.export.commitment_id for job in settled.following] == ["co-2-1"]


async def test_no_place_is_handed_on_while_the_connection_has_to_be_looked_at(exporter: ExporterProcess) -> None:
    await exporter.consume(*(accepted_event(commitment_id=f"c-{number}") for number in range(5)))
    jobs = await exporter.claim(limit=3)
    ended = [Ended(job, await exporter.work.perform(job)) for job in jobs]
    connections = exporter.connections
    by_name = dict(connections.by_name)

    connections.by_name = {"main": replace(by_name["main"])}
    assert (await exporter.settle_together(ended[0])).following == []  # reloaded
    connections.by_name = by_name
    exporter.clock.advance(6)
    assert (await exporter.settle_together(ended[1])).following == []  # too long ago
    exporter.clock.advance(60)
    assert (await exporter.settle_together(ended[2])).following == []  # its lease may be another's
    assert (await exporter.export_states()).count("pending") == 2


async def test_no_place_is_handed_on_once_the_answers_of_the_group_show_an_outage(exporter: ExporterProcess) -> None:
    exporter.erp.faults.replace([ErpFault(kind=ErpFaultKind.UNAVAILABLE, calls=Calls.EVERY, retry_after_seconds=60)])
    await exporter.consume(*(accepted_event(commitment_id=f"c-{number}") for number in range(4)))
    jobs = await exporter.claim(limit=2)

    settled = await exporter.settle_together(*[Ended(job, await exporter.work.perform(job)) for job in jobs])

    assert settled.following == []
    assert await exporter.export_states() == ["pending"] * 4
