"""What happens to messages while the database is unavailable, and to one that it refuses."""

import asyncio
from collections.abc import Callable

import pytest
from prometheus_client import REGISTRY
from pydantic import SecretStr
from sqlalchemy import select, text, update
from structlog.testing import capture_logs

from sandbox.servers import LocalPostgres
from sandbox.servers.postgres import create_database
from services.digest.aggregates import load_aggregates
from services.digest.projection import Projection
from services.digest.storage.migrations import MIGRATIONS
from services.digest.storage.tables import ITEM, KERNEL, PERSON
from services.pipeline.database import Database
from services.pipeline.dead_letters import DeadLetters
from services.pipeline.migrations import migrate
from services.pipeline.outbox import Outbox
from services.pipeline.redriving import Chosen, DeadLetterDesk, Handled
from services.pipeline.settings import KafkaSettings
from tests.integration.digest.company_events import CompanyEvents, message, records
from tests.integration.digest.conftest import DigestUnderTest
from tests.waiting import eventually


async def versions(database: Database) -> dict[str, int]:
    async with database.begin() as db:
        return {row.id: row.version for row in await db.execute(select(ITEM.c.id, ITEM.c.version))}


def unchanged() -> float:
    labels = {"service": "digest", "topic": "commitment.status", "outcome": "unchanged"}
    return REGISTRY.get_sample_value("pipeline_events_total", labels) or 0.0


def failed_attempts() -> float:
    return REGISTRY.get_sample_value("digest_failed_attempts_total") or 0.0


async def test_a_row_that_cannot_be_read_is_replaced_by_the_next_version(digest: DigestUnderTest) -> None:
    company = digest.company
    await digest.settle(message(company.status("SC-1", 1)))
    async with digest.database.begin() as db:
        await db.execute(update(ITEM).values(status="a status of another release"))
    await digest.settle(message(company.status("SC-1", 2)), message(company.status("SC-2", 1)))
    assert await versions(digest.database) == {company.key("SC-1"): 2, company.key("SC-2"): 1}
    async with digest.database.begin() as db:
        assert await DeadLetters(KERNEL).newest(db, 10) == []


async def test_only_the_message_that_the_database_refuses_becomes_a_dead_letter(digest: DigestUnderTest) -> None:
    company = digest.company
    async with digest.database.begin() as db:
        await db.execute(text("alter table digest.item add check (revision <> 13)"))
    await digest.settle(
        message(company.status("SC-1", 1)),
        message(company.status("SC-2", 1, revision=13)),
        message(company.status("SC-3", 1)),
    )
    assert await versions(digest.database) == {company.key("SC-1"): 1, company.key("SC-3"): 1}
    async with digest.database.begin() as db:
        [letter] = await DeadLetters(KERNEL).newest(db, 10)
    assert (letter.reason, letter.record.offset) == ("schema", 1)
    assert letter.why.startswith("The database refuses it: ")


async def test_a_repeat_changes_nothing_and_is_counted_as_unchanged(digest: DigestUnderTest) -> None:
    second, first = message(digest.company.status("SC-1", 2)), message(digest.company.status("SC-1", 1))
    await digest.settle(second, first)
    before = unchanged()
    await digest.settle(second, first)
    assert await versions(digest.database) == {digest.company.key("SC-1"): 2}
    assert unchanged() == before + 2


@pytest.mark.parametrize("repeats", [1, 2])
async def test_a_removal_that_is_read_again_leaves_no_rights(digest: DigestUnderTest, repeats: int) -> None:
    company = digest.company
    known = [message(company.person("dana", version, can_push_to_accounting=True)) for version in (1, 2)]
    removed = ("directory.person", company.key("dana"), None)
    await digest.settle(*[*known, removed] * repeats)
    await digest.settle(removed)
    await digest.settle(*reversed(known))
    row = await digest.row(PERSON, company.key("dana"))
    assert row is not None
    assert (row["erp_tool"], row["can_push_to_accounting"], row["version"]) == ("none", False, 2)


async def test_a_restored_digest_that_reads_a_removal_leaves_no_rights(digest: DigestUnderTest) -> None:
    company = digest.company
    await digest.settle(message(company.person("dana", 2)))  # as the backup has it
    await digest.settle(("directory.person", company.key("dana"), None))  # what compaction left of the topic
    row = await digest.row(PERSON, company.key("dana"))
    assert row is not None
    assert (row["erp_tool"], row["can_push_to_accounting"]) == ("none", False)


async def test_dead_letters_of_the_projection_are_redriven_by_the_command(digest: DigestUnderTest) -> None:
    company, handled = digest.company, list[Handled]()
    async with digest.database.begin() as db:
        await db.execute(text("alter table digest.item add constraint lucky check (revision <> 13)"))
    await digest.settle(message(company.status("SC-1", 1)), message(company.status("SC-2", 1, revision=13)))
    async with digest.database.begin() as db:
        await db.execute(text("alter table digest.item drop constraint lucky"))
    desk = DeadLetterDesk("digest", digest.database, KERNEL, "ops", handled.append)
    await desk.redrive(load_aggregates(), Chosen())
    assert [each.outcome for each in handled] == ["redriven"]
    assert await versions(digest.database) == {company.key("SC-1"): 1, company.key("SC-2"): 1}


async def test_messages_wait_for_an_unavailable_database(local_postgres: Callable[[], LocalPostgres]) -> None:
    server = await asyncio.to_thread(local_postgres)
    url = SecretStr(await asyncio.to_thread(create_database, server.url, "digest"))
    await migrate(url, MIGRATIONS)
    database, company = Database(url, application_name="tests"), CompanyEvents("unavailable")
    projection = Projection(KafkaSettings(kafka_bootstrap_servers="localhost:1"), database, Outbox(KERNEL))
    await asyncio.to_thread(server.kill)
    before = failed_attempts()
    with capture_logs() as logs:
        settling = asyncio.create_task(projection.settle(records([message(company.status("SC-1", 1))])))
        await eventually(lambda: failed_attempts() >= before + 4)
    assert not settling.done()
    waits = [each["cause"] for each in logs if each["event"] == "projection.waits"]
    assert 0 < len(waits) < failed_attempts() - before, "a cause is not logged with every attempt"
    await asyncio.to_thread(server.restart)
    await asyncio.wait_for(settling, 30)
    assert await versions(database) == {company.key("SC-1"): 1}
    await database.close()
