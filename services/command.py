"""The `countersign` command: run services, migrate, create topics, publish events, inspect dead letters, demo."""

import asyncio
import importlib
import json
import os
import re
import sys
from datetime import datetime
from pathlib import Path
from typing import Any

import click
from pydantic import AwareDatetime, TypeAdapter, ValidationError
from rich.console import Console
from rich.table import Table

from schemas.topics import TOPICS
from services.pipeline import operations
from services.pipeline.broker import create_topics
from services.pipeline.errors import CountersignError
from services.pipeline.logs import configure_logs
from services.pipeline.settings import KafkaSettings, database_url, load

SERVICES = ("approval", "exporter", "notifier", "digest")
_CONTROL_CHARACTERS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
_INSTANT: TypeAdapter[datetime] = TypeAdapter(AwareDatetime)
_FIRST_YEAR, _LAST_YEAR = 1970, 9998


class _Group(click.Group):
    """Ends a command that raises CountersignError with the error's text on stderr and exit status 1."""

    def invoke(self, context: click.Context) -> Any:
        """Run the command; click prints a ClickException and sets the exit status."""
        try:
            return super().invoke(context)
        except CountersignError as error:
            raise click.ClickException(str(error)) from error


class _Instant(click.ParamType):
    """An instant with its offset from UTC, for example 2026-11-22T06:00:00-06:00."""

    name = "instant"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> datetime:
        """Return `value` as a datetime; one without an offset from UTC, or far from our time, is wrong usage."""
        try:
            instant = _INSTANT.validate_python(value)
        except ValidationError:
            self.fail(f"{value!r} is no instant such as 2026-11-22T06:00:00-06:00; the offset is needed.", param, ctx)
        if not _FIRST_YEAR <= instant.year <= _LAST_YEAR:  # at the ends of the calendar, time zones overflow
            self.fail(f"{value!r} is not between the years {_FIRST_YEAR} and {_LAST_YEAR}.", param, ctx)
        return instant


_as_json = click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")


@click.group(cls=_Group, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="countersign")
def main() -> None:
    """Countersign: the pipeline behind “send this commitment to accounting”.

    Results go to stdout, messages to stderr. Exit status: 0 done, 1 failed, 2 wrong usage.
    """


@main.command()
@click.argument("service", type=click.Choice(SERVICES))
def run(service: str) -> None:
    """Run one service until a signal stops it; its settings come from the environment (see .env.example)."""
    sys.exit(importlib.import_module(f"services.{service}.__main__").main())


@main.command()
@_as_json
def migrate(*, as_json: bool) -> None:
    """Migrate the schemas of all services to their latest versions; safe to repeat."""
    for service in SERVICES:
        migrations = importlib.import_module(f"services.{service}.storage.migrations").MIGRATIONS
        click.echo(f"Migrating {service}", err=True)
        operations.migrate_schema(database_url(service), migrations)
    _print({"migrated": list(SERVICES)}, f"Migrated {', '.join(SERVICES)}.", as_json=as_json)


@main.command()
@_as_json
def topics(*, as_json: bool) -> None:
    """Create the topics that do not exist yet; safe to repeat."""
    created = create_topics(load(KafkaSettings), TOPICS)
    existing = len(TOPICS) - len(created)
    words = f"Created {len(created)} topics; {existing} exist."
    _print({"created": created, "existing": existing}, words, as_json=as_json)


@main.command()
@click.argument("files", nargs=-1, required=True, type=click.File("rb"))
@_as_json
def publish(files: tuple[Any, ...], *, as_json: bool) -> None:
    """Publish events from FILES, each a CloudEvent in structured JSON (`-` is stdin), after checking all of them."""
    events, problems = operations.read_events({file.name: file.read() for file in files})
    for name, why in problems.items():
        click.echo(f"{name}: {why}", err=True)
    if problems:
        raise click.ClickException(
            f"Nothing was published: {len(problems)} of {len(files)} files are not valid events."
        )
    settings = load(KafkaSettings)
    configure_logs("console", "publish")
    asyncio.run(operations.publish(settings, events))
    published = [{"topic": event.topic, "key": event.key, "id": event.id} for event in events]
    words = "\n".join("  ".join(event.values()) for event in published)
    _print({"published": published}, words, as_json=as_json)


