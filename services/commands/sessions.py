"""`countersign sessions`: look who is signed in at the desk, and end sessions of a person or of everybody."""

import asyncio
import importlib
from dataclasses import asdict
from datetime import datetime
from typing import Any

import click

from services.commands.listing import Listing
from services.commands.options import because_option, needed
from services.commands.output import MAX_LISTED, as_json_option, print_result, print_rows
from services.pipeline import operations
from services.pipeline.settings import database_url

limit_option = click.option(
    "--limit", default=100, show_default=True, type=click.IntRange(1, MAX_LISTED), help="At most this many."
)
_NONE = " Was it another id? `countersign sessions list` shows who is signed in."
person_argument = click.argument("person", required=False, metavar="[PERSON_ID]")


@click.group("sessions", cls=Listing)
def sessions() -> None:
    """Look who is signed in at the desk, and end sessions of a person or of everybody."""


@sessions.command("list")
@person_argument
@limit_option
@as_json_option
def list_sessions(person: str | None, limit: int, *, as_json: bool) -> None:
    """List the sessions of a person, or of everybody, the last used first; nobody can sign in with what is printed.

    One that was not used for SESSION_IDLE_MINUTES is over before it expires, and is listed until then.

    For example: countersign sessions list person-5
    """
    print_rows("Sessions", asyncio.run(_rows("open_sessions", person, limit)), as_json=as_json)


@sessions.command("history")
@person_argument
@limit_option
@as_json_option
def list_ended(person: str | None, limit: int, *, as_json: bool) -> None:
    """List which sessions operators have ended: whose, when, by whom and why; newest first."""
    print_rows("Ended sessions", asyncio.run(_rows("ended_sessions", person, limit)), as_json=as_json)


@sessions.command("end")
@person_argument
@click.option("--session", metavar="SESSION", help="Only this one, as `countersign sessions list` prints it.")
@click.option("--everybody", "is_everybody", is_flag=True, help="The sessions of all people.")
@because_option
@click.option("--yes", is_flag=True, help="Do not ask.")
@as_json_option
def end(
    person: str | None, *, session: str | None, is_everybody: bool, because: str | None, yes: bool, as_json: bool
) -> None:
    """End the sessions of a person, or of everybody; the next request of such a browser has to sign in again.

    Whoever must not come back loses the account at the sign-in provider, and the record in the directory, first. For
    example: countersign sessions end person-5 --because "laptop stolen, case 88"
    """
    if (person is None) != is_everybody or (session and is_everybody):
        raise click.UsageError("Say whose: the id of a person, with --session for one of theirs, or --everybody.")
    why = needed(because)
    if is_everybody and not yes:
        click.confirm("End the sessions of everybody?", abort=True, err=True)
    count = asyncio.run(_end(person, session, why))
    print_result({"sessions": count}, [f"Ended: {count}.{'' if count else _NONE}"], as_json=as_json)
    if session and not count:
        raise click.ClickException(f"{person} has no session {session}.")


async def _rows(listing: str, person: str | None, limit: int) -> list[dict[str, Any]]:
    async with operations.open_database(database_url("approval")) as database, database.begin() as db:
        rows = await getattr(_storage(), listing)(db, person, limit)
    return [{member: _shown(value) for member, value in asdict(row).items()} for row in rows]


def _shown(value: object) -> object:
    if isinstance(value, datetime):
        return value.isoformat(timespec="seconds")
    return "" if value is None else value


async def _end(person: str | None, session: str | None, why: str) -> int:
    by = operations.operating_user()
    async with operations.open_database(database_url("approval")) as database, database.begin() as db:
        return int(await _storage().end_sessions(db, person, session, ended_by=by, because=why))


def _storage() -> Any:
    """Return approval's storage, which takes a while to import: the other commands need nothing of it."""
    return importlib.import_module("services.approval.storage.ending_sessions")
