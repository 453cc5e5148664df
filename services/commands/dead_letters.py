"""`countersign dead-letters`: look at messages that could not be processed, process them again, or discard them."""

import asyncio
import importlib
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import asdict, replace
from typing import Any

import click

from services.commands.listing import Listing
from services.commands.options import Command, because_option, dry_run_option, filter_of, filter_options, needed
from services.commands.output import (
    MAX_LISTED,
    as_json_option,
    harmless,
    limit_option,
    print_result,
    print_rows,
    services_option,
)
from services.pipeline import operations
from services.pipeline.dead_letters import REASONS, DeadLetter
from services.pipeline.errors import CountersignError
from services.pipeline.logs import configure_logs
from services.pipeline.names import SERVICES
from services.pipeline.redriving import Chosen, DeadLetterDesk, Handled
from services.pipeline.row_filter import ALL_ROWS, RowFilter
from services.pipeline.settings import database_url

letter_filter = filter_options(at="set aside", reasons=REASONS)
Settling = Callable[[DeadLetterDesk, Chosen], Coroutine[Any, Any, None]]


@click.group("dead-letters", cls=Listing)
def dead_letters() -> None:
    """Look at messages that could not be processed, process them again, or discard them."""


@dead_letters.command("list")
@services_option
@limit_option
@letter_filter
@click.option("--settled", "with_settled", is_flag=True, help="Also those that were redriven or discarded.")
@click.option("--totals", "are_totals", is_flag=True, help="Only how many are open, by service and reason.")
@as_json_option
def list_dead_letters(
    service: tuple[str, ...], limit: int, *, with_settled: bool, are_totals: bool, as_json: bool, **given: Any
) -> None:
    """List dead letters, newest first, with their place in Kafka and the reason; how many are open goes to stderr.

    For example: countersign dead-letters list --reason schema --since 2h --why "title"
    """
    chosen = filter_of(given)
    totals = [row for name in service or SERVICES for row in _totals(name, chosen)]
    if are_totals:
        print_rows("Open dead letters", totals, as_json=as_json)
        return
    letters = [(name, each) for name in service or SERVICES for each in _newest(name, limit, chosen, with_settled)]
    print_rows("Dead letters", [_listed(*each, with_settled=with_settled) for each in letters], as_json=as_json)
    for row in totals:
        click.echo(f"{row['service']}: {row['open']} open with the reason {row['reason']}", err=True)


def _totals(service: str, chosen: RowFilter) -> list[dict[str, Any]]:
    counts = asyncio.run(operations.count_dead_letters(database_url(service), service, chosen))
    return [{"service": service, "reason": reason, "open": counts[reason]} for reason in sorted(counts)]


def _newest(service: str, limit: int, chosen: RowFilter, with_settled: bool) -> list[DeadLetter]:  # noqa: FBT001 - passed on
    url = database_url(service)
    return asyncio.run(operations.newest_dead_letters(url, service, limit, chosen, with_settled=with_settled))


def _listed(service: str, letter: DeadLetter, *, with_settled: bool) -> dict[str, Any]:
    row = {"service": service, "place": letter.record.position, "reason": letter.reason, "why": letter.why}
    if not with_settled:
        return row
    settled = letter.settled
    return row | {
        "settled": settled.how.value if settled else "",
        "by": settled.by if settled else "",
        "because": settled.because or "" if settled else "",
    }


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
        click.option("--yes", is_flag=True, help="Do not ask."),
        dry_run_option,
        click.option("--all", "is_all", is_flag=True, help="All open ones of the service."),
        letter_filter,
        click.argument("places", nargs=-1),
        click.argument("service", type=click.Choice(SERVICES)),
    ):
        command = decorate(command)
    return command


