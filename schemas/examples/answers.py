"""Events that approval publishes: decisions, requests to review again, and the status of each commitment."""

from datetime import date
from typing import Any

from schemas.commitment import Commitment, ErpDocument, summarise
from schemas.events import (
    ApprovalRequested,
    Change,
    CommitmentStatus,
    DecisionAccepted,
    DecisionDriftAccepted,
    DecisionFirstApproved,
    DecisionRejected,
    DecisionResolved,
    DigestPreference,
    SubmissionRefused,
)
from schemas.examples.cast import (
    CLOSED_COST_CODE,
    COMPANY,
    CONCRETE_1,
    CONCRETE_2,
    CONCRETE_DOCUMENT,
    CONNECTION,
    DANA,
    KIM,
    SAM,
    STEEL_1,
    STEEL_2,
    STEEL_3,
    STEEL_DOCUMENT,
    instant,
    snapshot,
)
from schemas.examples.example import APPROVAL, Example, about, example
from schemas.fields import Ribbon, Status

_LOCKED_FIELDS = ("number", "vendor", "title", "status")


def _accepted(commitment: Commitment, revision: int, export_round: int, **wishes: Any) -> DecisionAccepted:
    approved = snapshot(commitment)
    return DecisionAccepted(
        **about(commitment, revision),
        round=export_round,
        content_hash=approved.content_hash,
        commitment=approved,
        decided_by=DANA,
        sent_by=SAM,
        **wishes,
    )


def _status(
    status: Status,
    ribbon: Ribbon,
    at: str,
    commitment: Commitment,
    revision: int,
    message: str,
    erp_document: ErpDocument | None = None,
) -> Example:
    since = instant(at)
    data = CommitmentStatus(
        **about(commitment, revision),
        version=int(since.timestamp() * 1000),
        status=status,
        ribbon=ribbon,
        editable=status in {Status.REJECTED, Status.RETRIEVED},
        locked_fields=_LOCKED_FIELDS if erp_document else (),
        message=message,
        erp_document=erp_document,
        since=since,
        summary=summarise(commitment, SAM, CONNECTION),
    )
    return example(status.value.replace("_", "-"), APPROVAL, at, data)


_COMPARED = int(instant("2026-11-22T02:14:00Z").timestamp() * 1000)

_DECISIONS: tuple[Example, ...] = (
    example(
        "second-approver-needed",
        APPROVAL,
        "2026-11-18T14:50:00Z",
        DecisionFirstApproved(
            **about(CONCRETE_2, 2),
            content_hash=snapshot(CONCRETE_2).content_hash,
            decided_by=DANA,
            sent_by=SAM,
            created_by=CONCRETE_2.creator,
            accounting_date=date(2026, 11, 18),
            note="The price was agreed on the phone.",
        ),
    ),
    example(
        "concrete-works",
        APPROVAL,
        "2026-11-18T15:15:00Z",
        _accepted(CONCRETE_2, 2, 1, accounting_date=date(2026, 11, 18)),
    ),
    example(
        "tried-again",
        APPROVAL,
        "2026-11-19T14:10:00Z",
        _accepted(STEEL_3, 3, 2, erp_code="PO-099", note="Ironline is set up in QuickBooks now."),
    ),
    example(
        "created-anew",
        APPROVAL,
        "2026-11-21T16:05:00Z",
        _accepted(CONCRETE_2, 3, 2, replaces=CONCRETE_DOCUMENT),
    ),
    example(
        "moved-to-another-erp",
        APPROVAL,
        "2026-11-21T16:35:00Z",
        _accepted(CONCRETE_2, 4, 2, replaces=CONCRETE_DOCUMENT, moves=True),
    ),
    example(
        "exported-again",
        APPROVAL,
        "2026-11-22T09:30:00Z",
        _accepted(CONCRETE_2, 2, 2, reopened=1, why="Somebody changed line 2 in QuickBooks by mistake."),
    ),
    example(
        "unlinked",
        APPROVAL,
        "2026-11-22T09:40:00Z",
        DecisionRejected(
            **about(CONCRETE_2, 2),
            round=2,
            reason="It was linked to the purchase order of another contract. Please send it again.",
            decided_by=DANA,
            summary=summarise(CONCRETE_2, SAM, CONNECTION),
            unlinks=CONCRETE_DOCUMENT,
            reopened=1,
        ),
    ),
    example(
        "change-order-in-the-erp",
        APPROVAL,
        "2026-11-22T09:20:00Z",
        DecisionDriftAccepted(
            **about(CONCRETE_2, 2),
            version=_COMPARED,
            is_missing=False,
            differences=(Change(field="Total", before="USD 480,250.00", after="USD 470,250.00"),),
            decided_by=DANA,
            note="We booked change order 1 in QuickBooks; it will be re-sent with the next revision.",
        ),
    ),
    example(
        "closed-cost-code",
        APPROVAL,
        "2026-11-16T16:10:00Z",
        DecisionRejected(
            **about(CONCRETE_1, 1),
            round=0,
            reason=CLOSED_COST_CODE,
            decided_by=DANA,
            summary=summarise(CONCRETE_1, SAM, CONNECTION),
        ),
    ),
    example(
        "after-a-failed-export",
        APPROVAL,
        "2026-11-18T15:20:00Z",
        DecisionRejected(
            **about(STEEL_2, 2),
            round=1,
            reason="QuickBooks takes 31 characters in the title. Shorten it to “Structural steel”.",
            decided_by=DANA,
            summary=summarise(STEEL_2, SAM, CONNECTION),
        ),
    ),
    example(
        "found-in-erp",
        APPROVAL,
        "2026-11-20T16:30:00Z",
        DecisionResolved(
            **about(STEEL_3, 3),
            round=4,
            document=STEEL_DOCUMENT,
            decided_by=DANA,
            note="I opened PO-099 in QuickBooks: 40.0 t of beams, USD 148,540.00.",
        ),
    ),
    example(
        "confirmed-by-a-second-approver",
        APPROVAL,
        "2026-11-20T16:50:00Z",
        DecisionResolved(
            **about(STEEL_3, 3),
            round=4,
            document=STEEL_DOCUMENT,
            decided_by=DANA,
            note="PO-099 is there, with both lines.",
            confirmed_by=KIM,
        ),
    ),
    example(
        "cost-code-corrected",
        APPROVAL,
        "2026-11-17T14:20:01Z",
        ApprovalRequested(
            **about(CONCRETE_2, 2),
            approver=DANA,
            previous_revision=1,
            previous_reason=CLOSED_COST_CODE,
            changes=(Change(field="Line 3 cost code", before="03-300", after="03-310"),),
            note="Moved to 03-310.",
            summary=summarise(CONCRETE_2, SAM, CONNECTION),
        ),
    ),
    example(
        "no-more-summaries",
        APPROVAL,
        "2026-11-19T18:01:00Z",
        DigestPreference(company_id=COMPANY, person_id=KIM.id, version=2, subscribed=False),
    ),
)

