"""`make drill`: rehearses the loss of the database and its restore, on real servers on this machine."""

import asyncio
import sys
import tempfile
from pathlib import Path
from time import monotonic

import click
from rich.console import Console
from rich.table import Table

from sandbox.drill.restoring import explained, rehearse
from sandbox.servers import ServerStartFailed
from sandbox.story import StepFailedError


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--commitments",
    type=click.IntRange(min=20, max=100_000),
    default=500,
    show_default=True,
    help="How many are exported before the backup, and as many after it.",
)
@click.option(
    "--per-second", type=click.FloatRange(min=1, max=500), default=50, show_default=True, help="How fast they are sent."
)
def drill(commitments: int, per_second: float) -> None:
    """Rehearse a backup, the loss of the database under running services, and its restore; takes some minutes.

    Everything runs on this machine on servers of its own, which are removed afterwards. Exit status 1 if anything is
    lost, written twice or broken.
    """
    began = monotonic()

    def report(sentence: str) -> None:
        click.echo(f"{monotonic() - began:6.1f} s  {sentence}", err=True)

    with tempfile.TemporaryDirectory(prefix="countersign-drill-") as folder:
        try:
            rehearsed = asyncio.run(rehearse(Path(folder), commitments, per_second, report))
        except (ServerStartFailed, StepFailedError) as error:
            raise click.ClickException(str(error)) from error
    table = Table("What", "Figure", title="Restore drill", title_justify="left")
    for row in explained(rehearsed):
        table.add_row(*row)
    Console().print(table)
    for sentence in rehearsed.wrong:
        click.echo(f"Wrong: {sentence}", err=True)
    click.echo("Failed." if rehearsed.wrong else "Passed: nothing was lost, and nothing was written twice.")
    sys.exit(bool(rehearsed.wrong))


if __name__ == "__main__":
    drill()
