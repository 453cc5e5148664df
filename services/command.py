"""The `countersign` command: run services, migrate, check connections, publish, explain, settle dead letters, demo."""

import asyncio
import importlib
import importlib.util
import sys
from datetime import datetime
from pathlib import Path
from typing import Any

import click
from pydantic import TypeAdapter

from services.commands.acls import acls
from services.commands.audit import audit
from services.commands.connections import connections
from services.commands.dead_letters import dead_letters
from services.commands.doctor import doctor
from services.commands.explain import explain
from services.commands.lag import lag
from services.commands.listing import Listing
from services.commands.migrate import migrate
from services.commands.offsets import offsets
from services.commands.options import Instant
from services.commands.outbox import outbox
from services.commands.output import as_json_option, harmless, print_result, print_rows
from services.commands.roles import roles
from services.commands.sessions import sessions
from services.pipeline import operations
from services.pipeline.errors import CountersignError
from services.pipeline.logs import configure_logs
from services.pipeline.names import SERVICES
from services.pipeline.settings import KafkaSettings, load


class _Group(Listing):
    """Ends a command that raises CountersignError with the error's text on stderr and exit status 1."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Parse the arguments; one that is no text, which neither Kafka nor PostgreSQL can know, is wrong usage."""
        if bad := next((each for each in args if not _is_text(each)), None):
            raise click.UsageError(f"{harmless(bad)} is not UTF-8.")
        return super().parse_args(ctx, args)

    def invoke(self, context: click.Context) -> Any:
        """Run the command; click prints a ClickException and sets the exit status."""
        try:
            return super().invoke(context)
        except CountersignError as error:
            raise click.ClickException(_harmless_lines(str(error))) from error
        except click.ClickException as error:
            error.message = _harmless_lines(error.message)
            raise


def _harmless_lines(message: str) -> str:
    return "\n".join(map(harmless, message.split("\n")))


def _is_text(argument: str) -> bool:
    """Whether `argument` can be encoded, or is the path of a file, which may have any name."""
    return not any("\ud800" <= each <= "\udfff" for each in argument) or Path(argument).exists()


@click.group(cls=_Group, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="countersign")
def main() -> None:
    """Countersign: the pipeline behind “send this commitment to accounting”.

    Results go to stdout, messages to stderr. Exit status: 0 done, 1 failed, 2 wrong usage.
    """
    configure_logs("console", "countersign")  # to stderr, whichever command logs: stdout is for the result


@main.command()
@click.argument("service", type=click.Choice(SERVICES))
def run(service: str) -> None:
    """Run one service until a signal stops it; its settings come from the environment (see .env.example)."""
    sys.exit(importlib.import_module(f"services.{service}.__main__").main())


@main.command()
@as_json_option
def topics(*, as_json: bool) -> None:
    """Create missing topics, and correct settings of existing ones that keep less than promised; safe to repeat."""
    brought = operations.bring_topics_up_to_date(load(KafkaSettings))
    words = f"Created {len(brought.created)} topics; {len(brought.existing)} exist."
    changes = [f"{each.topic}: {each.setting} is now {each.wanted}, was {each.value}." for each in brought.changed]
    result = {
        "created": brought.created,
        "existing": len(brought.existing),
        "changed": [
            {"topic": each.topic, "setting": each.setting, "from": each.value, "to": each.wanted}
            for each in brought.changed
        ],
    }
    print_result(result, [words, *changes], as_json=as_json)


@main.command()
@click.argument("files", nargs=-1, required=True, type=click.File("rb"))
@as_json_option
def publish(files: tuple[Any, ...], *, as_json: bool) -> None:
    """Publish events from FILES, each a CloudEvent in structured JSON (`-` is stdin), after checking all of them."""
    events, problems = operations.read_events({file.name: file.read() for file in files})
    for name, why in problems.items():
        click.echo(harmless(f"{name}: {why}"), err=True)
    if problems:
        raise click.ClickException(
            f"Nothing was published: {len(problems)} of {len(files)} files are not valid events."
        )
    settings = load(KafkaSettings)
    configure_logs("console", "publish")
    asyncio.run(operations.publish(settings, events))
    published = [{"topic": event.topic, "key": event.key, "id": event.id} for event in events]
    print_result({"published": published}, ["  ".join(event.values()) for event in published], as_json=as_json)


@main.command()
@click.option("--at", "instant", type=Instant(), required=True, help="The instant, with its offset from UTC.")
@as_json_option
def digest(instant: datetime, *, as_json: bool) -> None:
    """Send every daily summary that is due at an instant; safe to repeat, since nobody gets two for the same day."""
    configure_logs("console", "digest")  # to stderr, since stdout is for the result
    schedule = importlib.import_module("services.digest.schedule")
    settings = load(importlib.import_module("services.digest.settings").DigestSettings)
    configure_logs(settings.log_format, "digest")  # to stderr; without, logs would go to stdout
    reports = asyncio.run(schedule.digest_at(settings, instant))
    print_rows("Daily summaries", [_plain(report) for report in reports], as_json=as_json)


@main.command()
@click.option("--story", is_flag=True, help="Play both user stories and a lost ERP answer, print a timeline, and stop.")
@click.option(
    "--folder", type=click.Path(path_type=Path, file_okay=False), default=None, help="Keep its files in this folder."
)
@click.option(
    "--erp",
    type=click.Choice(("small", "tryton", "quickbooks")),
    default="small",
    help="The ERP: a small one, a real Tryton, or a simulated QuickBooks Desktop with its Web Connector.",
)
@click.option(
    "--waiting",
    type=click.IntRange(min=0, max=150),
    default=12,
    show_default=True,
    help="With the small ERP: how many commitments wait for an answer, beside a few in every other view; 0 for none.",
)
def demo(folder: Path | None, *, story: bool, erp: str, waiting: int) -> None:
    """Start everything on this machine: real Kafka and PostgreSQL, the services, and the systems around them.

    Not for production. `make demo` in a checkout installs what it needs, and starts it.
    """
    if importlib.util.find_spec("sandbox"):  # at once: to import it takes seconds
        click.echo("Countersign demo on real servers; not for production.", err=True)
    try:
        demo_module = importlib.import_module("sandbox.demo")
    except ModuleNotFoundError as error:
        raise click.ClickException(
            f"The demo needs {error.name}, which is not installed here: `make demo` in a checkout installs and "
            "starts it. The production image does not contain it."
        ) from error
    sys.exit(demo_module.run_demo(folder=folder, is_story=story, erp=erp, waiting=waiting))


main.add_command(acls)
main.add_command(audit)
main.add_command(connections)
main.add_command(dead_letters)
main.add_command(doctor)
main.add_command(explain)
main.add_command(lag)
main.add_command(offsets)
main.add_command(migrate)
main.add_command(outbox)
main.add_command(roles)
main.add_command(sessions)


def _plain(row: Any) -> dict[str, Any]:
    return {str(name): value for name, value in TypeAdapter(type(row)).dump_python(row, mode="json").items()}


if __name__ == "__main__":
    main()
