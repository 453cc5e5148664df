"""Keeps what people do to a commitment in the trace that its submission began."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from services.approval.storage import submissions
from services.pipeline import tracing
from services.pipeline.database import Transaction


@asynccontextmanager
async def continuing(
    db: Transaction, act: str, commitment_id: str, revision: int, asked_by: str | None
) -> AsyncIterator[str | None]:
    """Provide the traceparent for the events of `act`: of the submission's trace, or else of the request's.

    `asked_by` is the traceparent of the request, to which the span is linked.
    """
    sent = await submissions.traceparent(db, commitment_id, revision)
    about: tracing.Attributes = {"countersign.subject": commitment_id, "countersign.revision": revision}
    with tracing.continued(act, sent or asked_by, about, links=[asked_by] if sent else ()) as traceparent:
        yield traceparent
