"""`countersign explain`: where one commitment stands, why, and who does what next."""

import asyncio
import importlib
from typing import Any

import click
from pydantic import TypeAdapter

from services.commands.output import as_json_option, harmless, print_result, print_rows
from services.pipeline.settings import database_url


@click.command("explain")
@click.argument("commitment")
@as_json_option
def explain(commitment: str, *, as_json: bool) -> None:
    """Explain where COMMITMENT stands, given by its number or its id, and who does what next.

    Reads approval's database and changes nothing. Exit status 1 if there is no such commitment, or if several have
    the number: these are listed with their ids.
    """
    explaining = importlib.import_module("services.approval.explaining")
    explanation = importlib.import_module("services.approval.rules.explanation")
    found: Any = asyncio.run(explaining.explain(database_url("approval"), commitment))
    if isinstance(found, explanation.Explanation):
        print_result(_plain(found), list(explanation.lines(found)), as_json=as_json)
        return
    if not found:
        raise click.ClickException(f"No commitment has the id or the number {harmless(commitment)}.")
    candidates = [_plain(each) for each in found]
    if as_json:
        print_result({"candidates": candidates}, (), as_json=True)
    else:
        print_rows(f"Commitments with the number {harmless(commitment)}", candidates, as_json=False)
    raise click.ClickException("Several commitments have this number: explain one by its id.")


def _plain(found: Any) -> dict[str, Any]:
    plain: dict[str, Any] = TypeAdapter(type(found)).dump_python(found, mode="json")
    return plain
