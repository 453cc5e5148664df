"""Makes the database roles as an administrator does: what `countersign roles` prints, in psql, then passwords."""

import os
import subprocess
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

from click.testing import CliRunner
from sqlalchemy import NullPool, make_url, text
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine

from sandbox.servers.postgres import programs
from services.command import main

SERVICES = ("approval", "exporter", "notifier", "digest")
ROLES = (*SERVICES, "owner")
PASSWORD = "a-password-for-tests"


def countersign(environment: Mapping[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the command with nothing but `environment`."""
    given = {name: os.environ[name] for name in ("PATH", "PYTHONPATH") if name in os.environ} | dict(environment)
    command = [sys.executable, "-m", "services.command", *arguments]
    return subprocess.run(command, env=given, capture_output=True, text=True, check=False, timeout=120)


def psql(url: str, sql: str) -> subprocess.CompletedProcess[str]:
    """Run `sql` as docs/operations.md says: in one transaction, up to the first error."""
    address = make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
    command = [programs(None) / "psql", "--no-psqlrc", "--set", "ON_ERROR_STOP=1", "--single-transaction", address]
    return subprocess.run(command, input=sql, capture_output=True, text=True, check=False, timeout=60)


def make_roles(url: str, prefix: str) -> None:
    """Make the roles in the database at `url`, and give each the tests' password."""
    printed = CliRunner().invoke(main, ["roles", "--prefix", prefix])
    assert printed.exit_code == 0, printed.stderr
    passwords = "".join(f"alter role {prefix}_{role} password '{PASSWORD}';\n" for role in ROLES)
    ran = psql(url, printed.stdout + passwords)
    assert ran.returncode == 0, ran.stderr


def url_as(url: str, role: str) -> str:
    """The address of the same database for `role`."""
    return make_url(url).set(username=role, password=PASSWORD).render_as_string(hide_password=False)


def environment_of(url: str, prefix: str) -> dict[str, str]:
    """The variables by which each service, and `migrate`, runs as its own role."""
    own = {f"{service.upper()}_DATABASE_URL": url_as(url, f"{prefix}_{service}") for service in SERVICES}
    return own | {"MIGRATION_DATABASE_URL": url_as(url, f"{prefix}_owner")}


async def drop_roles(server_url: str, prefix: str) -> None:
    """Drop the roles, once no database depends on them any more."""
    engine = create_async_engine(server_url, poolclass=NullPool)
    async with engine.begin() as db:
        for role in (*ROLES, "admin"):
            await db.execute(text(f"drop role if exists {prefix}_{role}"))
    await engine.dispose()


@asynccontextmanager
async def connected(url: str) -> AsyncIterator[AsyncConnection]:
    """Open a connection of its own, and close it."""
    engine = create_async_engine(url, poolclass=NullPool)
    try:
        async with engine.connect() as connection:
            yield connection
    finally:
        await engine.dispose()
