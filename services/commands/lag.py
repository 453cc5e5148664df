"""`countersign lag`: how far each service is behind its topics, and who reads them."""

import asyncio
import importlib
from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime
from time import sleep
from typing import Any

import click

from services.commands.options import Age
from services.commands.output import as_json_option, harmless, print_result, print_rows
from services.pipeline.behind import PartitionLag, Seen, beyond, in_words, summary, to_look_at
from services.pipeline.broker.inquiry import Inquiry
from services.pipeline.clock import utc_now
from services.pipeline.errors import CountersignError
from services.pipeline.names import SERVICES
from services.pipeline.seeing import KEPT_BY_KAFKA, see
from services.pipeline.settings import KafkaSettings, database_url, load


@click.command("lag")
@click.argument("service", nargs=-1, type=click.Choice(SERVICES))
@click.option("--all", "is_all", is_flag=True, help="List all partitions, also those that are fully read.")
@click.option("--max", "max_messages", type=click.IntRange(min=0), help="Exit with 1 if a service is further behind.")
@click.option("--max-age", type=Age(), metavar="AGE", help="Exit with 1 if an unread message is older, such as 5m.")
@click.option("--watch", "every_seconds", type=click.FloatRange(min=1), metavar="SECONDS", help="Repeat until Ctrl-C.")
@as_json_option
def lag(service: tuple[str, ...], *, every_seconds: float | None, **shown: Any) -> None:
    """Show how far each SERVICE, or every service, is behind, since when, and who reads its partitions.

    First a line for each service, then the partitions on which something is unread, out of range or not read by
    anybody. What counts is the offset saved in the service's database; the digest's is kept by Kafka. Between messages
    there may be marks of Kafka's own, which count. For example, in a script: countersign lag exporter --max-age 5m

    With --watch, until Ctrl-C, also while Kafka or a database does not answer.
    """
    services, inquiry = service or SERVICES, Inquiry(load(KafkaSettings))
    if every_seconds is None:
        _look(inquiry, services, **shown)
        return
    with suppress(KeyboardInterrupt):  # the usual end
        while True:
            if not shown["as_json"]:
                click.echo(f"{utc_now():%H:%M:%S} UTC")
            try:
                _look(inquiry, services, **shown)
            except CountersignError as error:
                click.echo(harmless(f"{utc_now():%H:%M:%S} UTC: {error}"), err=True)
            sleep(every_seconds)


def _look(
    inquiry: Inquiry,
    services: Sequence[str],
    *,
    is_all: bool,
    max_messages: int | None,
    max_age: float | None,
    as_json: bool,
) -> None:
    """Print how far `services` are behind now; ClickException if one is beyond a limit."""
    seen = asyncio.run(_see(inquiry, services))
    now = utc_now()
    if as_json:
        told = {"at": now.isoformat(timespec="seconds"), "services": [_plain(each, lags, now) for each, lags in seen]}
        print_result(told, (), as_json=True)
    else:
        for each, lags in seen:
            print_result({}, [summary(each.service, lags, len(each.group.members), now)], as_json=False)
        rows = [_row(one, now) for each, lags in seen for one in _listed(each, lags, is_all=is_all)]
        if rows:
            print_rows("Partitions", rows, as_json=False)
    _require([one for _, lags in seen for one in lags], now, max_messages, max_age)


async def _see(inquiry: Inquiry, services: Sequence[str]) -> list[tuple[Seen, list[PartitionLag]]]:
    cluster, found = inquiry.cluster(), []
    for name in services:
        url = None if name in KEPT_BY_KAFKA else database_url(name)
        seen = await see(inquiry, cluster, name, topics_read_by(name), url)
        found.append((seen, seen.lags(inquiry.times(seen.unread()))))
    return found


def _listed(seen: Seen, lags: list[PartitionLag], *, is_all: bool) -> list[PartitionLag]:
    return lags if is_all else to_look_at(lags, len(seen.group.members))


def topics_read_by(service: str) -> list[str]:
    """Return the topics that `service` reads."""
    topics: list[str] = importlib.import_module(f"services.{service}.aggregates").TOPICS
    return topics


def _require(
    lags: Sequence[PartitionLag], now: datetime, max_messages: int | None, max_age_seconds: float | None
) -> None:
    excesses = beyond(lags, now, max_messages, max_age_seconds)
    if excesses:
        raise click.ClickException("; ".join(f"{each.service}: {each.words}" for each in excesses))


def _row(lag: PartitionLag, now: datetime) -> dict[str, Any]:
    age = lag.age_seconds(now)
    differs = lag.committed is not None and lag.committed != lag.saved
    return {
        "service": lag.service,
        "partition": f"{lag.partition.topic}/{lag.partition.number}",
        "saved": "" if lag.saved is None else lag.saved,
        "end": "" if lag.span is None else lag.span.high,
        "behind": "?" if lag.behind is None else lag.behind,
        "oldest": "" if age is None else in_words(age),
        "member": f"{lag.member} at {lag.host}" if lag.member else "none",
        "state": lag.place.value,
        "committed to Kafka": lag.committed if differs else "",
    }


def _plain(seen: Seen, lags: Sequence[PartitionLag], now: datetime) -> dict[str, Any]:
    return {
        "service": seen.service,
        "summary": summary(seen.service, lags, len(seen.group.members), now),
        "behind": sum(each.behind or 0 for each in lags),
        "oldest_age_seconds": max((each.age_seconds(now) or 0.0 for each in lags), default=0.0),
        "offsets_kept_by": "kafka" if seen.is_kept_by_kafka else "database",
        "members": [
            {"name": each.name, "host": each.host, "partitions": len(each.partitions)} for each in seen.group.members
        ],
        "partitions": [_plain_partition(each, now) for each in lags],
    }


def _plain_partition(lag: PartitionLag, now: datetime) -> dict[str, Any]:
    return {
        "topic": lag.partition.topic,
        "partition": lag.partition.number,
        "saved": lag.saved,
        "low": lag.span.low if lag.span else None,
        "end": lag.span.high if lag.span else None,
        "behind": lag.behind,
        "oldest_age_seconds": lag.age_seconds(now),
        "member": lag.member or None,
        "host": lag.host or None,
        "committed": lag.committed,
        "state": lag.place.value,
    }
