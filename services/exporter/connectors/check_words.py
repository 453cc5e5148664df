"""What the check of a connection says of an answer: what is wrong, and what to do before there is anything to retry."""

import re

from services.exporter.connectors.types import Refused, Transient, Unknown
from services.exporter.connectors.wording import one_line

_RETRY = re.compile(r"[,;] then retry( the export)?(?=\.)")


def problem_of(answer: Refused | Transient | Unknown) -> str:
    """Return the answer's message and, of a refusal, its next step."""
    next_step = answer.next_step if isinstance(answer, Refused) else None
    return one_line(f"{answer.message} {before_retrying(next_step)}") if next_step else answer.message


def before_retrying(next_step: str) -> str:
    """Return `next_step` without the retry at its end: a check comes before the first export."""
    return _RETRY.sub("", next_step)
