"""Why a commitment cannot be written, as a connector finds before it sends anything, and what refusal that becomes."""

from dataclasses import dataclass, replace

from services.exporter.connectors.failure_table import FailureTable
from services.exporter.connectors.types import Refused
from services.exporter.connectors.wording import one_line

_MAX_NAMED = 5


@dataclass(frozen=True, slots=True)
class Problem:
    """Why a commitment cannot be written; the code stands in the table of failures, which has a sentence for it."""

    code: str
    values: tuple[tuple[str, str], ...]


def refusal_of(problems: tuple[Problem, ...], table: FailureTable) -> Refused:
    """Return the refusal of the first problem, which also tells the others that are like it."""
    first = problems[0]
    refusal = table.refusal(first.code, "", dict(first.values))
    alike = [each for each in problems if each.code == first.code]
    sentences = [table.refusal(each.code, "", dict(each.values)).message for each in alike[:_MAX_NAMED]]
    more = [f"{len(alike) - _MAX_NAMED:,} more lines are like these."] if len(alike) > _MAX_NAMED else []
    return replace(refusal, message=one_line(" ".join([*sentences, *more])))
