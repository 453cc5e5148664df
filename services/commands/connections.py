"""`countersign connections`: look at the configured ERPs, check each, and compare their documents now."""

import asyncio
import importlib
import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import click

from services.commands.listing import Listing
from services.commands.output import as_json_option, harmless, print_result, print_rows
from services.pipeline import operations
from services.pipeline.counting import counted
from services.pipeline.logs import configure_logs
from services.pipeline.settings import database_url

file_option = click.option(
    "--file",
    "path",
    envvar="ERP_CONNECTIONS",
    show_envvar=True,
    required=True,
    type=click.Path(path_type=Path, dir_okay=False),
    help="The TOML file with the connections.",
)


@click.group("connections", cls=Listing)
def connections() -> None:
    """Look at the configured ERPs, and check each before its first export."""


@connections.command("list")
@file_option
@as_json_option
def list_connections(path: Path, *, as_json: bool) -> None:
    """List the connections in their order: of those that take a commitment, the first one gets it."""
    rows = [_listed(place, each) for place, each in enumerate(_read(path), start=1)]
    if not as_json:
        rows = [{name: _in_words(value) for name, value in row.items()} for row in rows]
    print_rows("ERP connections", rows, as_json=as_json)


@connections.command("check")
@click.argument("names", nargs=-1)
@file_option
@as_json_option
def check_connections(names: tuple[str, ...], path: Path, *, as_json: bool) -> None:
    """Sign in to each ERP, or only those with NAMES, and search for nothing; nothing is written.

    Exit status 1 if a connection cannot be used, or if there is none.
    """
    configure_logs("console", "connections")  # to stderr, since stdout is for the result
    chosen = _chosen(_read(path), names)
    if not chosen:
        raise click.ClickException(
            f"{path} has no connection, so nothing can be exported. Add a table [[connection]] for each ERP; "
            "docs/operations.md lists its members."
        )
    click.echo(f"Checking {counted(len(chosen), 'connection')}", err=True)
    checking = importlib.import_module("services.exporter.checking")
    found = asyncio.run(checking.check_connections(path, chosen, os.environ, _report))
    print_rows("Checks", [row for each in found for row in _checked(each)], as_json=as_json)
    broken = [each.settings.name for each in found if each.problems]
    if broken:
        raise click.ClickException(f"{len(broken)} of {len(found)} connections cannot be used: {', '.join(broken)}.")


@connections.command("compare")
@click.argument("name")
@file_option
@as_json_option
def compare_documents(name: str, path: Path, *, as_json: bool) -> None:
    """Have all documents of the connection NAME compared with what was exported now, instead of next night.

    The running exporter does it, and the desk lists what differs: for example once an ERP was restored from a backup.
    """
    (chosen,) = _chosen(_read(path), [name])
    if not chosen.compares_documents:
        raise click.ClickException(f"Documents of {name} are never compared: its compares_documents is false.")
    comparing = importlib.import_module("services.exporter.comparing")
    with operations.database_errors_explained():
        documents = asyncio.run(comparing.compare_now(database_url("exporter"), chosen.names))
    lines = (
        f"{counted(documents, 'document')} of {name} will be compared now.",
        "The exporter begins within a minute; the desk then lists what differs.",
    )
    print_result({"connection": name, "documents": documents}, [" ".join(lines)], as_json=as_json)


@connections.command("password")
@click.option("--prompt", is_flag=True, help="Hash a password that you type, instead of making one.")
@click.option(
    "--token-file",
    "path",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Put the hash into this new file, which only you can read, instead of printing it.",
)
@as_json_option
def make_password(path: Path | None, *, prompt: bool, as_json: bool) -> None:
    """Make the password with which an ERP's client signs in to the exporter, such as QuickBooks Web Connector.

    It is printed this once. The hash belongs where token_env or token_file of the connection points.
    """
    passwords = importlib.import_module("services.exporter.connectors.client_password")
    chosen = _asked_for(passwords) if prompt else None
    password = passwords.new_password() if chosen is None else chosen
    result = {} if chosen is not None else {"password": password}
    result |= {"hash": passwords.hashed(password)} if path is None else {"token_file": str(path)}
    if path is not None:
        _put_into_new_file(path, passwords.hashed(password))
    click.echo(
        "The password goes to whoever sets up the client, and is not shown again. The hash is for the exporter, best "
        "in a file that token_file names. In a variable, put it into single quotes, because it has dollar signs.",
        err=True,
    )
    print_result(result, [f"{name}: {value}" for name, value in result.items()], as_json=as_json)


