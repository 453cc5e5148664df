"""Events that the exporter publishes: outcomes of exports, and the state of the ERP connection."""

from datetime import date
from typing import Any

from schemas.commitment import Commitment, summarise
from schemas.events import (
    DOCUMENT_GONE,
    UNKNOWN_CONNECTION,
    Change,
    ErpConnection,
    ExportDrifted,
    ExportFailed,
    ExportInDoubt,
    ExportSucceeded,
    Failure,
    LimitsProfile,
)
from schemas.examples.cast import (
    COMPANY,
    CONCRETE_2,
    CONCRETE_DOCUMENT,
    CONCRETE_DOCUMENT_2,
    CONNECTION,
    DANA,
    SAM,
    STEEL_2,
    STEEL_3,
    instant,
)
from schemas.examples.example import EXPORTER, Example, about, example
from schemas.fields import FailureClass, Owner


def _failed(
    name: str, at: str, commitment: Commitment, revision: int, export_round: int, *, attempts: int = 1, **failure: Any
) -> Example:
    data = ExportFailed(
        **about(commitment, revision),
        round=export_round,
        failure=Failure(in_erp=False, **failure),
        attempts=attempts,
        decided_by=DANA,
        summary=summarise(commitment, SAM, CONNECTION),
    )
    return example(name, EXPORTER, at, data)


def _in_doubt(name: str, at: str, **asked: Any) -> Example:
    data = ExportInDoubt(
        **about(STEEL_3, 3), round=4, since=instant("2026-11-20T15:12:30Z"), connection=CONNECTION, **asked
    )
    return example(name, EXPORTER, at, data)


def _connection(name: str, at: str, **state: Any) -> Example:
    now = instant(at)
    data = ErpConnection(
        name=CONNECTION,
        version=int(now.timestamp() * 1000),
        kind="http",
        title="QuickBooks",
        companies=(COMPANY,),
        priority=1,
        currencies=("USD",),
        limits=LimitsProfile(
            profile="quickbooks_desktop",
            profile_version=date(2026, 11, 28),
            number_characters=11,
            title_characters=31,
            memo_characters=4095,
            takes_accounting_date=True,
            accounting_days_back=60,
            accounting_days_ahead=31,
            accounting_date_from=date(2026, 11, 1),
        ),
        **state,
    )
    return example(name, EXPORTER, at, data)


EXAMPLES: tuple[Example, ...] = (
    example(
        "concrete-works",
        EXPORTER,
        "2026-11-18T15:15:03Z",
        ExportSucceeded(**about(CONCRETE_2, 2), round=1, erp_document=CONCRETE_DOCUMENT),
    ),
    example(
        "created-anew",
        EXPORTER,
        "2026-11-21T16:05:03Z",
        ExportSucceeded(**about(CONCRETE_2, 3), round=2, erp_document=CONCRETE_DOCUMENT_2),
    ),
    example(
        "changed-by-hand",
        EXPORTER,
        "2026-11-22T02:14:00Z",
        ExportDrifted(
            **about(CONCRETE_2, 2),
            version=int(instant("2026-11-22T02:14:00Z").timestamp() * 1000),
            document=CONCRETE_DOCUMENT,
            compared_at=instant("2026-11-22T02:14:00Z"),
            is_missing=False,
            differences=(
                Change(field="Total", before="USD 480,250.00", after="USD 470,250.00"),
                Change(field="Line 2 amount", before="USD 130,250.00", after="USD 120,250.00"),
            ),
        ),
    ),
    _failed(
        "vendor-unknown",
        "2026-11-18T19:00:02Z",
        STEEL_3,
        3,
        1,
        failure_class=FailureClass.WAIT_FOR_DEPENDENCY,
        code="3140",
        message="QuickBooks has no vendor Ironline Steel Supply.",
        owner=Owner.APPROVER,
        next_step="Set up the vendor in QuickBooks, then choose Retry.",
    ),
    _failed(
        "erp-away",
        "2026-11-19T15:10:00Z",
        STEEL_3,
        3,
        2,
        attempts=12,
        failure_class=FailureClass.RETRY_LATER,
        message="QuickBooks has not answered for an hour.",
        owner=Owner.SYSTEM,
        next_step="Nothing for now; if it stays so, an approver chooses Retry.",
    ),
    _failed(
        "no-access",
        "2026-11-19T20:30:00Z",
        STEEL_3,
        3,
        3,
        failure_class=FailureClass.FIX_SETUP,
        code="401",
        message="QuickBooks refused the credentials of this connection.",
        owner=Owner.ERP_ADMIN,
        next_step="Renew the credentials of quickbooks-main, then choose Retry.",
    ),
    _failed(
        "title-too-long",
        "2026-11-16T22:00:02Z",
        STEEL_2,
        2,
        1,
        failure_class=FailureClass.FIX_DATA,
        code="3070",
        message="32 characters in the title; QuickBooks takes 31.",
        owner=Owner.PROJECT_MANAGER,
        next_step="Dana Ruiz rejects it; Sam Lee shortens the title and re-sends it.",
    ),
    _failed(
        "document-gone",
        "2026-11-21T16:00:02Z",
        CONCRETE_2,
        3,
        1,
        failure_class=FailureClass.WAIT_FOR_DEPENDENCY,
        code=DOCUMENT_GONE,
        message="QuickBooks no longer has SC-014, the document of this commitment.",
        owner=Owner.APPROVER,
        next_step="If SC-014 was deleted on purpose, choose Create anew; otherwise restore it in the ERP, then retry.",
        document=CONCRETE_DOCUMENT,
    ),
    _failed(
        "erp-left",
        "2026-11-21T16:30:02Z",
        CONCRETE_2,
        4,
        1,
        failure_class=FailureClass.FIX_SETUP,
        code=UNKNOWN_CONNECTION,
        message="SC-014, the document of SC-014, is in quickbooks-main, which is no longer configured.",
        owner=Owner.ERP_ADMIN,
        next_step="If quickbooks-main was only renamed, say formerly; if the company has left it, choose Create anew.",
        document=CONCRETE_DOCUMENT,
    ),
    _in_doubt(
        "answer-lost",
        "2026-11-20T15:12:30Z",
        asked="The order was sent; the connection broke before the answer.",
        next_probe=instant("2026-11-20T15:13:30Z"),
    ),
    _in_doubt(
        "a-person-decides",
        "2026-11-20T16:12:30Z",
        asked="Asked six times for an order with this reference; QuickBooks gave no clear answer.",
        probes=6,
    ),
    _connection("answering", "2026-11-18T15:15:03Z", last_contact=instant("2026-11-18T15:15:03Z")),
    _connection(
        "circuit-open",
        "2026-11-19T14:40:00Z",
        last_contact=instant("2026-11-19T14:10:12Z"),
        circuit_open_since=instant("2026-11-19T14:40:00Z"),
        paused_until=instant("2026-11-19T14:40:09Z"),
        reason="QuickBooks could not be reached: nothing listens on erp.example.com, port 443.",
        queue_length=14,
    ),
    _connection(
        "asked-to-wait",
        "2026-11-19T16:40:00Z",
        last_contact=instant("2026-11-19T16:40:00Z"),
        paused_until=instant("2026-11-19T16:42:00Z"),
        reason="Too many calls: 60 in a minute are allowed (HTTP 429).",
        queue_length=3,
    ),
)
