"""An example: a named event, and the members that many examples share."""

from dataclasses import dataclass
from typing import Any

from schemas.commitment import Commitment
from schemas.envelope import Event, new_event
from schemas.events import EventData
from schemas.examples.cast import COMPANY, RIVERSIDE, SAM, instant, snapshot

UPSTREAM = "https://pm.example/companies/204"
APPROVAL = "countersign/approval"
EXPORTER = "countersign/exporter"
NOTIFIER = "countersign/notifier"
DIGEST = "countersign/digest"
_TRACE = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


@dataclass(frozen=True, slots=True)
class Example:
    """One event; `name` is unique within its topic and says what the event shows."""

    name: str
    event: Event[EventData]


def example(name: str, source: str, at: str, data: EventData) -> Example:
    """Make the example in which `source` publishes `data`, which happened `at`."""
    return Example(name, new_event(data, source=source, time=instant(at), traceparent=_TRACE))


def about(commitment: Commitment, revision: int) -> dict[str, Any]:
    """The members with which an event identifies a revision of `commitment`."""
    return {
        "company_id": COMPANY,
        "project_id": RIVERSIDE.id,
        "commitment_id": commitment.id,
        "revision": revision,
    }


def submitted(commitment: Commitment, revision: int) -> dict[str, Any]:
    """The members of a submission in which Sam sends `revision` of `commitment`."""
    return {
        "company_id": COMPANY,
        "project_id": RIVERSIDE.id,
        "commitment": snapshot(commitment),
        "revision": revision,
        "sent_by": SAM,
    }
