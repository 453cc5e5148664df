"""The database roles on a real PostgreSQL: what they may, what they are refused, and how a lack is told."""

import asyncio
import json
import uuid
from collections.abc import Iterator
from contextlib import AsyncExitStack

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection

from sandbox.servers.postgres import create_database, drop_database
from services.approval.storage.migrations import MIGRATIONS as APPROVAL
from services.digest.storage.migrations import MIGRATIONS as DIGEST
from services.exporter.storage.migrations import MIGRATIONS as EXPORTER
from services.notifier.storage.migrations import MIGRATIONS as NOTIFIER
from tests.database_roles import (
    SERVICES,
    connected,
    countersign,
    drop_roles,
    environment_of,
    make_roles,
    url_as,
)

HISTORIES = (APPROVAL, EXPORTER, NOTIFIER, DIGEST)
REFUSED = "42501"
TABLES = {history.schema: [table.name for table in history.metadata.sorted_tables] for history in HISTORIES}
EVERYWHERE = (
    "create schema other",
    "create table public.other (id int)",
    "create temporary table other (id int)",
    "create role other",
    "alter role current_user superuser",
    "select * from pg_authid",
    "select pg_read_file('/etc/hostname')",
    "copy (select 1) to program 'cat'",
    "set session_replication_role = replica",
    "select pg_current_logfile()",
    "set role {admin}",
    "set session authorization {admin}",
)
OWN = (
    "create table {schema}.other (id int)",
    "create function {schema}.other() returns int language sql as 'select 1'",
    "create index other on {schema}.outbox (value)",
    "alter table {schema}.outbox add column other int",
    "alter table {schema}.outbox disable trigger user",
    "alter table {schema}.outbox owner to {admin}",
    "drop table {schema}.outbox",
    "truncate {schema}.outbox",
    "lock table {schema}.alembic_version in access exclusive mode",
    "drop schema {schema} cascade",
    "insert into {schema}.alembic_version values ('9999')",
    "update {schema}.alembic_version set version_num = '0001'",
    "delete from {schema}.alembic_version",
)
OTHERS = (
    "select count(*) from {schema}.{table}",
    "insert into {schema}.{table} default values",
    "update {schema}.{table} set {column} = {column}",
    "delete from {schema}.{table}",
    "truncate {schema}.{table}",
)


@pytest.fixture(scope="module")
def roles(postgres: str) -> Iterator[str]:
    """The prefix of these tests' roles; they belong to the server, so they outlive each database."""
    prefix = f"t{uuid.uuid4().hex[:12]}"
    yield prefix
    asyncio.run(drop_roles(postgres, prefix))


@pytest.fixture(scope="module")
def prepared(postgres: str, roles: str) -> Iterator[str]:
    """The name of a database with the roles and the tables of all services, which the owner's role has migrated."""
    name = f"roles_{roles}"
    url = create_database(postgres, name)
    make_roles(url, roles)
    migrated = countersign(environment_of(url, roles), "migrate", "--json")
    assert json.loads(migrated.stdout)["migrated"] == list(SERVICES), migrated.stderr
    yield name
    drop_database(postgres, name)


@pytest.fixture
def template(prepared: str) -> str:
    return prepared


@pytest.fixture(autouse=True)
def _may_connect(database_url: str, roles: str) -> None:
    """Rights to a whole database are not part of its copy."""
    make_roles(database_url, roles)


async def refusal(db: AsyncConnection, statement: str) -> str:
    """The SQLSTATE with which `statement` is refused, "" if it is not; whatever it does is rolled back."""
    try:
        await db.execute(text(statement))
    except DBAPIError as error:
        return str(error.orig.sqlstate)  # type: ignore[union-attr]
    finally:
        await db.rollback()
    return ""


def forbidden_to(service: str) -> list[str]:
    """What the role of `service` must not be able to do."""
    own = [statement.replace("{schema}", service) for statement in OWN]
    others = [
        statement.format(schema=history.schema, table=table.name, column=f'"{table.columns[0].name}"')
        for history in HISTORIES
        if history.schema != service
        for table in history.metadata.sorted_tables
        for statement in OTHERS
    ]
    return [*EVERYWHERE, *own, *others]


