"""Builders of the events that approval handles; all are about one commitment."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from schemas.commitment import ErpDocument, Person, summarise
from schemas.envelope import DataT, Event, new_event
from schemas.events import (
    DOCUMENT_GONE,
    UNKNOWN_CONNECTION,
    Change,
    CommitmentResent,
    CommitmentRetrieved,
    CommitmentSent,
    DecisionAccepted,
    DecisionDriftAccepted,
    DecisionFirstApproved,
    DecisionRejected,
    DecisionResolved,
    EventData,
    ExportDrifted,
    ExportFailed,
    ExportInDoubt,
    ExportSucceeded,
    Failure,
    QuestionAnswered,
    QuestionAsked,
    Submission,
)
from schemas.examples.cast import CONCRETE_1, DANA, SAM, concrete_works, snapshot
from schemas.fields import FailureClass, Owner
from schemas.snapshot import Snapshot
from services.approval import handlers
from services.approval.rules.commitment import CommitmentFacts, CurrentStatus, current_status

ID = CONCRETE_1.id
PROJECT = CONCRETE_1.project.id
COMPANY = "company-204"
NOW = datetime(2026, 11, 22, 15, 15, tzinfo=UTC)
CHICAGO = ZoneInfo("America/Chicago")

A = snapshot(concrete_works("03-300"))
B = snapshot(concrete_works("03-310"))

HANDLE = {on.data_type: on.handle for on in handlers.HANDLERS}


def sent(
    revision: int = 1, content: Snapshot = A, by: Person = SAM, note: str | None = None, at: datetime = NOW
) -> Event[Submission]:
    kind = CommitmentSent if revision == 1 else CommitmentResent
    data = kind(company_id=COMPANY, project_id=PROJECT, commitment=content, revision=revision, sent_by=by, note=note)
    return _event(data, at)


def retrieved(revision: int = 1, by: Person = SAM, at: datetime = NOW) -> Event[CommitmentRetrieved]:
    return _event(CommitmentRetrieved(**_about(revision), retrieved_by=by), at)


def accepted(
    revision: int = 1,
    export_round: int = 1,
    content: Snapshot = A,
    by: Person = DANA,
    at: datetime = NOW,
    replaces: ErpDocument | None = None,
    reopened: int = 0,
    *,
    moves: bool = False,
) -> Event[DecisionAccepted]:
    data = DecisionAccepted(
        **_about(revision),
        round=export_round,
        content_hash=content.content_hash,
        commitment=content,
        decided_by=by,
        sent_by=SAM,
        replaces=replaces,
        moves=moves,
        reopened=reopened,
    )
    return _event(data, at)


def first_approved(
    revision: int = 1, content: Snapshot = A, by: Person = DANA, at: datetime = NOW
) -> Event[DecisionFirstApproved]:
    data = DecisionFirstApproved(
        **_about(revision),
        content_hash=content.content_hash,
        decided_by=by,
        sent_by=SAM,
        created_by=CONCRETE_1.creator,
    )
    return _event(data, at)


def rejected(
    revision: int = 1,
    export_round: int = 0,
    reason: str = "Use 03-310.",
    by: Person = DANA,
    at: datetime = NOW,
    unlinks: ErpDocument | None = None,
    reopened: int = 0,
) -> Event[DecisionRejected]:
    data = DecisionRejected(
        **_about(revision),
        round=export_round,
        reason=reason,
        decided_by=by,
        summary=summarise(CONCRETE_1, SAM),
        unlinks=unlinks,
        reopened=reopened,
    )
    return _event(data, at)


def asked(revision: int = 1, number: int = 1, question: str = "Which floors?", by: Person = DANA) -> Event[Any]:
    data = QuestionAsked(
        **_about(revision),
        number=number,
        question=question,
        asked_by=by,
        answer_url="https://desk.example/q/token",
        summary=summarise(CONCRETE_1, SAM),
    )
    return _event(data, NOW)


def replied(revision: int = 1, number: int = 1, answer: str = "All of them.") -> Event[Any]:
    data = QuestionAnswered(**_about(revision), number=number, answer=answer, answered_by=SAM)
    return _event(data, NOW)


def resolved(
    revision: int = 1,
    export_round: int = 1,
    number: str = "PO-1001",
    by: Person = DANA,
    at: datetime = NOW,
    evidence: int = 1,
    confirmed_by: Person | None = None,
    withdrawn_by: Person | None = None,
) -> Event[DecisionResolved]:
    data = DecisionResolved(
        **_about(revision),
        round=export_round,
        document=document(number),
        decided_by=by,
        evidence=evidence,
        confirmed_by=confirmed_by,
        withdrawn_by=withdrawn_by,
    )
    return _event(data, at)


def confirmed(revision: int = 1, export_round: int = 1, number: str = "PO-1001") -> Event[ExportSucceeded]:
    """The success that the exporter publishes for evidence in which only a number is known."""
    data = ExportSucceeded(**_about(revision), round=export_round, erp_document=document_by_number(number))
    return _event(data, NOW)


def in_doubt(
    revision: int = 1,
    export_round: int = 1,
    probes: int = 0,
    at: datetime = NOW,
    *,
    is_probed: bool = True,
    refused_evidence: int = 0,
    checks_evidence: int = 0,
    reopened: int = 0,
) -> Event[ExportInDoubt]:
    data = ExportInDoubt(
        **_about(revision),
        round=export_round,
        since=NOW,
        asked="PO by reference: no answer.",
        probes=probes,
        next_probe=NOW + timedelta(minutes=probes + 1) if is_probed else None,
        connection="quickbooks",
        refused_evidence=refused_evidence,
        checks_evidence=checks_evidence,
        reopened=reopened,
    )
    return _event(data, at)


def failed(
    revision: int = 1,
    export_round: int = 1,
    message: str = "Vendor ACME is not active.",
    at: datetime = NOW,
    reopened: int = 0,
) -> Event[ExportFailed]:
    failure = Failure(
        failure_class=FailureClass.WAIT_FOR_DEPENDENCY,
        message=message,
        owner=Owner.APPROVER,
        next_step="Activate the vendor, then retry.",
        in_erp=False,
    )
    data = ExportFailed(
        **_about(revision),
        round=export_round,
        failure=failure,
        attempts=2,
        decided_by=DANA,
        summary=summarise(CONCRETE_1, SAM, "quickbooks"),
        reopened=reopened,
    )
    return _event(data, at)


def export_failed_as(
    failure: Failure, *, revision: int = 1, connection: str = "quickbooks", erp: str | None = None
) -> Event[ExportFailed]:
    """The first round of a revision failed for `failure`, in the ERP that people call `erp`."""
    told = failed(revision).data
    summary = told.summary.model_copy(update={"connection": connection, "erp": erp})
    return _event(told.model_copy(update={"failure": failure, "summary": summary}), NOW)


def gone(revision: int = 2, export_round: int = 1, number: str = "PO-1001", at: datetime = NOW) -> Event[ExportFailed]:
    """The failure of an update because the ERP no longer has the commitment's document."""
    failure = Failure(
        failure_class=FailureClass.WAIT_FOR_DEPENDENCY,
        code=DOCUMENT_GONE,
        message=f"The ERP no longer has {number}.",
        owner=Owner.APPROVER,
        next_step="Create it anew.",
        in_erp=False,
        document=document(number),
    )
    data = failed(revision, export_round).data.model_copy(update={"failure": failure})
    return _event(data, at)


