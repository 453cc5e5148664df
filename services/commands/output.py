"""What the groups of the `countersign` command share: options, and printing that escapes the text of others."""

import json
import os
import sys
from collections.abc import Sequence
from typing import Any

import click
from rich.console import Console
from rich.table import Table

from services.pipeline.legible import HIDDEN_CHARACTERS
from services.pipeline.names import SERVICES

MAX_LISTED = 10_000
"""How many rows a dry run lists at most; it counts all."""

as_json_option = click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
services_option = click.option(
    "--service", type=click.Choice(SERVICES), multiple=True, help="Only of this service; can be given more than once."
)
limit_option = click.option(
    "--limit",
    default=100,
    show_default=True,
    type=click.IntRange(1, MAX_LISTED),
    help="At most this many of each service.",
)


def print_result(result: dict[str, Any], lines: Sequence[str], *, as_json: bool) -> None:
    """Print `result` as JSON, or `lines` for people; a line stays one line, whatever is in it."""
    click.echo(json.dumps(result, default=str) if as_json else "\n".join(map(harmless, lines)))


def print_rows(title: str, rows: Sequence[dict[str, Any]], *, as_json: bool) -> None:
    """Print `rows`, which all have the same members, as JSON or as a table."""
    if as_json:
        click.echo(json.dumps(rows, default=str))
        return
    if not rows:
        click.echo(f"{title}: none.")
        return
    table = Table(*rows[0], title=title, title_justify="left")
    for row in rows:
        table.add_row(*(harmless(str(value)) for value in row.values()))
    width = None if sys.stdout.isatty() else int(os.environ.get("COLUMNS", "200"))
    Console(width=width, markup=False, emoji=False, highlight=False).print(table)


def harmless(text: str) -> str:
    """Return `text` on one line, with everything escaped that is not visible as itself.

    Dead letters hold text of others. A line break could forge a line of ours, a control character the terminal, and a
    bidirectional override the order in which the rest is read.
    """
    shown = "".join(each if each.isprintable() else _escaped(each) for each in text)
    return HIDDEN_CHARACTERS.sub(lambda found: _escaped(found[0]), shown)


def _escaped(character: str) -> str:
    return character.encode("unicode_escape", "surrogatepass").decode("ascii")
