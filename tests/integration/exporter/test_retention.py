"""The exporter forgets contents and covered revisions, and never that a revision was written."""

from dataclasses import replace
from datetime import timedelta

from sqlalchemy import Table, select

from services.exporter.rules.conversation import Conversation
from services.exporter.rules.export import CommitmentExports, ExportState
from services.exporter.storage import conversations
from services.exporter.storage.retention import sweep_conversations, sweep_exports, sweep_snapshots
from services.exporter.storage.tables import CONVERSATION, EXPORT, SNAPSHOT
from services.pipeline.fold import StateChange
from services.pipeline.writes import Writes
from tests.integration.exporter.exporter_process import ExporterProcess
from tests.integration.sweeping import sweep_all
from tests.unit.exporter.builders import NOW, accepted_event

LATER = NOW + timedelta(days=1)


async def revisions(exporter: ExporterProcess, table: Table) -> list[int]:
    async with exporter.database.begin() as db:
        return list((await db.execute(select(table.c.revision).order_by(table.c.revision))).scalars())


async def held(exporter: ExporterProcess) -> CommitmentExports:
    async with exporter.database.begin() as db:
        return (await exporter.store.lock(db, ["c-1"]))["c-1"]


async def forget(exporter: ExporterProcess) -> tuple[int, int]:
    """Sweep contents, then rows; return how many of each went."""
    contents = await sweep_all(exporter.database, sweep_snapshots, LATER)
    return contents, await sweep_all(exporter.database, sweep_exports, LATER)


async def write(exporter: ExporterProcess, *revisions: int) -> None:
    """Export revisions to the ERP, one after the other."""
    for revision in revisions:
        await exporter.consume(accepted_event(revision, title=f"Version {revision}"))
        assert await exporter.work_once() == 1


async def test_only_the_highest_success_stays_and_its_contents_go(exporter: ExporterProcess) -> None:
    await write(exporter, 1, 2, 3)
    assert await forget(exporter) == (3, 2)
    assert await revisions(exporter, EXPORT) == [3]
    assert await revisions(exporter, SNAPSHOT) == []


async def test_orders_that_are_read_again_after_that_write_nothing(exporter: ExporterProcess) -> None:
    await write(exporter, 1, 2, 3)
    await forget(exporter)
    calls = len(exporter.erp.journal.entries)

    await exporter.consume(*(accepted_event(revision, title=f"Version {revision}") for revision in (1, 2, 3)))
    await exporter.consume(accepted_event(2, round=2, title="Version 2"))

    assert await exporter.work_once() == 0
    assert len(exporter.erp.journal.entries) == calls
    exports = await held(exporter)
    assert exports.newest_success == exports.by_revision[3]
    assert {exports.by_revision[revision].state for revision in (1, 2)} == {ExportState.SUPERSEDED}


async def test_the_next_revision_updates_the_document_that_is_remembered(exporter: ExporterProcess) -> None:
    await write(exporter, 1, 2)
    await forget(exporter)
    await write(exporter, 3)
    assert exporter.erp.journal.created() == {"c-1": 1}


async def test_what_is_not_done_or_not_old_stays(exporter: ExporterProcess) -> None:
    await write(exporter, 1, 2)
    await exporter.consume(accepted_event(3, title="Version 3"))
    assert await sweep_all(exporter.database, sweep_snapshots, NOW) == 0
    assert await sweep_all(exporter.database, sweep_exports, NOW) == 0
    assert await forget(exporter) == (2, 1)
    assert await revisions(exporter, EXPORT) == [2, 3]
    assert await revisions(exporter, SNAPSHOT) == [3]
    assert await exporter.work_once() == 1


async def test_a_revision_in_another_document_stays(exporter: ExporterProcess) -> None:
    await write(exporter, 1, 2)
    before = await held(exporter)
    document = before.by_revision[1].document
    assert document is not None
    elsewhere = replace(before.by_revision[1], document=document.model_copy(update={"id": "another"}))
    async with exporter.database.begin() as db:
        writes = Writes()
        await exporter.store.save(db, writes, [StateChange("c-1", before, before.with_export(elsewhere), ())])
        await writes.execute(db)

    assert await forget(exporter) == (2, 0)
    assert await revisions(exporter, EXPORT) == [1, 2]


async def test_only_conversations_that_have_ended_long_ago_go(exporter: ExporterProcess) -> None:
    open_one = Conversation("open", "books", "client", NOW, NOW)
    async with exporter.database.begin() as db:
        await conversations.add(db, open_one)
        for days in (-1, 0, 1, 2):
            ended = replace(open_one, ticket=f"ended {days}", ended_at=NOW + timedelta(days=days))
            await conversations.add(db, ended)

    assert await sweep_all(exporter.database, sweep_conversations, LATER) == 2

    async with exporter.database.begin() as db:
        left = await db.scalars(select(CONVERSATION.c.ticket).order_by(CONVERSATION.c.ticket))
        assert list(left) == ["ended 1", "ended 2", "open"]