@connections.command("qwc")
@click.argument("name")
@click.option(
    "--url",
    envvar="WEB_CONNECTOR_URL",
    show_envvar=True,
    required=True,
    help="The address at which QuickBooks Web Connector reaches the exporter: https://HOST/quickbooks.",
)
@file_option
def print_qwc(name: str, url: str, path: Path) -> None:
    """Print the .qwc file of the connection NAME, which QuickBooks Web Connector asks for; it has no secret in it."""
    (chosen,) = _chosen(_read(path), [name])
    pull = importlib.import_module("services.exporter.connectors.pull")
    if not isinstance(chosen, pull.PullSettings):
        raise click.ClickException(
            f"The connection {name} is of kind {chosen.kind}: we call its ERP, so there is no .qwc file for it."
        )
    click.echo(importlib.import_module("services.exporter.web_connector.qwc").qwc(chosen, url).decode(), nl=False)


@connections.command("schema")
def print_schema() -> None:
    """Print the JSON Schema of the file of connections, for all installed connectors."""
    module = importlib.import_module("services.exporter.connections_schema")
    click.echo(module.written(module.schema()).decode(), nl=False)


def _asked_for(passwords: Any) -> str:
    """The password that somebody types, twice."""
    password: str = click.prompt("Password", hide_input=True, confirmation_prompt=True, err=True)
    least, most = passwords.MIN_PASSWORD_CHARACTERS, passwords.MAX_PASSWORD_CHARACTERS
    if not least <= len(password) <= most:
        raise click.ClickException(f"A password must have {least} to {most} characters.")
    return password


def _put_into_new_file(path: Path, text: str) -> None:
    try:
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
            file.write(f"{text}\n")
    except FileExistsError as error:
        raise click.ClickException(f"{path} exists. To replace a hash, remove its file first.") from error
    except OSError as error:
        raise click.ClickException(f"The file {path} cannot be made: {error.strerror}.") from error


def _read(path: Path) -> Sequence[Any]:
    read: Sequence[Any] = importlib.import_module("services.exporter.connections_file").read_settings(path)
    return read


def _listed(place: int, settings: Any) -> dict[str, Any]:
    members = settings.model_dump(mode="json", exclude_defaults=True)
    conditions = {name: members[name] for name in ("projects", "currencies", "kinds") if name in members}
    return {
        "place": place,
        "name": settings.name,
        "kind": settings.kind,
        "title": settings.title,
        "formerly": members.get("formerly", []),
        "companies": members["companies"],
        "conditions": conditions,
        "limits": members.get("limits", {}),
    }


def _in_words(value: Any) -> Any:
    """A member of a row as people read it."""
    if isinstance(value, dict):
        return "; ".join(f"{name}: {_in_words(member)}" for name, member in value.items())
    if isinstance(value, bool):
        return "yes" if value else "no"
    return ", ".join(map(str, value)) if isinstance(value, list) else value


def _chosen(settings: Sequence[Any], names: Iterable[str]) -> Sequence[Any]:
    wanted = set(names)
    if unknown := wanted - {each.name for each in settings}:
        raise click.UsageError(f"No connection is named {', '.join(sorted(unknown))}.")
    return [each for each in settings if not wanted or each.name in wanted]


def _report(found: Any) -> None:
    fine = "only its settings could be checked" if found.note else "fine"
    result = counted(len(found.problems), "problem") if found.problems else fine
    click.echo(harmless(f"{found.settings.name}: {result}"), err=True)


def _checked(found: Any) -> list[dict[str, Any]]:
    name = found.settings.name
    rows = [{"connection": name, "checked": each.what, "result": each.problem or "OK"} for each in found.checks]
    more = {"formerly": ", ".join(found.settings.formerly), "further": found.note}
    return [*rows, *({"connection": name, "checked": what, "result": text} for what, text in more.items() if text)]