@dead_letters.command("redrive")
@_choosing
def redrive(
    service: str, places: tuple[str, ...], *, is_all: bool, is_dry: bool, yes: bool, as_json: bool, **given: Any
) -> None:
    """Process open dead letters of SERVICE again: at PLACES, those that options describe, or --all.

    They are taken in the order of their offsets. Runs here, on the database of the service and with its settings; the
    running service sends the events that follow. One that fails again stays open with its new reason. Exit status 1 if
    any does. For example: countersign dead-letters redrive approval --reason handler_failed --since 2h --dry-run
    """
    chosen = _chosen(places, filter_of(given), is_all=is_all)
    if is_dry:
        _list_chosen(service, chosen, as_json=as_json)
        return
    aggregates = importlib.import_module(f"services.{service}.aggregates").load_aggregates()
    is_sure = yes or not is_all
    _settle(service, chosen, "redrive", lambda desk, each: desk.redrive(aggregates, each), is_sure, as_json=as_json)


@dead_letters.command("discard")
@_choosing
@because_option
def discard(
    service: str,
    places: tuple[str, ...],
    *,
    is_all: bool,
    is_dry: bool,
    because: str | None,
    yes: bool,
    as_json: bool,
    **given: Any,
) -> None:
    """Settle open dead letters of SERVICE without processing them: at PLACES, those that options describe, or --all.

    For example: countersign dead-letters discard approval commitment.sent/3/1207 --because "sent again by the project"
    """
    chosen = _chosen(places, filter_of(given), is_all=is_all)
    if is_dry:
        _list_chosen(service, chosen, as_json=as_json)
        return
    why, is_sure = needed(because), yes or bool(places)
    _settle(service, chosen, "discard", lambda desk, each: desk.discard(each, why), is_sure, as_json=as_json)


def _chosen(places: tuple[str, ...], matching: RowFilter, *, is_all: bool) -> Chosen:
    if sum((bool(places), matching != ALL_ROWS, is_all)) != 1:
        raise click.UsageError(
            "Say which: places such as commitment.sent/3/1207, or options such as --reason, or --all."
        )
    return Chosen(tuple(operations.parse_position(place) for place in places), matching)


def _list_chosen(service: str, chosen: Chosen, *, as_json: bool) -> None:
    """List which letters a command would take, the first MAX_LISTED in their order; some places may have none."""
    missing = list[Handled]()

    async def look() -> tuple[int, list[dict[str, Any]]]:
        async with operations.dead_letter_desk(database_url(service), service, missing.append) as desk:
            first = desk.look(replace(chosen, at_most=MAX_LISTED))
            rows = [_to_be_taken(letter) async for letter in first]  # without their contents
            return (len(rows) if chosen.positions else await desk.count(chosen.matching)), rows

    count, rows = asyncio.run(look())
    print_rows("Dead letters that would be taken", rows, as_json=as_json)
    click.echo(f"Would take {count} dead letters of {service}. Nothing was changed.", err=True)
    if missing:
        raise click.ClickException("; ".join(harmless(f"{each.place}: {each.why}") for each in missing))


def _to_be_taken(letter: DeadLetter) -> dict[str, Any]:
    return {
        "place": letter.record.position,
        "key": operations.readable(letter.record.key) or "",
        "set_aside_at": letter.set_aside_at.isoformat(timespec="seconds") if letter.set_aside_at else "",
        "reason": letter.reason,
        "why": letter.why,
    }


def _settle(service: str, chosen: Chosen, verb: str, settle: Settling, is_sure: bool, *, as_json: bool) -> None:  # noqa: FBT001 - passed on
    """Run `settle`, and print what became of each letter even if an error ends it."""
    configure_logs("console", service)  # to stderr, since stdout is for the result
    url, handled = database_url(service), list[Handled]()

    async def run() -> None:
        async with operations.dead_letter_desk(url, service, handled.append) as desk:
            if is_sure or await _confirmed(desk, verb, service, chosen.matching):
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


async def _confirmed(desk: DeadLetterDesk, verb: str, service: str, matching: RowFilter) -> bool:
    """Ask on stderr, since stdout is for the result; False if nothing is open. A no ends the command with status 1."""
    count, which = await desk.count(matching), "all " if matching == ALL_ROWS else ""
    return count > 0 and click.confirm(f"{verb.capitalize()} {which}{count} of {service}?", abort=True, err=True)
