"""`countersign offsets`: look where services continue to read, and decide an “offset out of range”."""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import click

from services.commands.lag import topics_read_by
from services.commands.listing import Listing
from services.commands.options import because_option, dry_run_option, needed
from services.commands.output import as_json_option, limit_option, print_result, print_rows
from services.pipeline import operations
from services.pipeline.behind import Place, Seen, place_of, unread
from services.pipeline.broker.inquiry import Inquiry
from services.pipeline.counting import counted
from services.pipeline.moving_offsets import BEGINNING, END, Move, OffsetDesk, Target, is_needed, plan_move
from services.pipeline.names import SERVICES
from services.pipeline.records import Partition
from services.pipeline.seeing import KEPT_BY_KAFKA, see
from services.pipeline.settings import KafkaSettings, database_url, load

_KAFKAS_OWN = (
    "The digest keeps its offsets in Kafka, and begins at the oldest message where they are lost. To move them, stop "
    "all its processes and run kafka-consumer-groups.sh --reset-offsets --group countersign.digest."
)


@click.group("offsets", cls=Listing)
def offsets() -> None:
    """Look where services continue to read, and decide an “offset out of range”."""


@offsets.command("list")
@click.argument("service", nargs=-1, type=click.Choice(SERVICES))
@click.option("--out-of-range", "are_out", is_flag=True, help="Only those that the broker does not have any more.")
@as_json_option
def list_offsets(service: tuple[str, ...], *, are_out: bool, as_json: bool) -> None:
    """List the saved offsets of each SERVICE, or of all, with the oldest and the next offset of each partition.

    For example: countersign offsets list approval --out-of-range
    """
    inquiry = Inquiry(load(KafkaSettings))
    seen = [asyncio.run(_see(inquiry, name)) for name in service or SERVICES]
    rows = [
        _row(each, partition)
        for each in seen
        for partition in each.partitions
        if not are_out or _is_out(each, partition)
    ]
    shown = rows if as_json else [{name: "" if each is None else each for name, each in row.items()} for row in rows]
    print_rows("Offsets", shown, as_json=as_json)


@offsets.command("history")
@click.argument("service", nargs=-1, type=click.Choice([each for each in SERVICES if each not in KEPT_BY_KAFKA]))
@limit_option
@as_json_option
def list_changes(service: tuple[str, ...], limit: int, *, as_json: bool) -> None:
    """List which offsets were set: by whom, when, why, and how many messages were skipped; newest first."""
    names = service or tuple(each for each in SERVICES if each not in KEPT_BY_KAFKA)
    rows = [row for name in names for row in asyncio.run(_changes(name, limit))]
    print_rows("Changed offsets", rows, as_json=as_json)