_STATUSES: tuple[Example, ...] = (
    _status(Status.READY, Ribbon.BLUE, "2026-11-16T15:02:01Z", CONCRETE_1, 1, "Waiting for an accounting approver."),
    _status(
        Status.REJECTED,
        Ribbon.YELLOW,
        "2026-11-16T16:10:00Z",
        CONCRETE_1,
        1,
        f"Dana Ruiz rejected it: {CLOSED_COST_CODE}",
    ),
    _status(
        Status.EXPORTING, Ribbon.BLUE, "2026-11-18T15:15:00Z", CONCRETE_2, 2, "Accepted, on its way to QuickBooks."
    ),
    _status(
        Status.SYNCED,
        Ribbon.GREEN,
        "2026-11-18T15:15:04Z",
        CONCRETE_2,
        2,
        "In QuickBooks as SC-014.",
        CONCRETE_DOCUMENT,
    ),
    _status(Status.RETRIEVED, Ribbon.YELLOW, "2026-11-16T19:05:00Z", STEEL_1, 1, "Sam Lee took it back."),
    _status(
        Status.DISPUTED,
        Ribbon.BLUE,
        "2026-11-16T18:40:05Z",
        STEEL_1,
        1,
        "Two different contents arrived as revision 1. Retrieve it, reject it or send revision 2.",
    ),
    _status(
        Status.FAILED,
        Ribbon.BLUE,
        "2026-11-16T22:00:03Z",
        STEEL_2,
        2,
        "32 characters in the title; QuickBooks takes 31. Dana Ruiz rejects it, Sam Lee shortens the title.",
    ),
    _status(
        Status.IN_DOUBT,
        Ribbon.BLUE,
        "2026-11-20T15:12:30Z",
        STEEL_3,
        3,
        "QuickBooks did not confirm PO-099. It is being asked whether the order exists.",
    ),
)

_REFUSALS: tuple[Example, ...] = (
    example(
        "too-many-lines",
        APPROVAL,
        "2026-11-16T15:02:01Z",
        SubmissionRefused(
            company_id=COMPANY,
            project_id=STEEL_1.project.id,
            commitment_id=STEEL_1.id,
            revision=1,
            message_hash="5d0f3a1a8a5d5a0b6a5c4b0a1f2e3d4c5b6a79880716253443526170f0e1d2c3",
            reason="too_large",
            message="PO-099 did not reach accounting: 2400 lines; at most 2000 are taken.",
            next_step="Make it smaller, for example as two commitments, and send it to accounting again.",
            number=STEEL_1.number,
            title=STEEL_1.title,
            project=STEEL_1.project.name,
            url=STEEL_1.url,
            creator=STEEL_1.creator,
            sent_by=SAM,
        ),
    ),
)

EXAMPLES = _DECISIONS + _STATUSES + _REFUSALS
