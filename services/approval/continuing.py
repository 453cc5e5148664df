"""Keeps what people do to a commitment in the trace that its submission began."""

from collections.abc import Iterator
from contextlib import contextmanager

from services.pipeline import tracing


@contextmanager
def continuing(
    act: str, commitment_id: str, revision: int, *, sent: str | None, asked_by: str | None
) -> Iterator[str | None]:
    """Provide the traceparent for the events of `act`: of the submission's trace, or else of the request's.

    `sent` is the traceparent with which the revision was submitted, `asked_by` that of the request, to which the span
    is linked.
    """
    about: tracing.Attributes = {"countersign.subject": commitment_id, "countersign.revision": revision}
    with tracing.continued(act, sent or asked_by, about, links=[asked_by] if sent else ()) as traceparent:
        yield traceparent
