"""`countersign dead-letters`: look at messages that could not be processed, process them again, or discard them."""

import asyncio
import importlib
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import asdict
from typing import Any

import click

from services.commands.output import SERVICES, as_json_option, limit_option, print_result, print_rows, services_option
from services.pipeline import operations
from services.pipeline.dead_letters import REASONS
from services.pipeline.errors import CountersignError
from services.pipeline.logs import configure_logs
from services.pipeline.redriving import Chosen, DeadLetterDesk, Handled
from services.pipeline.settings import database_url

Command = Callable[..., Any]
Settling = Callable[[DeadLetterDesk, Chosen], Coroutine[Any, Any, None]]


@click.group("dead-letters")
def dead_letters() -> None:
    """Look at messages that could not be processed, process them again, or discard them."""


@dead_letters.command("list")
@services_option
@limit_option
@click.option("--settled", "with_settled", is_flag=True, help="Also those that were redriven or discarded.")
@as_json_option
def list_dead_letters(service: tuple[str, ...], limit: int, *, with_settled: bool, as_json: bool) -> None:
    """List dead letters, newest first, with their place in Kafka and the reason."""
    rows = [
        {"service": name, "place": letter.record.position, "reason": letter.reason, "why": letter.why}
        | ({"settled": letter.settled.how.value if letter.settled else ""} if with_settled else {})
        for name in service or SERVICES
        for letter in asyncio.run(
            operations.newest_dead_letters(database_url(name), name, limit, with_settled=with_settled)
        )
    ]
    print_rows("Dead letters", rows, as_json=as_json)


@dead_letters.command("show")
@click.argument("place")
@click.option(
    "--service",
    type=click.Choice(SERVICES),
    default=None,
    help="The service that has it; by default the first that does.",
)
@as_json_option
def show_dead_letter(place: str, service: str | None, *, as_json: bool) -> None:
    """Show everything about one dead letter; PLACE is as the list prints it: topic/partition/offset."""
    partition, offset = operations.parse_position(place)
    for name in [service] if service else SERVICES:
        found = asyncio.run(operations.find_dead_letter(database_url(name), name, partition, offset))
        if found:
            shown = {"service": name} | operations.described(found)
            print_result(shown, [f"{member}: {value}" for member, value in shown.items()], as_json=as_json)
            return
    raise click.ClickException(f"No dead letter at {place}. `countersign dead-letters list` shows where they are.")


def _choosing(command: Command) -> Command:
    """Add the parameters by which an operator chooses open dead letters of one service."""
    for decorate in (
        as_json_option,
        click.option("--yes", is_flag=True, help="Do not ask before taking all of them."),
        click.option("--all", "is_all", is_flag=True, help="All open ones of the service."),
        click.option("--reason", default=None, type=click.Choice(REASONS), help="All open ones with this reason."),
        click.argument("places", nargs=-1),
        click.argument("service", type=click.Choice(SERVICES)),
    ):
        command = decorate(command)
    return command


@dead_letters.command("redrive")
@_choosing
def redrive(
    service: str, places: tuple[str, ...], reason: str | None, *, is_all: bool, yes: bool, as_json: bool
) -> None:
    """Process open dead letters of SERVICE again, at PLACES, with a --reason, or --all, in the order of their offsets.

    Runs here, on the database of the service and with its settings; the running service sends the events that follow.
    One that fails again stays open with its new reason. Exit status 1 if any does.
    """
    chosen = _chosen(places, reason, is_all=is_all)
    aggregates = importlib.import_module(f"services.{service}.aggregates").load_aggregates()
    _settle(service, chosen, "redrive", lambda desk, each: desk.redrive(aggregates, each), is_sure=yes, as_json=as_json)


@dead_letters.command("discard")
@_choosing
def discard(
    service: str, places: tuple[str, ...], reason: str | None, *, is_all: bool, yes: bool, as_json: bool
) -> None:
    """Settle open dead letters of SERVICE without processing them, at PLACES, with a --reason, or --all."""
    chosen = _chosen(places, reason, is_all=is_all)
    _settle(service, chosen, "discard", lambda desk, each: desk.discard(each), is_sure=yes, as_json=as_json)


def _chosen(places: tuple[str, ...], reason: str | None, *, is_all: bool) -> Chosen:
    if sum((bool(places), reason is not None, is_all)) != 1:
        raise click.UsageError("Say which: places such as commitment.sent/3/1207, or --reason, or --all.")
    return Chosen(tuple(operations.parse_position(place) for place in places), reason)


def _settle(service: str, chosen: Chosen, verb: str, settle: Settling, *, is_sure: bool, as_json: bool) -> None:
    """Run `settle`, and print what became of each letter even if an error ends it."""
    configure_logs("console", service)  # to stderr, since stdout is for the result
    url, handled = database_url(service), list[Handled]()

    async def run() -> None:
        async with operations.dead_letter_desk(url, service, handled.append) as desk:
            if is_sure or chosen.positions or chosen.reason is not None or await _confirmed(desk, verb, service):
                await settle(desk, chosen)

    try:
        asyncio.run(run())
    except CountersignError:
        if handled:
            _print_handled(handled, as_json=as_json)
        raise
    _print_handled(handled, as_json=as_json)
    undone = sum(not each.is_done for each in handled)
    if undone:
        raise click.ClickException(f"{undone} of {len(handled)} dead letters were not settled by this command.")


def _print_handled(handled: Sequence[Handled], *, as_json: bool) -> None:
    shown = [{name: value for name, value in asdict(each).items() if as_json or name != "is_done"} for each in handled]
    print_rows("Dead letters", shown, as_json=as_json)


async def _confirmed(desk: DeadLetterDesk, verb: str, service: str) -> bool:
    """Ask on stderr, since stdout is for the result; False if nothing is open. A no ends the command with status 1."""
    count = await desk.count()
    return count > 0 and click.confirm(f"{verb.capitalize()} all {count} of {service}?", abort=True, err=True)