@main.command()
@click.option("--at", "instant", type=_Instant(), required=True, help="The instant, with its offset from UTC.")
@_as_json
def digest(instant: datetime, *, as_json: bool) -> None:
    """Send every daily summary that is due at an instant; safe to repeat, since nobody gets two for the same day."""
    schedule = importlib.import_module("services.digest.schedule")
    settings = load(importlib.import_module("services.digest.settings").DigestSettings)
    configure_logs(settings.log_format, "digest")  # to stderr; without, logs would go to stdout
    reports = asyncio.run(schedule.digest_at(settings, instant))
    _print_rows("Daily summaries", [_plain(report) for report in reports], as_json=as_json)


@main.group("dead-letters")
def dead_letters() -> None:
    """Look at messages that could not be processed."""


@dead_letters.command("list")
@click.option(
    "--service", type=click.Choice(SERVICES), multiple=True, help="Only of this service; can be given more than once."
)
@click.option(
    "--limit", default=100, show_default=True, type=click.IntRange(1, 10_000), help="At most this many of each service."
)
@_as_json
def list_dead_letters(service: tuple[str, ...], limit: int, *, as_json: bool) -> None:
    """List dead letters, newest first, with their place in Kafka and the reason."""
    rows = [
        {"service": name, "place": letter.record.position, "reason": letter.reason, "why": letter.why}
        for name in service or SERVICES
        for letter in asyncio.run(operations.newest_dead_letters(database_url(name), name, limit))
    ]
    _print_rows("Dead letters", rows, as_json=as_json)


@dead_letters.command("show")
@click.argument("place")
@click.option(
    "--service",
    type=click.Choice(SERVICES),
    default=None,
    help="The service that has it; by default the first that does.",
)
@_as_json
def show_dead_letter(place: str, service: str | None, *, as_json: bool) -> None:
    """Show everything about one dead letter; PLACE is as the list prints it: topic/partition/offset."""
    partition, offset = operations.parse_position(place)
    for name in [service] if service else SERVICES:
        found = asyncio.run(operations.find_dead_letter(database_url(name), name, partition, offset))
        if found:
            shown = {"service": name} | operations.described(found)
            _print(shown, "\n".join(f"{member}: {value}" for member, value in shown.items()), as_json=as_json)
            return
    raise click.ClickException(f"No dead letter at {place}. `countersign dead-letters list` shows where they are.")


@main.command()
@click.option("--story", is_flag=True, help="Play both user stories and a lost ERP answer, print a timeline, and stop.")
@click.option(
    "--folder", type=click.Path(path_type=Path, file_okay=False), default=None, help="Keep its files in this folder."
)
def demo(folder: Path | None, *, story: bool) -> None:
    """Start everything on this machine: real Kafka and PostgreSQL, the services, and the systems around them.

    Not for production. Needs the sandbox packages: pip install 'countersign[sandbox]'.
    """
    try:
        demo_module = importlib.import_module("sandbox.demo")
    except ModuleNotFoundError as error:
        raise click.ClickException(
            f"The demo needs {error.name}, which is not installed here: pip install 'countersign[sandbox]'. "
            "The production image does not contain it."
        ) from error
    sys.exit(demo_module.run_demo(folder=folder, is_story=story))


def _plain(row: Any) -> dict[str, Any]:
    return {str(name): value for name, value in TypeAdapter(type(row)).dump_python(row, mode="json").items()}


def _print(result: dict[str, Any], words: str, *, as_json: bool) -> None:
    click.echo(json.dumps(result, default=str) if as_json else _harmless(words))


def _print_rows(title: str, rows: list[dict[str, Any]], *, as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps(rows, default=str))
        return
    if not rows:
        click.echo(f"{title}: none.")
        return
    table = Table(*rows[0], title=title, title_justify="left")
    for row in rows:
        table.add_row(*(_harmless(str(value)) for value in row.values()))
    width = None if sys.stdout.isatty() else int(os.environ.get("COLUMNS", "200"))
    Console(width=width, markup=False, emoji=False, highlight=False).print(table)


def _harmless(text: str) -> str:
    """`text` with control characters escaped: dead letters hold text of others, which could control the terminal."""
    return _CONTROL_CHARACTERS.sub(lambda found: f"\\x{ord(found[0]):02x}", text)


if __name__ == "__main__":
    main()
