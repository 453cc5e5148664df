"""What is wrong with a draft, in words for the person who typed it, and at which field of the form."""

from dataclasses import dataclass

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from schemas import limits
from schemas.fields import CURRENCY_PATTERN, DECIMAL_PATTERN, ID_PATTERN, PERCENT_PATTERN, TEXT_PATTERN
from schemas.message import wording
from services.pipeline.typed_number import is_number

_NAMES = {"vendor": "contract company", "retainage_percent": "retainage"}
_CHOSEN = ("vendor", "kind")


@dataclass(frozen=True, slots=True)
class Problem:
    """One sentence, and the id of the form's field that it is about; without a field, it is about the whole."""

    text: str
    field: str = ""


@dataclass(frozen=True, slots=True)
class _Place:
    """A field of the form: its name in words, and the line that it stands in, if any."""

    name: str
    words: str
    line: int | None = None

    @property
    def of_line(self) -> str:
        return f" of line {self.line}" if self.line else ""

    @property
    def field(self) -> str:
        return f"line-{self.line}-{self.name}" if self.line else self.name


def describe(error: ValidationError) -> tuple[Problem, ...]:
    """What is wrong with each field of a draft."""
    return tuple(_problem(each) for each in error.errors(include_url=False))


def _problem(problem: ErrorDetails) -> Problem:
    match problem["loc"]:
        case ("lines",):
            return Problem(f"Use at most {limits.MAX_LINES:,} lines")
        case ("lines", int(index)):
            too_high = f"Lower the quantity or the unit cost of line {index + 1}: their product has too many digits"
            return Problem(too_high, f"line-{index + 1}-quantity")
        case ("lines", int(index), str(name), *_):
            place = _Place(name, _words(name), index + 1)
        case (str(name), *_):
            place = _Place(name, _words(name))
        case _:
            return Problem(f"Correct the commitment: it {wording(problem)}")
    return Problem(_sentence(problem, place), place.field)


def _words(name: str) -> str:
    return _NAMES.get(name, name.replace("_", " "))


def _sentence(problem: ErrorDetails, place: _Place) -> str:
    """What to do about a problem at one field."""
    kind, context = problem["type"], problem.get("ctx", {})
    if place.name in _CHOSEN:
        return f"Choose a {place.words}"
    if kind in ("missing", "string_too_short"):
        return f"Enter a {place.words}" + (f" for line {place.line}" if place.line else "")
    if kind == "string_too_long":
        return f"Shorten the {place.words}{place.of_line} to {context['max_length']:,} characters"
    pattern = _PATTERNS.get(context.get("pattern", ""))
    if pattern is None:
        return f"Correct the {place.words}{place.of_line}: it {wording(problem)}"
    if context["pattern"] == DECIMAL_PATTERN and is_number(problem["input"]):
        return f"Enter the {place.words}{place.of_line} with at most 15 digits before the point and 6 after it"
    return pattern.format(name=f"{place.words}{place.of_line}")


_PATTERNS = {
    DECIMAL_PATTERN: "Enter the {name} as a number, with a point before decimals, such as 1,200.50",
    PERCENT_PATTERN: "Enter the {name} as a percentage, such as 10 or 7.5",
    CURRENCY_PATTERN: "Enter the {name} as three letters, such as USD",
    TEXT_PATTERN: "Remove the invisible character U+0000 from the {name}",
    ID_PATTERN: "Enter the {name} without spaces",
}
