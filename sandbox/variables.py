"""What another terminal needs to run commands next to the demo."""

import shlex
import sys
import tomllib
from collections.abc import Mapping
from pathlib import Path

import click

from sandbox.configuration import KEPT_OUT
from sandbox.world import World
from services.pipeline.names import SERVICES

COMMAND_VARIABLES = (
    "KAFKA_BOOTSTRAP_SERVERS",
    "DATABASE_URL",
    "PUBLIC_URL",
    "LINK_SECRET",
    "ERP_CONNECTIONS",
    "OPERATIONS_TOKEN",
    *(f"{service.upper()}_URL" for service in SERVICES),
    "SMTP_URL",
    "MAIL_FROM",
    "OIDC_ISSUER",
    "OIDC_CLIENT_ID",
    "OIDC_CLIENT_SECRET",
    "OIDC_AUDIENCE",
)
VARIABLES = "variables.sh"
"""The file that a shell reads to run commands next to the demo."""


def write_variables(world: World, folder: Path) -> None:
    """Write the variables to a file in `folder`, and print how a shell reads it."""
    path = folder / VARIABLES
    lines = export_lines(world.environment, world.own_erp.secrets if world.own_erp else None)
    path.touch(mode=0o600)
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    click.echo("For the countersign command in another terminal, run there:")
    click.echo(f"  . {shlex.quote(str(path))}")
    for line in lines:
        if line.startswith("#"):
            click.echo(line)


def export_lines(environment: Mapping[str, str], erp_secrets: Mapping[str, str] | None) -> list[str]:
    """What a shell needs for commands next to the demo; `erp_secrets` is None with a file of connections of one's own.

    What the shell has of other servers is unset, so that no command reaches these. The values of the variables to which
    such a file refers are not among it: whoever started the demo has them.
    """
    given = command_environment(environment, erp_secrets or {})
    path = f'export PATH={shlex.quote(str(Path(sys.executable).parent))}:"$PATH"'
    unset = f"unset {' '.join(name for name in KEPT_OUT if name not in given)}"
    lines = [path, unset, *(f"export {name}={shlex.quote(value)}" for name, value in given.items())]
    named = variables_of(Path(environment["ERP_CONNECTIONS"])) if erp_secrets is None else []
    return [*lines, *(f"# {name}: as for the demo, since the file ERP_CONNECTIONS refers to it" for name in named)]


def command_environment(environment: Mapping[str, str], erp_secrets: Mapping[str, str]) -> dict[str, str]:
    """Return the variables that commands need next to the demo, in a form that other programs understand too.

    `erp_secrets` are those to which the demo's connection refers; they last as long as the demo.
    """
    given = {name: environment[name] for name in COMMAND_VARIABLES} | dict(erp_secrets)
    return given | {"DATABASE_URL": given["DATABASE_URL"].replace("postgresql+asyncpg://", "postgresql://", 1)}


def variables_of(connections: Path) -> list[str]:
    """The variables to which a file of connections refers, such as `token_env`."""
    tables = tomllib.loads(connections.read_text(encoding="utf-8")).get("connection", [])
    return sorted({str(value) for table in tables for name, value in table.items() if name.endswith("_env")})
