"""Exactly one document per commitment, on a real database and against an ERP that loses answers."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from time import monotonic

import pytest
from sqlalchemy import update
from sqlalchemy.exc import IntegrityError

from sandbox.erp.faults import Calls, ErpFault, ErpFaultKind
from services.exporter.rules.export import ExportState
from services.exporter.storage import tables
from tests.integration.exporter.line import SETTLE_SECONDS, Line, running_line
from tests.unit.exporter.rules.given import evidence, order


@pytest.fixture
async def line(database_url: str, tmp_path: Path) -> AsyncIterator[Line]:
    async with running_line(database_url, tmp_path) as running:
        yield running


async def test_an_accepted_revision_becomes_one_document(line: Line) -> None:
    await line.hear(order())

    assert await line.turn() == 1
    assert await line.turn() == 0

    (document,) = line.erp.books.under("c-1")
    *_, told = await line.told()
    assert told.data.topic == "export.succeeded"
    assert told.data.erp_document.number == document.number
    assert [entry.method for entry in line.erp.journal.entries] == ["GET", "POST"]


async def test_what_is_stored_is_read_back_as_it_was(line: Line) -> None:
    await line.hear(order(), order(2), evidence(2))

    async with line.database.begin() as db:
        before = (await line.store.load(db, ["c-1"]))["c-1"]
    await line.hear(order(2, 2))
    async with line.database.begin() as db:
        after = (await line.store.load(db, ["c-1"]))["c-1"]

    assert before.by_revision[1].summary == after.by_revision[1].summary
    assert {revision: export.state for revision, export in before.by_revision.items()} == {
        1: ExportState.SUPERSEDED,
        2: ExportState.SUCCEEDED,
    }
    assert before.resolved[2].id == "d-9"
    assert after.by_revision[2].ordered_round == 2


async def test_a_later_revision_updates_the_same_document(line: Line) -> None:
    await line.hear(order(), order(2, title="Concrete, levels 2 and 3"))

    while await line.turn():
        pass

    (document,) = line.erp.books.under("c-1")
    assert document.order.revision == 2
    assert [row.state for row in await line.exports()] == ["succeeded", "succeeded"]


async def test_an_erp_with_unique_references_is_not_asked_before_the_first_attempt(
    database_url: str, tmp_path: Path
) -> None:
    async with running_line(database_url, tmp_path, is_reference_unique=True) as line:
        await line.hear(order())
        await line.turn()

        assert [entry.method for entry in line.erp.journal.entries] == ["POST"]


async def test_a_duplicate_reference_leads_to_an_update_of_what_stands(database_url: str, tmp_path: Path) -> None:
    async with running_line(database_url, tmp_path, is_reference_unique=True) as line:
        await line.hear(order())
        await line.turn()
        async with line.database.begin() as db:
            await db.execute(tables.EXPORT.delete())
        await line.hear(order(2))
        await line.turn()

        (document,) = line.erp.books.under("c-1")
        assert document.order.revision == 2
        assert [entry.method for entry in line.erp.journal.entries] == ["POST", "POST", "PUT"]


@pytest.mark.parametrize("kind", [ErpFaultKind.LOSE_ANSWER, ErpFaultKind.ERROR_AFTER_STORING])
async def test_a_lost_answer_ends_with_exactly_one_document(line: Line, kind: ErpFaultKind) -> None:
    line.erp.faults.replace([ErpFault(kind=kind, times=1)])
    await line.hear(order())

    await line.turn()
    assert [row.state for row in await line.exports()] == ["in_doubt"]
    assert (await line.topics())[-1] == "export.in_doubt"
    line.clock.advance(2)
    await line.turn()

    assert [row.state for row in await line.exports()] == ["succeeded"]
    assert len(line.erp.books.under("c-1")) == 1


async def test_nothing_is_written_again_before_silence_is_a_proof(line: Line) -> None:
    line.erp.faults.replace([ErpFault(kind=ErpFaultKind.ERROR_BEFORE_STORING, times=1)])
    await line.hear(order())
    for _ in range(SETTLE_SECONDS):
        await line.turn()
        line.clock.advance(1)

    posts = [entry for entry in line.erp.journal.entries if entry.method == "POST"]
    assert (len(posts), [row.state for row in await line.exports()]) == (1, ["in_doubt"])

    await line.turn()

    assert [row.state for row in await line.exports()] == ["succeeded"]
    assert len(line.erp.books.under("c-1")) == 1


@pytest.mark.parametrize("is_written", [True, False])
async def test_a_worker_that_dies_leaves_a_doubt_and_one_document(line: Line, *, is_written: bool) -> None:
    await line.hear(order())
    (job,) = await line.claim()
    if is_written:
        await line.work.perform(job)
    assert await line.turn() == 0

    for _ in range(4):
        line.clock.advance(SETTLE_SECONDS)
        await line.turn()

    assert [row.state for row in await line.exports()] == ["succeeded"]
    assert len(line.erp.books.under("c-1")) == 1


async def test_a_late_settle_of_a_lost_lease_is_dropped(line: Line) -> None:
    await line.hear(order())
    (job,) = await line.claim()
    attempted = await line.work.perform(job)
    line.clock.advance(60)
    other = line.sibling()
    (taken,) = await other.claim()
    before = await line.topics()

    await line.settle(job, attempted)

    assert await line.topics() == before
    assert [row.state for row in await line.exports()] == ["in_doubt"]
    await other.settle(taken, await other.work.perform(taken))
    assert [row.state for row in await line.exports()] == ["succeeded"]
    assert len(line.erp.books.under("c-1")) == 1


async def test_a_frozen_worker_sends_nothing_once_its_lease_is_nearly_over(line: Line) -> None:
    await line.hear(order())
    (job,) = await line.claim()
    line.clock.advance(19)

    await line.settle(job, await line.work.perform(job))

    assert line.erp.journal.entries == []
    assert await line.turn() == 1
    assert len(line.erp.books.under("c-1")) == 1


async def test_a_content_that_was_not_approved_never_reaches_the_erp(line: Line) -> None:
    await line.hear(order())
    async with line.database.begin() as db:
        await db.execute(update(tables.SNAPSHOT).values(text=order(title="Something else").data.commitment.text))

    await line.turn()

    *_, told = await line.told()
    assert (told.data.topic, told.data.failure.code) == ("export.failed", "content_hash")
    assert line.erp.journal.entries == []


async def test_an_order_whose_hash_is_not_that_of_its_content_is_never_sent(line: Line) -> None:
    await line.hear(order(content_hash="0" * 64))

    await line.turn()

    assert (await line.topics())[-1] == "export.failed"
    assert line.erp.journal.entries == []


async def test_a_company_without_a_connection_fails_at_once(line: Line) -> None:
    await line.hear(order(company_id="co-9"))

    *_, told = await line.told()
    assert (told.data.topic, told.data.failure.failure_class) == ("export.failed", "fix_setup")
    assert await line.turn() == 0


async def test_a_connection_that_is_no_longer_configured_fails_what_waits_for_it(line: Line) -> None:
    await line.hear(order())
    async with line.database.begin() as db:
        await db.execute(update(tables.EXPORT).values(connection="gone"))
        await db.execute(update(tables.COMMITMENT).values(connection="gone"))

    assert await line.turn() == 1

    *_, told = await line.told()
    assert (told.data.topic, told.data.failure.code) == ("export.failed", "unknown_connection")


async def test_a_person_settles_a_doubt_with_evidence(line: Line) -> None:
    line.erp.faults.replace([ErpFault(kind=ErpFaultKind.ERROR_BEFORE_STORING, times=1)])
    await line.hear(order())
    await line.turn()

    await line.hear(evidence())

    assert [row.state for row in await line.exports()] == ["succeeded"]
    line.clock.advance(600)
    assert await line.turn() == 0


async def test_transient_errors_are_silent_until_their_limit(line: Line) -> None:
    line.erp.faults.replace([ErpFault(kind=ErpFaultKind.UNAVAILABLE, calls=Calls.EVERY, retry_after_seconds=0)])
    await line.hear(order())
    for _ in range(200):
        await line.turn()
        line.clock.advance(60)

    told = [event for event in await line.told() if event.data.topic != "erp.connection"]
    assert [event.data.topic for event in told] == ["export.failed"]
    assert told[0].data.attempts == 10
    assert told[0].data.failure.failure_class == "retry_later"


async def test_an_erp_that_is_away_opens_the_circuit_and_its_return_closes_it(line: Line) -> None:
    line.erp.faults.replace([ErpFault(kind=ErpFaultKind.UNAVAILABLE, calls=Calls.EVERY, retry_after_seconds=0)])
    await line.hear(*(order(commitment_id=f"c-{number}") for number in range(8)))

    assert await line.turn() == 8
    line.clock.advance(5)
    assert await line.turn() == 0
    await line.reporting.report()
    *_, told = await line.told()
    assert (told.data.topic, told.data.queue_length) == ("erp.connection", 8)
    assert told.data.circuit_open_since is not None

    line.erp.faults.replace([])
    line.clock.advance(5)
    assert await line.turn() == 1
    assert await line.turn() == 7
    await line.reporting.report()
    *_, told = await line.told()
    assert (told.data.circuit_open_since, told.data.queue_length) == (None, 0)


async def test_a_connection_is_announced_only_when_it_changes(line: Line) -> None:
    await line.reporting.report()
    line.clock.advance(2)
    await line.sibling().reporting.report()

    assert await line.topics() == ["erp.connection"]


async def test_a_process_makes_no_more_calls_at_a_time_than_the_connection_takes(
    database_url: str, tmp_path: Path
) -> None:
    async with running_line(database_url, tmp_path, settings="max_in_flight = 2") as line:
        line.erp.faults.replace([ErpFault(kind=ErpFaultKind.SLOW, seconds=0.1)])
        await line.hear(*(order(commitment_id=f"c-{number}") for number in range(10)))
        jobs = await line.claim()
        assert len(jobs) == 4

        started = monotonic()
        await asyncio.gather(*map(line.work.perform, jobs))

        assert monotonic() - started >= 0.2


async def test_the_leases_of_a_killed_process_are_taken_over_though_they_filled_the_limit(
    database_url: str, tmp_path: Path
) -> None:
    async with running_line(database_url, tmp_path, settings="max_in_flight = 2") as line:
        await line.hear(*(order(commitment_id=f"c-{number}") for number in range(4)))
        assert len(await line.claim()) == 4

        survivor = line.sibling()
        survivor.clock.advance(3600)

        assert len(await survivor.claim()) == 4


async def test_many_processes_write_each_commitment_once_and_in_order(line: Line) -> None:
    ids = [f"c-{number}" for number in range(12)]
    line.erp.faults.replace([ErpFault(kind=ErpFaultKind.LOSE_ANSWER, times=5)])
    await line.hear(*(order(revision, commitment_id=each) for each in ids for revision in (2, 1, 3)))
    processes = [line, line.sibling(), line.sibling()]

    for _ in range(20):
        await asyncio.gather(*(process.turn(4) for process in processes))
        for process in processes:
            process.clock.advance(2)

    assert {row.state for row in await line.exports()} == {"succeeded"}
    for each in ids:
        (document,) = line.erp.books.under(each)
        assert document.order.revision == 3
        news = [event.data for event in await line.told() if event.subject == each]
        assert [data.revision for data in news if data.topic == "export.succeeded"] == [1, 2, 3]


async def test_two_open_revisions_of_one_commitment_are_refused_by_the_database_itself(line: Line) -> None:
    await line.hear(order(), order(2))

    with pytest.raises(IntegrityError, match="export_one_open"):
        async with line.database.begin() as db:
            await db.execute(update(tables.EXPORT).values(state="in_flight"))
