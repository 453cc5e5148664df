"""The check-up finds what is wrong with a real PostgreSQL: its schemas, its clock, and what waits in it."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from alembic import command
from pydantic import SecretStr
from sqlalchemy import Connection, make_url, text
from sqlalchemy.schema import CreateSchema

from sandbox.servers import LocalPostgres
from sandbox.servers.local_server import free_ports
from services.approval.storage.tables import KERNEL
from services.digest.storage.migrations import MIGRATIONS as DIGEST
from services.doctor.findings import Finding
from services.pipeline.clock import utc_now
from services.pipeline.database import Database
from services.pipeline.dead_letters import DeadLetter, DeadLetters
from services.pipeline.migrations import standing
from services.pipeline.outbox import Outbox
from services.pipeline.records import Partition, Record
from tests.integration.doctor.patient import Patient, problems, unchecked
from tests.integration.pipeline.topic_events import export_succeeded

LONG_AGO = datetime(2026, 1, 1, tzinfo=UTC)
WAITING = (
    "insert into notifier.outbox (topic, key, value, created_at) values ('t', 'k', '', '2026-01-01')",
    "insert into exporter.commitment (id, company_id, set_aside) values ('c-1', 'co', 'odd')",
)


def of_servers(found: Sequence[Finding]) -> list[str]:
    """Return what is not fine, without what makes the tests' own server fast."""
    return [line for line in problems(found) if "may be lost with the machine" not in line]


async def test_a_database_as_it_should_be_is_fine(patient: Patient) -> None:
    for check in ("databases", "schemas", "open work"):
        assert of_servers(await patient.look(check)) == [], check


async def test_a_server_that_forgets_what_was_committed_is_wrong(patient: Patient) -> None:
    with LocalPostgres(fsync=False) as fast:
        patient.set(DATABASE_URL=fast.url)
        lines = problems(await patient.look("databases"))
    assert (
        "wrong approval/exporter/notifier/digest: fsync is off: what was committed may be lost with the machine"
        in lines
    )


async def test_a_role_without_rights_of_its_own_can_ask_the_server(
    patient: Patient, database_url: str, unique_suffix: str
) -> None:
    database = Database(SecretStr(database_url), application_name="countersign.approval")
    async with database.begin() as db:
        await db.execute(text(f"create role r_{unique_suffix} login password 'x'"))
    url = make_url(database_url).set(username=f"r_{unique_suffix}", password="x")
    patient.set(DATABASE_URL=url.render_as_string(hide_password=False))
    async with database.begin():  # so that somebody else is connected
        found = await patient.look("databases")
    [connections] = [each.what for each in found if "connections are in use" in each.what]
    async with database.begin() as db:
        await db.execute(text(f"drop role r_{unique_suffix}"))
    await database.close()
    assert int(connections.split()[0]) >= 2


async def test_one_database_that_is_away_hides_no_other(patient: Patient) -> None:
    patient.set(EXPORTER_DATABASE_URL=f"postgresql://me:hunter2@127.0.0.1:{free_ports(1)[0]}/countersign")
    found = await patient.look("schemas")
    assert [each.verdict.value for each in found] == ["ok", "not checked", "ok", "ok"]
    assert [line.split(":")[0] for line in of_servers(await patient.look("databases"))] == ["wrong exporter"]


async def test_schemas_that_are_missing_behind_or_ahead_are_told(patient: Patient, database_url: str) -> None:
    def change(connection: Connection) -> int:
        for statement in ("drop schema exporter cascade", "drop schema digest cascade"):
            connection.execute(text(statement))
        connection.execute(text("update notifier.alembic_version set version_num = '9999'"))
        connection.execute(CreateSchema("digest"))
        command.upgrade(DIGEST.config(connection), "0003")
        return int(standing(connection, DIGEST).expected)

    database = Database(SecretStr(database_url), application_name="tests")
    async with database.begin() as db:
        newest = await db.run_sync(change)
    await database.close()

    lines = problems(await patient.look("schemas"))

    assert [line.split(" (")[0] for line in lines] == [
        "wrong exporter: its schema was never made",
        "warning notifier: its schema has version 9999, which is newer than this release",
        f"wrong digest: its schema has version 0003, {newest - 3} behind this release",
    ]


async def test_an_older_row_that_breaks_a_check_is_told(patient: Patient, database_url: str) -> None:
    database = Database(SecretStr(database_url), application_name="tests")
    async with database.begin() as db:
        await db.execute(text("alter table approval.commitment drop constraint state_is_an_object"))
        await db.execute(text("insert into approval.commitment (id, state) values ('odd', '[]')"))
        check = "constraint state_is_an_object check (json_typeof(state::json) = 'object') not valid"
        await db.execute(text(f"alter table approval.commitment add {check}"))
    await database.close()

    (line,) = problems(await patient.look("schemas"))
    assert line.startswith("warning approval: a row of approval.commitment breaks the check state_is_an_object")


async def test_a_clock_that_differs_from_ours_is_told(patient: Patient) -> None:
    found = await patient.look("databases", lambda: utc_now() + timedelta(seconds=60))
    assert [line.split(": its clock is")[0] for line in of_servers(found)] == [
        "wrong clock of approval/exporter/notifier/digest"
    ]


async def test_what_waits_for_somebody_is_told_with_the_command_that_shows_it(
    patient: Patient, database_url: str
) -> None:
    database, outbox = Database(SecretStr(database_url), application_name="tests"), Outbox(KERNEL)
    letter = DeadLetter(Record(Partition("commitment.sent", 3), 1, b"k", b"{}", (), LONG_AGO), "schema", "title")
    async with database.begin() as db:
        await DeadLetters(KERNEL).add(db, [letter])
        await outbox.add(db, [export_succeeded("sc-1", 1)])
        rows = await outbox.oldest(db, 1)
        await outbox.park(db, [row.name for row in rows], "too large", None)
        for statement in WAITING:
            await db.execute(text(statement))
    await database.close()

    found = await patient.look("open work")
    lines = problems(found)

    assert lines[0] == "warning approval: dead letters are open: 1 schema"
    assert lines[1] == "wrong approval: Kafka refused 1 events"
    assert lines[2] == "wrong exporter: 1 pieces of work cannot be read or recorded"
    assert lines[3].startswith("wrong notifier: 1 events wait to be sent")
    assert "countersign dead-letters list --service approval" in found[0].remedy


async def test_a_database_that_is_away_is_wrong_once_and_a_reason_not_to_look_elsewhere(patient: Patient) -> None:
    patient.set(DATABASE_URL=f"postgresql://me:hunter2@127.0.0.1:{free_ports(1)[0]}/countersign")
    [server] = await patient.look("databases")
    assert (server.verdict.value, "DATABASE_URL" in server.remedy, "hunter2" in server.what) == ("wrong", True, False)
    assert [each.verdict.value for each in await patient.look("schemas")] == ["not checked"] * 4


async def test_without_an_address_databases_are_not_checked_and_say_which_variable_is_missing(patient: Patient) -> None:
    patient.set(DATABASE_URL="")
    assert unchecked(await patient.look("databases")) == ["servers: DATABASE_URL is not set here"]
    assert unchecked(await patient.look("schemas"))[0] == (
        "approval: neither DATABASE_URL nor APPROVAL_DATABASE_URL is set here"
    )