@offsets.command("set")
@click.argument("service", type=click.Choice(SERVICES))
@click.argument("places", nargs=-1, metavar="[TOPIC/PARTITION | TOPIC]...")
@click.option("--out-of-range", "are_out", is_flag=True, help="All partitions whose offset the broker does not have.")
@click.option("--to", "to", required=True, metavar="beginning|end|OFFSET", help="Where the service is to continue.")
@because_option
@click.option("--skipping", type=click.IntRange(min=1), help="Consent that up to so many messages are never read.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@dry_run_option
@as_json_option
def set_offsets(
    service: str,
    places: tuple[str, ...],
    *,
    are_out: bool,
    to: str,
    because: str | None,
    skipping: int | None,
    yes: bool,
    is_dry: bool,
    as_json: bool,
) -> None:
    """Let SERVICE continue to read PLACES elsewhere, after saying what is then read again, skipped, or lost.

    A topic without a partition means all of its partitions. Repeats do no harm; skipped messages are never read, so
    they need --skipping. Running processes of the service continue there within 5 s. For example:
    countersign offsets set approval commitment.sent/7 --to beginning --because "restored from Tuesday's backup"
    """
    if service in KEPT_BY_KAFKA:
        raise click.ClickException(_KAFKAS_OWN)
    if bool(places) == are_out:
        raise click.UsageError("Say which: places such as commitment.sent/7 or commitment.sent, or --out-of-range.")
    planned = _planned(service, places, _target(to))
    if not as_json:
        print_rows("What it means", [_in_words(each) for each in planned], as_json=False)
    is_set = bool(planned) and not is_dry and _is_wanted(service, planned, because, skipping, is_sure=yes)
    if is_set:
        asyncio.run(_apply(service, [each.move for each in planned], needed(because)))
    _print_set(service, planned, is_set=is_set, as_json=as_json)


@dataclass(frozen=True, slots=True)
class Planned:
    """A move with the times of the first and the last message that is read again or skipped, where they are known."""

    move: Move
    since: datetime | None
    until: datetime | None


def _target(to: str) -> Target:
    if to in {BEGINNING, END}:
        return to
    if not (to.isascii() and to.isdecimal() and len(to) <= 18):  # noqa: PLR2004 - what Kafka and PostgreSQL can hold
        raise click.UsageError(f"--to is {BEGINNING}, {END}, or an offset; not {to!r}.")
    return int(to)


def _planned(service: str, places: Sequence[str], to: Target) -> list[Planned]:
    """Return the moves that change something; without places, those of all partitions that are out of range."""
    inquiry = Inquiry(load(KafkaSettings))
    seen = asyncio.run(_see(inquiry, service))
    chosen = _chosen(seen, places) if places else [each for each in seen.partitions if _is_out(seen, each)]
    moves = [plan_move(each, seen.saved.get(each), seen.spans.get(each), to) for each in chosen]
    return _with_times(inquiry, [each for each in moves if is_needed(each)])


def _chosen(seen: Seen, places: Iterable[str]) -> list[Partition]:
    chosen: dict[Partition, None] = {}
    for place in places:
        topic, _, number = place.partition("/")
        found = [each for each in seen.partitions if each.topic == topic and number in {"", str(each.number)}]
        if not found or place.endswith("/"):
            topics = ", ".join(sorted({each.topic for each in seen.partitions}))
            raise click.ClickException(f"{seen.service} reads no partition {place!r}. Its topics: {topics}.")
        chosen.update(dict.fromkeys(found))
    return list(chosen)


def _with_times(inquiry: Inquiry, moves: Sequence[Move]) -> list[Planned]:
    touched = [each for each in moves if each.again or each.skipped]
    since = inquiry.times({each.partition: each.first for each in touched})
    until = inquiry.times({each.partition: each.first + each.again + each.skipped - 1 for each in touched})
    return [Planned(each, since.get(each.partition), until.get(each.partition)) for each in moves]


def _is_wanted(
    service: str, planned: Sequence[Planned], because: str | None, skipping: int | None, *, is_sure: bool
) -> bool:
    """Whether somebody has said why, has consented to what is skipped, and is sure."""
    needed(because)
    skipped = sum(each.move.skipped for each in planned)
    if skipped > (skipping or 0):
        raise click.ClickException(
            f"This skips up to {counted(skipped, 'message')}, which {service} will never read. Nothing was changed. "
            f"If that is meant, add --skipping {skipped}."
        )
    return is_sure or click.confirm(f"Set {counted(len(planned), 'offset')} of {service}?", abort=True, err=True)


def _print_set(service: str, planned: Sequence[Planned], *, is_set: bool, as_json: bool) -> None:
    offsets = counted(len(planned), "offset")
    if not planned:
        words = f"Nothing to do: {service} is there already, or nothing is out of range."
    elif is_set:
        words = f"Set {offsets}. Running processes of {service} continue there within 5 s; others when they start."
    else:
        words = f"Would set {offsets}. Nothing was changed."
    if as_json:
        print_result({"service": service, "set": is_set, "partitions": list(map(_plain, planned))}, (), as_json=True)
    click.echo(words, err=True)


async def _see(inquiry: Inquiry, service: str) -> Seen:
    url = None if service in KEPT_BY_KAFKA else database_url(service)
    return await see(inquiry, inquiry.cluster(), service, topics_read_by(service), url)


async def _changes(service: str, limit: int) -> list[dict[str, Any]]:
    async with operations.open_database(database_url(service)) as database, database.begin() as db:
        changes = await OffsetDesk(operations.kernel_of(service)).changes(db, limit)
    return [
        {
            "service": service,
            "partition": f"{each.partition.topic}/{each.partition.number}",
            "from": each.old,
            "to": each.new,
        }
        | {"skipped": each.skipped, "at": each.at.isoformat(timespec="seconds"), "by": each.by, "reason": each.reason}
        for each in changes
    ]


async def _apply(service: str, moves: Sequence[Move], reason: str) -> None:
    async with operations.open_database(database_url(service)) as database, database.begin() as db:
        await OffsetDesk(operations.kernel_of(service)).apply(db, moves, operations.operating_user(), reason)


def _is_out(seen: Seen, partition: Partition) -> bool:
    return place_of(seen.saved.get(partition), seen.spans.get(partition)).is_out_of_range


def _row(seen: Seen, partition: Partition) -> dict[str, Any]:
    saved, span = seen.saved.get(partition), seen.spans.get(partition)
    place: Place = place_of(saved, span)
    return {
        "service": seen.service,
        "partition": f"{partition.topic}/{partition.number}",
        "saved": saved,
        "oldest": span.low if span else None,
        "end": span.high if span else None,
        "unread": unread(saved, span),
        "state": place.value,
    }


def _plain(planned: Planned) -> Mapping[str, Any]:
    move = planned.move
    return {
        "partition": f"{move.partition.topic}/{move.partition.number}",
        "from": move.old,
        "to": move.new,
        "read_again": move.again,
        "skipped": move.skipped,
        "no_longer_there": move.lost,
        "unread_then": move.unread,
        "since": planned.since and planned.since.isoformat(timespec="seconds"),
        "until": planned.until and planned.until.isoformat(timespec="seconds"),
    }


def _in_words(planned: Planned) -> dict[str, Any]:
    return {name.replace("_", " "): "" if each is None else each for name, each in _plain(planned).items()}
