"""Making the database roles: on an existing database, by an administrator who is no superuser, and where it fails."""

import asyncio
import json
from collections.abc import Iterator

import pytest
from pydantic import SecretStr
from sqlalchemy import text

from services.approval.storage.migrations import MIGRATIONS as APPROVAL
from services.digest.storage.migrations import MIGRATIONS as DIGEST
from services.exporter.storage.migrations import MIGRATIONS as EXPORTER
from services.notifier.storage.migrations import MIGRATIONS as NOTIFIER
from services.pipeline.migrations import migrate
from tests.database_roles import (
    PASSWORD,
    SERVICES,
    connected,
    countersign,
    drop_roles,
    environment_of,
    make_roles,
    psql,
    url_as,
)

HISTORIES = (APPROVAL, EXPORTER, NOTIFIER, DIGEST)


@pytest.fixture
def prefix(postgres: str, unique_suffix: str) -> Iterator[str]:
    """What the roles of this test begin with; they belong to the server, so they outlive its database."""
    yield f"t{unique_suffix}"
    asyncio.run(drop_roles(postgres, f"t{unique_suffix}"))


async def test_an_existing_database_is_handed_over_and_migrates_as_before(prefix: str, database_url: str) -> None:
    for history in HISTORIES:
        await migrate(SecretStr(database_url), history)
    make_roles(database_url, prefix)
    strangers = text(
        "select oid::regclass::text from pg_class where relnamespace = any(:schemas) and relowner <> :owner union all "
        "select proname from pg_proc where pronamespace = any(:schemas) and proowner <> :owner"
    )
    async with connected(database_url) as db:
        schemas = await db.execute(text("select oid from pg_namespace where nspname = any(:n)"), {"n": SERVICES})
        owner = await db.execute(text("select oid from pg_roles where rolname = :n"), {"n": f"{prefix}_owner"})
        given = {"schemas": [row[0] for row in schemas], "owner": owner.scalar_one()}
        assert (await db.execute(strangers, given)).all() == []
    environment = environment_of(database_url, prefix)
    assert json.loads(countersign(environment, "migrate", "--json").stdout)["unchanged"] == list(SERVICES)
    assert countersign(environment, "roles", "--check").returncode == 0


async def test_an_administrator_who_is_no_superuser_can_make_them(prefix: str, database_url: str) -> None:
    """As on servers that others run, where nobody is given a superuser."""
    name = database_url.rpartition("/")[2]
    made = psql(
        database_url,
        f"create role {prefix}_admin login createrole password '{PASSWORD}';\n"
        f"alter database {name} owner to {prefix}_admin;",
    )
    assert made.returncode == 0, made.stderr
    administrator = url_as(database_url, f"{prefix}_admin")
    make_roles(administrator, prefix)
    make_roles(administrator, prefix)
    environment = environment_of(database_url, prefix)
    assert countersign(environment, "migrate").returncode == 0
    make_roles(administrator, prefix)
    checked = countersign(environment, "roles", "--check")
    assert checked.returncode == 0, checked.stdout


@pytest.mark.parametrize("attribute", ["superuser", "createrole", "bypassrls"])
async def test_a_role_that_may_do_too_much_is_refused_with_the_way_to_mend_it(
    attribute: str, prefix: str, database_url: str
) -> None:
    psql(database_url, f"create role {prefix}_exporter {attribute}")
    ran = psql(database_url, countersign({}, "roles", "--prefix", prefix).stdout)
    assert ran.returncode != 0
    assert f"the role {prefix}_exporter may do more than Countersign needs" in ran.stderr
    assert f"alter role {prefix}_exporter nosuperuser" in ran.stderr
    async with connected(database_url) as db:  # nothing is left of what was done before the error
        assert (await db.execute(text("select to_regnamespace('approval')"))).scalar_one() is None
