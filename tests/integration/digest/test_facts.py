"""What becomes of messages when the database is away or refuses one of them."""

import asyncio
from collections.abc import Callable

from pydantic import SecretStr
from sqlalchemy import select, text

from sandbox.servers import LocalPostgres
from sandbox.servers.postgres import create_database
from services.digest.facts import Facts
from services.digest.storage.migrations import MIGRATIONS
from services.digest.storage.tables import ITEM, KERNEL
from services.pipeline.database import Database
from services.pipeline.dead_letters import DeadLetters
from services.pipeline.migrations import migrate
from services.pipeline.records import Partition, Record
from tests.integration.digest.company import SINCE, Company, Message, message
from tests.integration.digest.conftest import Bench


def records(*messages: Message) -> list[Record]:
    return [
        Record(Partition(topic, 0), offset, key.encode(), value, (), SINCE)
        for offset, (topic, key, value) in enumerate(messages)
    ]


async def known(database: Database) -> dict[str, int]:
    async with database.begin() as db:
        return {row.id: row.version for row in await db.execute(select(ITEM.c.id, ITEM.c.version))}


async def test_only_the_message_that_the_database_refuses_becomes_a_dead_letter(bench: Bench) -> None:
    company = bench.company
    async with bench.database.begin() as db:
        await db.execute(text("alter table digest.item add check (revision <> 13)"))
    batch = records(
        message(company.status("SC-1", 1)),
        message(company.status("SC-2", 1, revision=13)),
        message(company.status("SC-3", 1)),
    )
    await Facts(bench.database).settle(batch)
    assert await known(bench.database) == {company.key("SC-1"): 1, company.key("SC-3"): 1}
    async with bench.database.begin() as db:
        [letter] = await DeadLetters(KERNEL).newest(db, 10)
    assert (letter.reason, letter.record.offset) == ("schema", 1)
    assert letter.why.startswith("The database refuses it: ")


async def test_a_repeat_changes_nothing(bench: Bench) -> None:
    batch = records(message(bench.company.status("SC-1", 2)), message(bench.company.status("SC-1", 1)))
    for _ in range(2):
        await Facts(bench.database).settle(batch)
        assert await known(bench.database) == {bench.company.key("SC-1"): 2}


async def test_a_database_that_is_away_is_waited_for(local_postgres: Callable[[], LocalPostgres]) -> None:
    server = await asyncio.to_thread(local_postgres)
    url = SecretStr(await asyncio.to_thread(create_database, server.url, "digest"))
    await migrate(url, MIGRATIONS)
    database, company = Database(url, application_name="tests"), Company("away")
    await asyncio.to_thread(server.kill)
    settling = asyncio.create_task(Facts(database).settle(records(message(company.status("SC-1", 1)))))
    await asyncio.sleep(1)
    assert not settling.done()
    await asyncio.to_thread(server.restart)
    await asyncio.wait_for(settling, 30)
    assert await known(database) == {company.key("SC-1"): 1}
    await database.close()
