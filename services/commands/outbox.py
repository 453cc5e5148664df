"""`countersign outbox`: look at events that Kafka does not take, send them again, or discard them."""

import asyncio
from collections.abc import Sequence
from dataclasses import asdict

import click

from services.commands.output import SERVICES, as_json_option, limit_option, print_result, print_rows, services_option
from services.pipeline import operations
from services.pipeline.settings import database_url


@click.group("outbox")
def outbox() -> None:
    """Look at events that Kafka does not take, send them again, or discard them."""


@outbox.command("list")
@services_option
@limit_option
@as_json_option
def list_parked(service: tuple[str, ...], limit: int, *, as_json: bool) -> None:
    """List events that are parked, oldest first, with Kafka's reason and when they are tried again."""
    rows = [
        {"service": name} | {member: "" if value is None else value for member, value in asdict(parked).items()}
        for name in service or SERVICES
        for parked in asyncio.run(operations.parked_events(database_url(name), name, limit))
    ]
    print_rows("Parked events", rows, as_json=as_json)


@outbox.command("retry")
@click.argument("service", type=click.Choice(SERVICES))
@click.argument("ids", nargs=-1, type=click.IntRange(min=1))
@click.option("--all", "is_all", is_flag=True, help="All parked events of the service.")
@as_json_option
def retry(service: str, ids: tuple[int, ...], *, is_all: bool, as_json: bool) -> None:
    """Let the relay of SERVICE send parked events again: those with IDS, or --all. Mend what Kafka refused before."""
    if bool(ids) == is_all:
        raise click.UsageError("Say which: ids as `countersign outbox list` prints them, or --all.")
    count = asyncio.run(operations.retry_parked(database_url(service), service, None if is_all else ids))
    _report(count, "To be sent again", ids, as_json=as_json)


@outbox.command("discard")
@click.argument("service", type=click.Choice(SERVICES))
@click.argument("ids", nargs=-1, type=click.IntRange(min=1), required=True)
@click.option("--yes", is_flag=True, help="Do not ask.")
@as_json_option
def discard(service: str, ids: tuple[int, ...], *, yes: bool, as_json: bool) -> None:
    """Delete parked events of SERVICE with IDS; nobody who waits for them will ever get them."""
    if not yes:
        click.confirm(f"Delete {len(ids)} events of {service} that were never published?", abort=True, err=True)
    count = asyncio.run(operations.discard_parked(database_url(service), service, ids))
    _report(count, "Deleted", ids, as_json=as_json)


def _report(count: int, became: str, ids: Sequence[int], *, as_json: bool) -> None:
    print_result({"events": count}, [f"{became}: {count}."], as_json=as_json)
    if count < len(set(ids)):
        raise click.ClickException(f"{len(set(ids)) - count} of the ids are not parked.")
