"""Parts of a story, as the services tell them, for the tests that join them."""

from datetime import UTC, datetime, timedelta
from typing import Any

from schemas.commitment import ErpDocument
from schemas.fields import Ribbon, Status
from schemas.story import (
    AttemptKind,
    DigestPart,
    ExporterPart,
    NotifierPart,
    OutboxState,
    Place,
    Reading,
    SetAsideMessage,
    ToldAttempt,
    ToldConnection,
    ToldExport,
    ToldMail,
    ToldSummary,
    Traffic,
    UnsentEvent,
)
from services.approval.rules.explanation import Explanation
from services.approval.rules.story.part import ApprovalPart, ToldLine

NOW = datetime(2026, 11, 29, 3, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
SINCE = NOW - 5 * MINUTE
NOTHING_ON_THE_WAY = Traffic()


def explanation(status: Status = Status.EXPORTING, **changes: Any) -> Explanation:
    members: dict[str, Any] = {
        "id": "8841",
        "company_id": "company-204",
        "project_id": "project-7",
        "number": "SC-014",
        "title": "Concrete works",
        "url": "https://pm.example/8841",
        "revision": 1,
        "round": 1,
        "waiting_revision": None,
        "status": status,
        "ribbon": Ribbon.BLUE,
        "editable": False,
        "since": SINCE,
        "message": "It is being exported.",
        "acts_next": "Countersign",
        "next_step": "Nothing to do.",
        "attempts": None,
        "connection": "books",
        "erp": "QuickBooks",
        "why_erp": "",
        "erp_document": None,
        "place": None,
        "line": "",
        "findings": (),
    }
    return Explanation(**members | changes)


def approval(
    status: Status = Status.EXPORTING,
    *,
    lines: tuple[ToldLine, ...] = (),
    traffic: Traffic = NOTHING_ON_THE_WAY,
    **changes: Any,
) -> ApprovalPart:
    return ApprovalPart(as_of=NOW, traffic=traffic, explanation=explanation(status, **changes), lines=lines)


def line(kind: str, text: str, at: datetime = SINCE, place: Place | None = None) -> ToldLine:
    return ToldLine(at=at, kind=kind, revision=1, round=1, text=text, place=place)


def export(state: str = "pending", **changes: Any) -> ToldExport:
    members: dict[str, Any] = {
        "revision": 1,
        "round": 1,
        "ordered_round": 1,
        "state": state,
        "state_since": SINCE,
        "accepted_at": SINCE,
        "due_at": NOW + MINUTE if state in ("pending", "in_doubt") else None,
        "connection": "books",
        "attempts": 1,
        "probes": 0,
        "marker": "8841/1/abc",
        "document": ErpDocument(connection="books", id="17", number="PO-17") if state == "succeeded" else None,
        "failure": None,
        "doubt": None,
        "is_closed": False,
    }
    return ToldExport(**members | changes)


def attempt(outcome: AttemptKind = AttemptKind.PUT_OFF, minutes: int = 0, **changes: Any) -> ToldAttempt:
    members: dict[str, Any] = {
        "revision": 1,
        "round": 1,
        "connection": "books",
        "outcome": outcome,
        "is_probe": False,
        "calls": 2,
        "code": None,
        "message": "The vendor is being edited.",
        "ended_at": SINCE + minutes * MINUTE,
        "next_at": None,
    }
    return ToldAttempt(**members | changes)


def connection(**changes: Any) -> ToldConnection:
    return ToldConnection(**{"name": "books", "title": "QuickBooks", "is_configured": True} | changes)


def exporter(*exports: ToldExport, **changes: Any) -> ExporterPart:
    return ExporterPart(**{"as_of": NOW, "exports": exports, "connection": connection()} | changes)


def mail(state: str = "sent", **changes: Any) -> ToldMail:
    is_open = state in ("pending", "sending")
    members: dict[str, Any] = {
        "kind": "export_failed",
        "recipient_id": "person-1",
        "recipient": "Sam Lee",
        "role": "sender",
        "state": state,
        "attempts": 1,
        "possibly_repeated": False,
        "occurred_at": SINCE,
        "created_at": SINCE,
        "next_at": NOW + MINUTE if is_open else None,
        "settled_at": None if is_open else SINCE + MINUTE,
        "answer": None,
    }
    return ToldMail(**members | changes)


def notifier(*mails: ToldMail, **changes: Any) -> NotifierPart:
    return NotifierPart(**{"as_of": NOW, "mails": mails} | changes)


def summary(name: str, at: datetime) -> ToldSummary:
    return ToldSummary(recipient_id=name, recipient=name, local_date=at.date(), at=at)


def digest(status: Status | None, since: datetime = SINCE, **changes: Any) -> DigestPart:
    return DigestPart(**{"as_of": NOW, "status": status, "since": since, "is_listed": True} | changes)


def reading(topic: str, next_offset: int | None, end_offset: int | None) -> Traffic:
    return Traffic(readings=(Reading(topic=topic, partition=3, next_offset=next_offset, end_offset=end_offset),))


def unsent(topic: str, state: OutboxState) -> Traffic:
    why = None if state is OutboxState.WAITING else "Broker: Message size too large"
    return Traffic(unsent=(UnsentEvent(id=4711, topic=topic, state=state, created_at=SINCE, why=why),))


def set_aside(topic: str, settled_as: str | None = None) -> Traffic:
    place = Place(topic=topic, partition=3, offset=17)
    letter = SetAsideMessage(
        place=place, reason="handler_failed", why="KeyError: 'x'", recorded_at=SINCE, settled_as=settled_as
    )
    return Traffic(dead_letters=(letter,))