def erp_left(revision: int = 2, export_round: int = 1, at: datetime = NOW) -> Event[ExportFailed]:
    """The failure of an update because the ERP of the commitment's document is no longer configured."""
    failure = Failure(
        failure_class=FailureClass.FIX_SETUP,
        code=UNKNOWN_CONNECTION,
        message="PO-1001 is in quickbooks, which is no longer configured.",
        owner=Owner.ERP_ADMIN,
        next_step="Say formerly, or create it anew.",
        in_erp=True,
        document=document(),
    )
    return _event(failed(revision, export_round).data.model_copy(update={"failure": failure}), at)


def succeeded(
    revision: int = 1, export_round: int = 1, number: str | None = "PO-1001", at: datetime = NOW, reopened: int = 0
) -> Event[ExportSucceeded]:
    data = ExportSucceeded(**_about(revision), round=export_round, erp_document=document(number), reopened=reopened)
    return _event(data, at)


CHANGED = (Change(field="Total", before="USD 480,250.00", after="USD 470,250.00"),)


def drifted(
    revision: int = 1,
    version: int = 1,
    differences: tuple[Change, ...] = CHANGED,
    *,
    is_missing: bool = False,
    reopened: int = 0,
) -> Event[ExportDrifted]:
    data = ExportDrifted(
        **_about(revision),
        version=version,
        document=document(),
        compared_at=NOW,
        is_missing=is_missing,
        differences=differences,
        reopened=reopened,
    )
    return _event(data, NOW)


def drift_accepted(
    revision: int = 1, version: int = 1, differences: tuple[Change, ...] = CHANGED, by: Person = DANA
) -> Event[DecisionDriftAccepted]:
    data = DecisionDriftAccepted(
        **_about(revision),
        version=version,
        is_missing=False,
        differences=differences,
        decided_by=by,
        note="Change order 1.",
    )
    return _event(data, NOW)


def document(number: str | None = "PO-1001") -> ErpDocument:
    return ErpDocument(connection="quickbooks", id=f"id-of-{number}" if number else "1", number=number)


def document_by_number(number: str = "PO-1001") -> ErpDocument:
    return ErpDocument(connection="quickbooks", id=number, number=number)


def without_version(facts: CommitmentFacts) -> CommitmentFacts:
    """`facts` without the status version, which counts publications and so depends on the order of events."""
    return replace(facts, status_version=0)


def after(*events: Event[EventData], known: CommitmentFacts | None = None, now: datetime = NOW) -> CommitmentFacts:
    """The facts once `events` were handled in this order."""
    facts = known or CommitmentFacts(ID)
    for event in events:
        facts = HANDLE[type(event.data)](facts, event, now).state
    return facts


def status_after(*events: Event[EventData]) -> CurrentStatus:
    """The current status once `events` were handled in this order."""
    current = current_status(after(*events))
    assert current is not None
    return current


def _about(revision: int) -> dict[str, Any]:
    return {"company_id": COMPANY, "project_id": PROJECT, "commitment_id": ID, "revision": revision}


def _event(data: DataT, at: datetime) -> Event[DataT]:
    return new_event(data, source="test", time=at)


READY = (sent(),)
EXPORTING = (sent(), accepted())
IN_DOUBT = (*EXPORTING, in_doubt())
FAILED = (*EXPORTING, failed())
REJECTED = (sent(), rejected())
RETRIEVED = (sent(), retrieved())
SYNCED = (*EXPORTING, succeeded())
GONE = (*SYNCED, sent(2), accepted(2), gone())
DISPUTED = (sent(), sent(1, B))
