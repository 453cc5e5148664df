"""`countersign explain`: where one commitment stands at all services, why, and who does what next."""

import asyncio
import importlib
from typing import Any, NoReturn

import click
from pydantic import TypeAdapter

from services.commands.gathering import Gathered, gather
from services.commands.output import as_json_option, harmless, print_result, print_rows
from services.pipeline.clock import utc_now
from services.pipeline.names import SERVICES


@click.command("explain")
@click.argument("commitment")
@as_json_option
def explain(commitment: str, *, as_json: bool) -> None:
    """Explain where COMMITMENT stands, given by its number or its id, and who does what next.

    Asks the services at APPROVAL_URL, EXPORTER_URL, NOTIFIER_URL and DIGEST_URL with OPERATIONS_TOKEN. One that does
    not answer is read from its database, if that is known. Takes five seconds at most, and changes nothing.

    Example: countersign explain SC-014

    Exit status 1 if there is no such commitment, if several have the number (these are listed with their ids), or if
    approval's part is missing, by which the others are judged, also where its rows cannot be read.
    """
    gathered, refusal = asyncio.run(gather(commitment, lambda sentence: click.echo(harmless(sentence), err=True)))
    if refusal is not None:
        _refuse(commitment, refusal, as_json=as_json)
    if not gathered.told and not gathered.unreadable:
        raise click.ClickException(harmless(_nothing_told(commitment, gathered)))
    _print(gathered, as_json=as_json)
    if why_not := gathered.missing.get("approval"):
        raise click.ClickException(harmless(f"The story is incomplete: approval's part is missing ({why_not})."))


def _nothing_told(commitment: str, gathered: Gathered) -> str:
    why = "; ".join(f"{service}: {reason.rstrip('.')}" for service, reason in gathered.missing.items())
    heard = "No service answers" if len(gathered.missing) == len(SERVICES) else "The other services have no such id"
    return f"Nothing is known of {commitment!r}. {heard}, and only approval knows numbers. {why}."


def _print(gathered: Gathered, *, as_json: bool) -> None:
    room = "services.approval.rules.story"
    model, joining, reading = (importlib.import_module(f"{room}.{each}") for each in ("story", "joining", "lines"))
    parts = model.Parts(**gathered.told, unreadable=gathered.unreadable)
    missing = [_missing(model, service, why) for service, why in gathered.missing.items()]
    story = joining.join(gathered.commitment_id, parts, missing, utc_now())
    told = {service: part.model_dump(mode="json") for service, part in parts.by_service}
    result = story.model_dump(mode="json") | {"parts": told, "sources": gathered.sources}
    print_result(result, list(reading.lines(story, parts)), as_json=as_json)


def _missing(model: Any, service: str, why: str) -> Any:
    return model.MissingPart(service=service, text=f"what {service} knows", why=why)


def _refuse(commitment: str, answer: Any, *, as_json: bool) -> NoReturn:
    """List the candidates, say which of them cannot be read, and end with exit status 1."""
    if not answer.candidates:
        set_aside = " ".join(map(_set_aside, answer.traffic.dead_letters))
        raise click.ClickException(
            harmless(f"No commitment has the id or the number {commitment!r}. {set_aside}".strip())
        )
    for sentence in answer.unreadable:
        click.echo(harmless(f"{sentence}: see “RowsUnreadable” in docs/runbook.md."), err=True)
    candidates = [TypeAdapter(type(each)).dump_python(each, mode="json") for each in answer.candidates]
    if as_json:
        print_result({"candidates": candidates}, (), as_json=True)
    else:
        print_rows(f"Commitments with the number {harmless(commitment)}", candidates, as_json=False)
    raise click.ClickException("Several commitments have this number: explain one by its id.")


def _set_aside(letter: Any) -> str:
    """A dead letter of what approval does not know, with what to run."""
    what = f"Approval has set aside {letter.place}, {letter.reason}: {letter.why.rstrip('.')}."
    if letter.settled_as:
        return what
    return f"{what} Once it can be read: countersign dead-letters redrive approval {letter.place}"
