"""`countersign doctor`: look at everything around the services that can be wrong, and say what to do."""

import asyncio
import importlib
import json
from typing import Any

import click

from services.commands.output import as_json_option, harmless
from services.pipeline.logs import configure_logs

_COLOURS = {"ok": "green", "warning": "yellow", "wrong": "red", "not checked": "cyan"}


@click.command("doctor")
@click.argument("checks", nargs=-1, metavar="[CHECK]...")
@click.option("--all", "is_all", is_flag=True, help="List all that is fine, too, instead of counting it.")
@as_json_option
def doctor(checks: tuple[str, ...], *, is_all: bool, as_json: bool) -> None:
    """Check everything around the services that can be wrong, and say what to do; nothing is changed or sent.

    All checks, or only each CHECK, run at the same time, each within its own time. What cannot be looked at from here
    is "not checked", with the variable that is missing. Exit status 1 if something is wrong, 0 also with warnings.
    For example: countersign doctor, or countersign doctor topics "mail server"
    """
    configure_logs("console", "doctor")  # to stderr, since stdout is for the result
    checkup = importlib.import_module("services.doctor.checkup")
    surroundings = importlib.import_module("services.doctor.surroundings")
    chosen = _chosen(checks)
    click.echo(f"Running {len(chosen)} {'check' if len(chosen) == 1 else 'checks'}", err=True)
    found = asyncio.run(checkup.check_up(chosen, surroundings.Surroundings()))
    rows = [_row(each.name, finding) for each in found for finding in each.findings]
    if as_json:
        click.echo(json.dumps({"worst": checkup.worst(found).value, "findings": rows}))
    else:
        for line in _lines(rows, is_all=is_all):
            click.echo(line)
    _end(rows)


def _end(rows: list[dict[str, str]]) -> None:
    """End with status 1, and the names of the checks, if something is wrong."""
    wrong = [row["check"] for row in rows if row["verdict"] == "wrong"]
    if wrong:
        things = "1 thing is" if len(wrong) == 1 else f"{len(wrong)} things are"
        raise click.ClickException(f"{things} wrong: {', '.join(dict.fromkeys(wrong))}.")


def _chosen(names: tuple[str, ...]) -> list[Any]:
    known = {each.name: each for each in importlib.import_module("services.doctor.checks").CHECKS}
    if unknown := [name for name in names if name not in known]:
        raise click.UsageError(f"There is no check {unknown[0]!r}. The checks: {', '.join(known)}.")
    return [each for name, each in known.items() if not names or name in names]


def _row(check: str, finding: Any) -> dict[str, str]:
    return {
        "check": check,
        "about": finding.about,
        "verdict": finding.verdict.value,
        "what": finding.what,
        "remedy": finding.remedy,
    }


def _lines(rows: list[dict[str, str]], *, is_all: bool) -> list[str]:
    """Return one line for each finding with what to do below it; of a check that is fine, one line in all."""
    lines: list[str] = []
    for name in dict.fromkeys(row["check"] for row in rows):
        own = [row for row in rows if row["check"] == name]
        notable = [row for row in own if row["verdict"] != "ok"]
        for row in own if is_all else notable or [_in_one(own)]:
            lines += _line(row)
    return lines


def _in_one(fine: list[dict[str, str]]) -> dict[str, str]:
    """Return what is fine in one check as one finding."""
    return fine[0] if len(fine) == 1 else {**fine[0], "about": "all", "what": f"{len(fine)} findings, all fine"}


def _line(row: dict[str, str]) -> list[str]:
    verdict = click.style(f"{row['verdict']:<12}", fg=_COLOURS[row["verdict"]])
    line = f"{verdict}{row['check']:<15} {harmless(row['about'])}: {harmless(row['what'])}"
    return [line, f"{'':<28}→ {harmless(row['remedy'])}"] if row["remedy"] else [line]
