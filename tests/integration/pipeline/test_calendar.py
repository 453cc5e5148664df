"""What nobody could read, no table takes: times outside of the calendar, numbers that are none, texts of no object."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, date, datetime, timedelta, timezone

import pytest
from alembic import command
from pydantic import SecretStr
from sqlalchemy import Connection, Date, DateTime, Numeric, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.schema import CreateSchema
from structlog.testing import capture_logs

from schemas.times import FIRST, LAST
from services.approval.storage.migrations import MIGRATIONS as APPROVAL
from services.digest.storage.migrations import MIGRATIONS as DIGEST
from services.exporter.storage.migrations import MIGRATIONS as EXPORTER
from services.notifier.storage.migrations import MIGRATIONS as NOTIFIER
from services.pipeline.database import Database
from services.pipeline.migrations import Migrations, migrate
from services.pipeline.migrations.kernel_0007 import FIRST as FIRST_STORED
from services.pipeline.migrations.kernel_0007 import LAST as LAST_STORED
from tests.calendar_checks import checks, drop_calendar_checks

HISTORIES = [APPROVAL, EXPORTER, NOTIFIER, DIGEST]
EARLIER = {"approval": "0021", "exporter": "0018", "notifier": "0009", "digest": "0008"}
ODD_TIMES = (
    "infinity",
    "-infinity",
    "0001-12-31 23:59:59+00",
    "9998-12-31 00:00:01+00",
    "0044-03-15 BC",
    "200000-01-01",
)
LETTER = """
insert into digest.dead_letter (topic, partition, "offset", reason, why, header_names, header_values, happened_at)
values ('t', 0, {offset}, 'r', 'w', '{{}}', '{{}}', '{time}')
"""


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    opened = Database(SecretStr(database_url), application_name="tests")
    yield opened
    await opened.close()


async def kept_by(database: Database, history: Migrations) -> dict[str, set[tuple[str, str]]]:
    """Return (table, column) of each kind of check that the migrated database has."""
    found: dict[str, set[tuple[str, str]]] = {"in_calendar": set(), "is_finite": set()}
    for table, name in await checks(database, history.schema):
        for kind, columns in found.items():
            if name.endswith(f"_{kind}"):
                columns.add((table, name.removesuffix(f"_{kind}")))
    return found


async def test_every_time_day_and_decimal_of_every_table_is_kept_readable(
    database: Database, database_url: str
) -> None:
    for history in HISTORIES:
        await migrate(SecretStr(database_url), history)
        columns = [column for table in history.metadata.sorted_tables for column in table.c]
        kept = await kept_by(database, history)
        times = {(each.table.name, each.name) for each in columns if isinstance(each.type, (DateTime, Date))}
        decimals = {(each.table.name, each.name) for each in columns if isinstance(each.type, Numeric)}
        assert (kept["in_calendar"], kept["is_finite"]) == (times, decimals), history.schema


def test_what_is_read_from_a_message_can_be_stored_and_added_to_in_every_zone() -> None:
    stored = [datetime.fromisoformat(each) for each in (FIRST_STORED, LAST_STORED)]
    assert stored == [FIRST, LAST]
    for moment in stored:
        for hours in (-14, 14):
            assert moment.astimezone(timezone(timedelta(hours=hours)))
        assert moment.astimezone(UTC) + timedelta(days=300) > moment - timedelta(days=300)


@pytest.mark.parametrize("moment", ODD_TIMES)
async def test_a_time_that_python_cannot_add_to_is_refused(database: Database, database_url: str, moment: str) -> None:
    await migrate(SecretStr(database_url), DIGEST)
    with pytest.raises(DBAPIError, match="happened_at_in_calendar"):
        async with database.begin() as db:
            await db.execute(text(LETTER.format(offset=1, time=moment)))


async def test_whatever_the_database_has_is_read_also_in_arrays_and_beside_others(database: Database) -> None:
    odd = "select :time ::timestamptz as time, array[:time ::timestamptz, now()] as times, now() as now"
    async with database.begin() as db:
        for moment in ODD_TIMES:
            row = (await db.execute(text(odd.replace(":time ", f"'{moment}'")))).one()
            assert row.time in {FIRST, LAST}
            assert row.times == [row.time, row.now]
        days = (await db.execute(text("select date 'infinity', date '-infinity', date '0044-03-15 BC'"))).one()
    assert tuple(days) == (date.max, date.min, date.min)


@pytest.mark.parametrize(
    "statement",
    [
        "insert into approval.commitment (id, state) values ('c', '[1]')",
        "insert into approval.commitment (id, state) values ('c', '{')",
        "insert into approval.commitment (id, state, total) values ('c', '{}', 'NaN')",
        "insert into approval.tally values ('co', 'ready', 'all', '', 'USD', 1, 1e31)",
        "insert into approval.consumer_offset values ('t', 0, -1)",
    ],
)
async def test_what_is_no_object_number_or_position_is_refused(
    database: Database, database_url: str, statement: str
) -> None:
    await migrate(SecretStr(database_url), APPROVAL)
    with pytest.raises(DBAPIError):
        async with database.begin() as db:
            await db.execute(text(statement))


async def test_a_row_of_an_earlier_release_outside_of_the_calendar_is_moved_into_it(
    database: Database, database_url: str
) -> None:
    await migrated_to(database, DIGEST, EARLIER["digest"])
    async with database.begin() as db:
        for offset, moment in enumerate(ODD_TIMES):
            await db.execute(text(LETTER.format(offset=offset, time=moment)))
    await migrate(SecretStr(database_url), DIGEST)
    async with database.begin() as db:
        moments = set(await db.scalars(text("select (happened_at at time zone 'UTC')::text from digest.dead_letter")))
        assert await db.scalar(text("select count(*) from pg_constraint where not convalidated")) == 0
    assert moments == {"0002-01-01 00:00:00", "9998-12-31 00:00:00"}


async def test_a_row_that_breaks_another_check_is_told_and_holds_up_nothing(
    database: Database, database_url: str
) -> None:
    await migrated_to(database, APPROVAL, EARLIER["approval"])
    async with database.begin() as db:
        await db.execute(text("insert into approval.commitment (id, state) values ('odd', '{')"))
    with capture_logs() as logged:
        assert await migrate(SecretStr(database_url), APPROVAL)
    assert logged == [
        {
            "event": "migrations.rows_break_check",
            "log_level": "warning",
            "table": "approval.commitment",
            "check": "state_is_an_object",
        }
    ]
    async with database.begin() as db:
        await db.execute(text("insert into approval.commitment (id, state) values ('sound', '{}')"))


async def test_looking_at_older_rows_holds_up_nobody_who_writes(database: Database, database_url: str) -> None:
    await migrated_to(database, DIGEST, EARLIER["digest"])
    await migrate(SecretStr(database_url), DIGEST)
    await drop_calendar_checks(database, "digest")
    async with database.begin() as db:
        await db.execute(
            text("alter table digest.dead_letter add constraint happened check (happened_at < 'infinity') not valid")
        )
    async with database.begin() as writing:
        await writing.execute(text(LETTER.format(offset=1, time="2026-01-01")))
        async with asyncio.timeout(20):
            await migrate(SecretStr(database_url), DIGEST)


async def migrated_to(database: Database, history: Migrations, version: str) -> None:
    def up(connection: Connection) -> None:
        connection.execute(CreateSchema(history.schema))
        command.upgrade(history.config(connection), version)

    async with database.begin() as db:
        await db.run_sync(up)
