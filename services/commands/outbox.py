"""`countersign outbox`: look at events that Kafka does not take, send them again, or discard them."""

import asyncio
from dataclasses import asdict
from typing import Any

import click

from services.commands.listing import Listing
from services.commands.options import because_option, dry_run_option, filter_of, filter_options, needed
from services.commands.output import (
    MAX_LISTED,
    as_json_option,
    limit_option,
    print_result,
    print_rows,
    services_option,
)
from services.pipeline import operations
from services.pipeline.counting import counted
from services.pipeline.names import SERVICES
from services.pipeline.parked_events import ChosenEvents
from services.pipeline.row_filter import ALL_ROWS
from services.pipeline.settings import database_url

parked_filter = filter_options(at="written")
service_argument = click.argument("service", type=click.Choice(SERVICES))
ids_argument = click.argument("ids", nargs=-1, type=click.IntRange(min=1, max=2**63 - 1))
all_option = click.option("--all", "is_all", is_flag=True, help="All parked events of the service.")


@click.group("outbox", cls=Listing)
def outbox() -> None:
    """Look at events that Kafka does not take, send them again, or discard them."""


@outbox.command("list")
@services_option
@limit_option
@parked_filter
@click.option("--discarded", "are_discarded", is_flag=True, help="Those that were discarded instead, newest first.")
@as_json_option
def list_parked(service: tuple[str, ...], limit: int, *, are_discarded: bool, as_json: bool, **chosen: Any) -> None:
    """List events that are parked, oldest first, with Kafka's reason and when they are tried again.

    For example: countersign outbox list --service approval --why "too large"
    """
    wanted = ChosenEvents(matching=filter_of(chosen))
    find = _discarded if are_discarded else _parked
    rows = [row for name in service or SERVICES for row in asyncio.run(find(name, wanted, limit))]
    print_rows("Discarded events" if are_discarded else "Parked events", rows, as_json=as_json)


@outbox.command("retry")
@service_argument
@ids_argument
@parked_filter
@all_option
@dry_run_option
@as_json_option
def retry(service: str, ids: tuple[int, ...], *, is_all: bool, is_dry: bool, as_json: bool, **chosen: Any) -> None:
    """Let the relay of SERVICE send parked events again: those with IDS, those that options describe, or --all.

    Remove the cause first, such as a limit of the topic. For example:
    countersign outbox retry approval --topic decision.accepted
    """
    wanted = _chosen(ids, chosen, is_all=is_all)
    if is_dry:
        _list_chosen(service, wanted, as_json=as_json)
        return
    count = asyncio.run(_retry(service, wanted))
    _report(count, "To be sent again", ids, as_json=as_json)


@outbox.command("discard")
@service_argument
@ids_argument
@parked_filter
@all_option
@dry_run_option
@because_option
@click.option("--yes", is_flag=True, help="Do not ask.")
@as_json_option
def discard(
    service: str,
    ids: tuple[int, ...],
    *,
    is_all: bool,
    is_dry: bool,
    because: str | None,
    yes: bool,
    as_json: bool,
    **chosen: Any,
) -> None:
    """Never publish parked events of SERVICE: those with IDS, those that options describe, or --all.

    Nobody who waits for them will ever get them. They are kept with who discarded them, when and why
    (KEEP_DEAD_LETTERS_DAYS). For example: countersign outbox discard approval 4711 --because "sent by hand, case 88"
    """
    wanted = _chosen(ids, chosen, is_all=is_all)
    if is_dry:
        _list_chosen(service, wanted, as_json=as_json)
        return
    why = needed(because)
    if not yes and (count := asyncio.run(_count(service, wanted))):
        click.confirm(
            f"Discard {counted(count, 'event')} of {service} that were never published?", abort=True, err=True
        )
    _report(asyncio.run(_discard(service, wanted, why)), "Discarded", ids, as_json=as_json)


def _chosen(ids: tuple[int, ...], given: dict[str, Any], *, is_all: bool) -> ChosenEvents:
    matching = filter_of(given)
    if sum((bool(ids), matching != ALL_ROWS, is_all)) != 1:
        raise click.UsageError(
            "Say which: ids as `countersign outbox list` prints them, or options such as --topic, or --all."
        )
    return ChosenEvents(ids, matching)


def _list_chosen(service: str, chosen: ChosenEvents, *, as_json: bool) -> None:
    """List what a command would take; some of the ids may not be parked."""
    count, rows = asyncio.run(_count(service, chosen)), asyncio.run(_parked(service, chosen, MAX_LISTED))
    print_rows("Parked events that would be taken", rows, as_json=as_json)
    click.echo(f"Would take {counted(count, 'event')} of {service}. Nothing was changed.", err=True)
    _require_all(chosen.ids, count)


async def _parked(service: str, chosen: ChosenEvents, limit: int) -> list[dict[str, Any]]:
    async with operations.parked_event_desk(database_url(service), service) as (db, events):
        return [_row(service, each) for each in await events.oldest(db, limit, chosen)]


async def _discarded(service: str, chosen: ChosenEvents, limit: int) -> list[dict[str, Any]]:
    async with operations.parked_event_desk(database_url(service), service) as (db, events):
        return [_row(service, each) for each in await events.discarded(db, limit, chosen.matching)]


async def _count(service: str, chosen: ChosenEvents) -> int:
    async with operations.parked_event_desk(database_url(service), service) as (db, events):
        return await events.count(db, chosen)


async def _retry(service: str, chosen: ChosenEvents) -> int:
    async with operations.parked_event_desk(database_url(service), service) as (db, events):
        return await events.retry(db, chosen)


async def _discard(service: str, chosen: ChosenEvents, because: str) -> int:
    async with operations.parked_event_desk(database_url(service), service) as (db, events):
        return await events.discard(db, chosen, operations.operating_user(), because)


def _row(service: str, row: Any) -> dict[str, Any]:
    return {"service": service} | {member: "" if value is None else value for member, value in asdict(row).items()}


def _report(count: int, became: str, ids: tuple[int, ...], *, as_json: bool) -> None:
    print_result({"events": count}, [f"{became}: {count}."], as_json=as_json)
    _require_all(ids, count)


def _require_all(ids: Any, count: int) -> None:
    if count < len(set(ids)):
        raise click.ClickException(f"{len(set(ids)) - count} of the ids are not parked.")
