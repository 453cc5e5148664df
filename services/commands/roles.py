"""`countersign roles`: a database role for each service with the least rights, as SQL, and a check of those in use."""

import asyncio
import importlib
import json
import re
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import click

from services.commands.output import as_json_option, print_rows, services_option
from services.pipeline import operations
from services.pipeline.counting import counted
from services.pipeline.database_roles import owner_role, role_statements, running_role
from services.pipeline.names import SERVICES
from services.pipeline.settings import database_url

_PREFIX = re.compile(r"[a-z][a-z0-9_]{0,39}", re.ASCII)


def _plain_prefix(_: click.Context, __: click.Parameter, prefix: str) -> str:
    if not _PREFIX.fullmatch(prefix) or prefix.startswith("pg_"):
        raise click.BadParameter(
            "it needs to be a letter, then up to 39 letters, digits and underscores, all of them lower case, "
            "and may not begin with pg_."
        )
    return prefix


@click.command("roles")
@services_option
@click.option(
    "--prefix",
    default="countersign",
    show_default=True,
    callback=_plain_prefix,
    help="What the roles' names begin with: PREFIX_owner, PREFIX_approval and so on.",
)
@click.option(
    "--processes",
    default=2,
    show_default=True,
    type=click.IntRange(1, 100),
    help="For how many processes of each service there are connections; count those that an update adds.",
)
@click.option(
    "--check", "is_check", is_flag=True, help="Print nothing to run, but what the roles in use lack or need not have."
)
@as_json_option
def roles(service: tuple[str, ...], prefix: str, processes: int, *, is_check: bool, as_json: bool) -> None:
    """Print SQL that gives each service a database role with the least rights, and one role that owns the schemas.

    An administrator of the database runs it before the first migration, or on an existing database; it is safe to
    repeat. It holds no password. `countersign migrate` then runs as PREFIX_owner, everything else as PREFIX_SERVICE.

    With --check, asks each service's database, as the role in DATABASE_URL or the service's own variable. Exit status
    1 if a role lacks something, or may do more than it needs to.
    """
    chosen = [name for name in SERVICES if not service or name in service]
    if is_check:
        _check(chosen, as_json=as_json)
        return
    wanted = [running_role(prefix, name, _pool_size(name), processes) for name in chosen]
    owner, sql = owner_role(prefix), role_statements(owner_role(prefix), wanted)
    connections = sum(each.connections for each in wanted)
    result = {"owner": owner, "roles": [asdict(each) for each in wanted], "connections": connections, "sql": sql}
    click.echo(json.dumps(result) if as_json else sql)
    click.echo(
        f"Give a password to {', '.join([owner, *(each.name for each in wanted)])} afterwards. The services may open "
        f"{connections} connections together; max_connections of the server has to be larger.",
        err=True,
    )


def _pool_size(service: str) -> int:
    settings: Any = importlib.import_module(f"services.{service}.settings")
    return int(getattr(settings, f"{service.capitalize()}Settings").pool_size)


def _check(services: Sequence[str], *, as_json: bool) -> None:
    """Print a row for each thing that a role lacks or has beyond its needs; status 1 if there is any."""
    rows = [row for service in services for row in _findings(service)]
    print_rows("What the database roles lack or need not have", rows, as_json=as_json)
    if rows:
        raise click.ClickException(
            f"{counted(len(rows), 'finding')}. Run what `countersign roles` prints in the database, as its "
            "administrator, and let each service sign in as its own role."
        )


def _findings(service: str) -> list[dict[str, str]]:
    tables = importlib.import_module(f"services.{service}.storage.migrations").MIGRATIONS.metadata.sorted_tables
    found = asyncio.run(operations.rights_in_use(database_url(service), tables))
    given = [("lacks", words) for words in found.lacks] + [("need not have", words) for words in found.surplus]
    return [{"service": service, "role": found.role, "finding": kind, "right": words} for kind, words in given]
