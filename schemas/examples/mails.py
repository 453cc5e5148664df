"""Events that the digest and the notifier publish: the daily summary, and the outcome of each mail."""

from datetime import date
from typing import Any
from uuid import UUID

from schemas.commitment import Commitment, summarise
from schemas.events import CurrencyTotal, DigestReady, DigestRow, DigestSection, MailSettled
from schemas.examples import answers, exports
from schemas.examples.cast import ANA, COMPANY, CONCRETE_2, CONNECTION, DANA, SAM, STEEL_2, instant
from schemas.examples.example import DIGEST, NOTIFIER, Example, example
from schemas.fields import MailOutcome, Status

_DESK = "https://desk.example"


def _section(commitment: Commitment, status: Status, since: str, message: str, age_days: int) -> DigestSection:
    row = DigestRow(
        commitment_id=commitment.id,
        revision=2,
        status=status,
        since=instant(since),
        age_days=age_days,
        message=message,
        summary=summarise(commitment, SAM, CONNECTION),
        url=f"{_DESK}/commitments/{commitment.id}",
    )
    total = CurrencyTotal(currency=commitment.currency, total=commitment.total)
    return DigestSection(count=1, totals=(total,), oldest_days=age_days, rows=(row,))


def _event_id(examples: tuple[Example, ...], name: str) -> str:
    return next(str(example.event.id) for example in examples if example.name == name)


def _settled(name: str, at: str, **mail: Any) -> Example:
    data = MailSettled(company_id=COMPANY, settled_at=instant(at), recipient_id=mail["recipient"].id, **mail)
    return example(name, NOTIFIER, at, data)


EXAMPLES: tuple[Example, ...] = (
    example(
        "wednesday",
        DIGEST,
        "2026-11-18T12:00:00Z",
        DigestReady(
            company_id=COMPANY,
            recipient=DANA,
            local_date=date(2026, 11, 18),
            time_zone="America/Chicago",
            due_at=instant("2026-11-18T12:00:00Z"),
            waiting=_section(
                CONCRETE_2, Status.READY, "2026-11-17T14:20:01Z", "Waiting for an accounting approver.", age_days=0
            ),
            failed=_section(
                STEEL_2,
                Status.FAILED,
                "2026-11-16T22:00:03Z",
                "32 characters in the title; QuickBooks takes 31.",
                age_days=1,
            ),
            in_doubt=DigestSection(count=0),
            yesterday=DigestSection(count=0),
            desk_url=_DESK,
            unsubscribe_url=f"{_DESK}/u/cGVyc29uLTU",
        ),
    ),
    _settled(
        "rejection-to-creator",
        "2026-11-16T16:10:02Z",
        event_id=_event_id(answers.EXAMPLES, "closed-cost-code"),
        kind="rejected",
        recipient=ANA,
        commitment_id=CONCRETE_2.id,
        outcome=MailOutcome.SENT,
    ),
    _settled(
        "failure-to-sender",
        "2026-11-16T22:04:00Z",
        event_id=_event_id(exports.EXAMPLES, "title-too-long"),
        kind="export_failed",
        recipient=SAM,
        commitment_id=STEEL_2.id,
        outcome=MailOutcome.FAILED,
        reason="550 5.1.1 No such mailbox",
    ),
    _settled(
        "re-sent-to-approver",
        "2026-11-17T14:20:03Z",
        event_id=_event_id(answers.EXAMPLES, "cost-code-corrected"),
        kind="resent",
        recipient=DANA,
        commitment_id=CONCRETE_2.id,
        outcome=MailOutcome.SENT,
    ),
    _settled(
        "summary-expired",
        "2026-11-19T12:00:00Z",
        event_id=str(UUID("0f0d5b1e-5d0c-5a33-8f55-6f6f3a1f9b42")),
        kind="digest",
        recipient=DANA,
        outcome=MailOutcome.EXPIRED,
    ),
)