@pytest.mark.parametrize("service", SERVICES)
async def test_a_service_is_refused_whatever_it_does_not_need(service: str, roles: str, database_url: str) -> None:
    forbidden = [each.replace("{admin}", "postgres") for each in forbidden_to(service)]
    async with connected(url_as(database_url, f"{roles}_{service}")) as db:
        found = {statement: await refusal(db, statement) for statement in forbidden}
    assert len(found) > 150
    assert {statement: state for statement, state in found.items() if state != REFUSED} == {}


async def test_an_administrator_is_refused_none_of_it(roles: str, database_url: str) -> None:
    """So that the statements are refused for who asks, and not for what is wrong with them."""
    assert roles
    async with connected(database_url) as db:
        found = [
            statement
            for service in SERVICES
            for statement in (each.replace("{admin}", "postgres") for each in forbidden_to(service))
            if await refusal(db, statement) == REFUSED
        ]
    assert found == []


@pytest.mark.parametrize("statement", [each for each in EVERYWHERE if "public" not in each])
async def test_the_owner_of_the_schemas_owns_nothing_else(statement: str, roles: str, database_url: str) -> None:
    async with connected(url_as(database_url, f"{roles}_owner")) as db:
        assert await refusal(db, statement.replace("{admin}", "postgres")) == REFUSED


@pytest.mark.parametrize("service", SERVICES)
async def test_a_service_may_work_on_each_of_its_tables(service: str, roles: str, database_url: str) -> None:
    statements = [
        f"{verb} {service}.{table}"
        for table in TABLES[service]
        for verb in ("select from", "delete from", "explain select from", "lock table")
    ]
    async with connected(url_as(database_url, f"{roles}_{service}")) as db:
        assert {each: state for each in statements if (state := await refusal(db, each))} == {}


async def test_what_a_later_migration_creates_is_the_services_at_once(roles: str, database_url: str) -> None:
    async with connected(url_as(database_url, f"{roles}_owner")) as db:
        await db.execute(text("create table digest.later (id bigint generated always as identity, word text)"))
        await db.commit()
    async with connected(url_as(database_url, f"{roles}_digest")) as db:
        await db.execute(text("insert into digest.later (word) values ('a')"))
        await db.execute(text("update digest.later set word = 'b'"))
        assert (await db.execute(text("delete from digest.later returning id, word"))).all() == [(1, "b")]
        await db.commit()
        assert await refusal(db, "truncate digest.later") == REFUSED
    async with connected(url_as(database_url, f"{roles}_notifier")) as db:
        assert await refusal(db, "select * from digest.later") == REFUSED


async def test_sequences_belong_to_identities_so_that_no_right_to_them_is_needed(roles: str, database_url: str) -> None:
    assert roles
    loose = text(
        "select oid::regclass::text from pg_class where relkind = 'S' and not exists "
        "(select from pg_depend where classid = 'pg_class'::regclass and objid = pg_class.oid and deptype = 'i')"
    )
    async with connected(database_url) as db:
        assert (await db.execute(loose)).all() == []
        await db.execute(text("create table digest.odd (id serial)"))
        assert (await db.execute(loose)).all() == [("digest.odd_id_seq",)]


async def test_the_roles_have_what_they_need_and_no_more(roles: str, database_url: str) -> None:
    checked = countersign(environment_of(database_url, roles), "roles", "--check")
    assert (checked.returncode, checked.stdout) == (0, "What the database roles lack or need not have: none.\n")


async def test_a_role_that_lacks_a_right_or_has_too_many_is_told(roles: str, database_url: str) -> None:
    async with connected(database_url) as db:
        for statement in (
            f"revoke update, delete on approval.commitment from {roles}_approval",
            f"revoke usage on schema exporter from {roles}_exporter",
            f"grant usage on schema exporter to {roles}_notifier",
            f"grant truncate on notifier.mail to {roles}_notifier",
            f"grant {roles}_owner to {roles}_digest",
            "drop table notifier.lease",
        ):
            await db.execute(text(statement))
        await db.commit()
    checked = countersign(environment_of(database_url, roles), "roles", "--check", "--json")
    found = [(row["service"], row["finding"], row["right"]) for row in json.loads(checked.stdout)]
    assert checked.returncode == 1
    assert "Run what `countersign roles` prints in the database, as its administrator" in checked.stderr
    assert ("approval", "lacks", "update, delete on approval.commitment") in found
    assert ("exporter", "lacks", "usage on schema exporter") in found
    assert ("notifier", "lacks", "the table notifier.lease") in found
    assert ("notifier", "need not have", "usage on schema exporter") in found
    assert ("notifier", "need not have", "truncate on tables of notifier") in found
    assert ("digest", "need not have", f"is a member of {roles}_owner") in found


