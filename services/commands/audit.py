"""`countersign audit`: check the exported history of a commitment, without any service."""

from dataclasses import asdict
from pathlib import Path

import click

from services.audit_check import UnreadableExportError, check_file, in_words
from services.commands.listing import Listing
from services.commands.output import as_json_option, print_result


@click.group("audit", cls=Listing)
def audit() -> None:
    """Check exported histories of commitments."""


@audit.command("verify")
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--head", metavar="HASH", help="The hash of the last decision, as it was noted or printed before.")
@as_json_option
def verify(file: Path, head: str | None, *, as_json: bool) -> None:
    """Check that no decision in FILE was changed, left out, reordered or cut off since it was recorded.

    FILE is the JSON of a commitment's history page, or of /api/v1/commitments/ID/audit. Exit status 1: something was.
    """
    try:
        checked = check_file(file, head)
    except UnreadableExportError as error:
        raise click.ClickException(str(error)) from error
    print_result(asdict(checked), in_words(checked), as_json=as_json)
    if checked.problems:
        raise click.exceptions.Exit(1)
