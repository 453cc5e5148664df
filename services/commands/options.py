"""Options that several groups of the command share: instants, and what rows have in common."""

import re
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import click
from pydantic import AwareDatetime, TypeAdapter, ValidationError

from services.pipeline.clock import utc_now
from services.pipeline.row_filter import RowFilter

_INSTANT: TypeAdapter[datetime] = TypeAdapter(AwareDatetime)
_FIRST_YEAR, _LAST_YEAR = 1970, 9998
_AGE = re.compile(r"([0-9]{1,5})([smhd])", re.ASCII)
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}
MAX_REASON_CHARACTERS = 1_000

Command = Callable[..., Any]


class Instant(click.ParamType):
    """An instant with its offset from UTC, for example 2026-11-22T06:00:00-06:00."""

    name = "instant"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> datetime:
        """Return `value` as a datetime; one without an offset from UTC, or far from our time, is wrong usage."""
        try:
            instant = _INSTANT.validate_python(value)
        except ValidationError:
            self.fail(f"{value!r} is no instant like 2026-11-22T06:00:00-06:00; the offset is needed.", param, ctx)
        if not _FIRST_YEAR <= instant.year <= _LAST_YEAR:  # at the ends of the calendar, time zones overflow
            self.fail(f"{value!r} is not between the years {_FIRST_YEAR} and {_LAST_YEAR}.", param, ctx)
        return instant


class InstantOrAge(Instant):
    """An instant, or how long ago it was: 90s, 15m, 2h or 3d."""

    name = "instant or age"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> datetime:
        """Return `value` as a datetime."""
        seconds = age_seconds(value) if isinstance(value, str) else None
        if seconds is None:
            return super().convert(value, param, ctx)
        return utc_now() - timedelta(seconds=seconds)


class Age(click.ParamType):
    """How long something lasts, in seconds: 90s, 15m, 2h or 3d."""

    name = "age"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Return `value` in seconds."""
        seconds = age_seconds(str(value))
        if seconds is None:
            self.fail(f"{value!r} is not an age such as 90s, 15m, 2h or 3d.", param, ctx)
        return seconds


def age_seconds(text: str) -> float | None:
    """Return the seconds in an age such as 15m; None if `text` is none."""
    found = _AGE.fullmatch(text)
    return float(int(found[1]) * _SECONDS[found[2]]) if found else None


def filter_options(*, at: str, reasons: tuple[str, ...] = ()) -> Callable[[Command], Command]:
    """Add the options from which `filter_of` makes a filter; `at` says what --since and --until are about."""
    options = [
        click.option("--topic", metavar="TOPIC", help="Only of this topic."),
        click.option("--key", metavar="KEY", help="Only with this key, such as a commitment's id."),
        click.option("--since", type=InstantOrAge(), metavar="WHEN", help=f"Only {at} then or later; also 2h, 3d."),
        click.option("--until", type=InstantOrAge(), metavar="WHEN", help=f"Only {at} before then; also 2h, 3d."),
        click.option("--why", metavar="TEXT", help="Only those whose explanation contains this text."),
    ]
    if reasons:
        options.insert(2, click.option("--reason", type=click.Choice(reasons), help="Only with this reason."))

    def decorated(command: Command) -> Command:
        for option in reversed(options):
            command = option(command)
        return command

    return decorated


def filter_of(given: dict[str, Any]) -> RowFilter:
    """Return the filter that the options of `filter_options` stand for; usage is wrong if no time is left."""
    chosen = RowFilter(**given)
    if chosen.since and chosen.until and chosen.since >= chosen.until:
        raise click.UsageError("--since is not before --until, so nothing can be meant.")
    return chosen


def _reason(_: click.Context, __: click.Parameter, value: str | None) -> str | None:
    """Return `value` without spaces around it; usage is wrong if nothing is left that an auditor could read."""
    text = value and value.strip()
    if value is not None and not text:
        raise click.BadParameter("say why; an auditor reads it.")
    if text and len(text) > MAX_REASON_CHARACTERS:
        raise click.BadParameter(f"at most {MAX_REASON_CHARACTERS} characters.")
    return text


because_option = click.option(
    "--because", metavar="TEXT", callback=_reason, help="Why; kept with who did it and when. Needed to change anything."
)
dry_run_option = click.option("--dry-run", "is_dry", is_flag=True, help="List what would be taken, and change nothing.")


def needed(because: str | None) -> str:
    """Return `because`; usage is wrong if it was not given."""
    if because is None:
        raise click.UsageError('Say why with --because "TEXT": it is kept, so that an auditor finds it.')
    return because