async def test_a_superuser_is_told_in_one_line_for_each_service(roles: str, database_url: str) -> None:
    assert roles
    checked = countersign({"DATABASE_URL": database_url}, "roles", "--check", "--json")
    assert [(row["service"], row["right"]) for row in json.loads(checked.stdout)] == [
        (service, "is a superuser") for service in SERVICES
    ]


@pytest.mark.parametrize("command", [("dead-letters", "list"), ("outbox", "list"), ("migrate",)])
async def test_a_command_without_a_right_says_so_in_one_line(
    command: tuple[str, ...], roles: str, database_url: str
) -> None:
    environment = environment_of(database_url, roles)
    wrong = environment["DIGEST_DATABASE_URL"]
    swapped = environment | {"APPROVAL_DATABASE_URL": wrong, "MIGRATION_DATABASE_URL": wrong}
    ended = countersign(swapped, *command)
    assert (ended.returncode, ended.stdout) == (1, "")
    [error] = [line for line in ended.stderr.splitlines() if not line.startswith("Migrating")]
    assert error.startswith("Error: The database role may not do this: permission denied for schema approval. ")
    assert "`countersign roles --check` says which are missing." in error


async def test_a_story_says_which_part_a_role_may_not_read(roles: str, database_url: str) -> None:
    environment = environment_of(database_url, roles)
    swapped = environment | {"APPROVAL_DATABASE_URL": environment["DIGEST_DATABASE_URL"]}
    ended = countersign(swapped, "explain", "SC-1")
    assert ended.returncode == 1
    assert "approval: APPROVAL_URL is not set; The database role may not do this: permission denied" in ended.stderr


@pytest.mark.parametrize(
    "command", [("dead-letters", "list"), ("outbox", "list"), ("outbox", "retry", "digest", "--all")]
)
async def test_commands_work_as_the_roles_of_the_services(
    command: tuple[str, ...], roles: str, database_url: str
) -> None:
    ended = countersign(environment_of(database_url, roles), *command)
    assert ended.returncode == 0, ended.stderr


async def test_more_connections_than_the_limit_are_refused(roles: str, database_url: str) -> None:
    async with AsyncExitStack() as stack:
        for _ in range(4):
            await stack.enter_async_context(connected(url_as(database_url, f"{roles}_owner")))
        with pytest.raises(Exception, match="too many connections for role"):
            await stack.enter_async_context(connected(url_as(database_url, f"{roles}_owner")))


async def test_running_the_sql_again_changes_nothing_and_mends_what_was_changed(roles: str, database_url: str) -> None:
    async with connected(database_url) as db:
        for change in (
            "revoke select on approval.commitment from {}_approval",
            "grant truncate on all tables in schema digest to {}_digest",
            "grant create on schema digest to {}_digest",
        ):
            await db.execute(text(change.format(roles)))
        await db.commit()
    make_roles(database_url, roles)
    assert countersign(environment_of(database_url, roles), "roles", "--check").returncode == 0
    async with connected(url_as(database_url, f"{roles}_digest")) as db:
        assert await refusal(db, "delete from digest.alembic_version") == REFUSED


async def test_a_migration_takes_from_everybody_what_only_it_may_change(roles: str, database_url: str) -> None:
    async with connected(database_url) as db:
        await db.execute(text("grant all on digest.alembic_version to public"))
        await db.commit()
    ended = countersign(environment_of(database_url, roles), "migrate")
    assert ended.returncode == 0, ended.stderr
    async with connected(url_as(database_url, f"{roles}_digest")) as db:
        assert await refusal(db, "delete from digest.alembic_version") == REFUSED
