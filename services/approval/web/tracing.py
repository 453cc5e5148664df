"""Reads the trace of a request (W3C Trace Context)."""

import re
import secrets

from starlette.requests import Request

from schemas.message import TRACEPARENT_PATTERN
from services.pipeline import tracing


def traceparent_of(request: Request) -> str:
    """Return the request's traceparent; a new trace begins if it has none, or a malformed one."""
    if current := tracing.current():
        return current
    given = request.headers.get("traceparent", "")
    if re.match(TRACEPARENT_PATTERN, given):
        return given
    return f"00-{secrets.token_hex(16)}-{secrets.token_hex(8)}-01"
