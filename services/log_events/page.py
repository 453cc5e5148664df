"""Writes the page of log events, or says what keeps it from being true."""

import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from pydantic import BaseModel, ConfigDict, TypeAdapter

from services.log_events.calls import Found, by_name
from services.pipeline.logs import LIBRARY_LOGGED

NAME = re.compile(r"[a-z]+(_[a-z]+)*\.[a-z]+(_[a-z]+)*")
BEGIN, END = "<!-- generated: begin -->", "<!-- generated: end -->"
MEANINGS = Path("services/log_events/meanings.toml")
_OF_LIBRARIES = Found(LIBRARY_LOGGED, ("info", "warning", "error"), ("logger", "text"), path=Path("services/pipeline"))


class Meaning(BaseModel):
    """What an event means, what to do about it, and which fields it has besides those in the code."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    means: str
    do: str = ""
    more: str = ""


def read_meanings(text: str) -> Mapping[str, Meaning]:
    """Return the meanings by the names of their events."""
    groups = TypeAdapter(dict[str, dict[str, Meaning]]).validate_python(tomllib.loads(text))
    return {f"{subject}.{state}": meaning for subject, states in groups.items() for state, meaning in states.items()}


def problems(found: Sequence[Found], meanings: Mapping[str, Meaning]) -> list[str]:
    """Return what is wrong with names and meanings, each in a sentence that says what to do."""
    calls = by_name([*found, _OF_LIBRARIES])
    odd = [problem for name, each in calls.items() for problem in _odd(name, each, meanings.get(name))]
    stale = [f"{name}: nothing logs it. Remove it from {MEANINGS}." for name in meanings if name not in calls]
    return [*odd, *stale, *_twice(meanings)]


def _odd(name: str, calls: Sequence[Found], meaning: Meaning | None) -> Iterator[str]:
    place = calls[0].place
    if not NAME.fullmatch(name):
        yield f"{place}: {name} is not named subject.past_tense_or_state."
    if meaning is None:
        yield f"{place}: {name} has no meaning. Add one to {MEANINGS}."
    elif any(each.more for each in calls) and not meaning.more:
        yield f"{place}: {name} has fields without constant names. Write them out."


def _twice(meanings: Mapping[str, Meaning]) -> Iterator[str]:
    names: dict[str, str] = {}
    for name, meaning in meanings.items():
        first = names.setdefault(meaning.means, name)
        if first != name:
            yield f"{name} and {first} mean the same. Use one name."


def table(found: Sequence[Found], meanings: Mapping[str, Meaning]) -> str:
    """Return the events as a Markdown table."""
    rows = [_row(name, calls, meanings[name]) for name, calls in by_name([*found, _OF_LIBRARIES]).items()]
    head = "| event | level | service | fields | meaning | what to do |"
    return "\n".join([head, "|---|---|---|---|---|---|", *rows])


def _row(name: str, calls: Sequence[Found], meaning: Meaning) -> str:
    levels = dict.fromkeys(level for each in calls for level in each.levels)
    services = sorted({each.service for each in calls})
    fields = [f"`{field}`" for field in sorted({field for each in calls for field in each.fields})]
    cells = (
        f"`{name}`",
        ", ".join(levels),
        "all" if "all" in services else ", ".join(services),
        ", ".join([*fields, *([meaning.more] if meaning.more else [])]),
        meaning.means,
        meaning.do,
    )
    return f"| {' | '.join(cells)} |"


def with_table(page: str, written: str) -> str:
    """Return `page` with `written` between its two marks."""
    before, _, rest = page.partition(BEGIN)
    return f"{before}{BEGIN}\n{written}\n{END}{rest.partition(END)[2]}"
