"""Says once what the following lines of the log are about, so that each of them has the same ids."""

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from structlog.contextvars import bound_contextvars

from schemas.message import TRACEPARENT_PATTERN

Ids = Mapping[str, str | int | None]


@contextmanager
def telling_of(ids: Ids) -> Iterator[None]:
    """Add `ids` that are known to all lines of this task while the block runs."""
    with bound_contextvars(**{name: value for name, value in ids.items() if value is not None}):
        yield


def trace_id(traceparent: str | None) -> str | None:
    """Return the id of the trace in a W3C `traceparent`; None without a valid one."""
    if traceparent is None or not re.fullmatch(TRACEPARENT_PATTERN, traceparent):
        return None
    return traceparent.split("-")[1]
