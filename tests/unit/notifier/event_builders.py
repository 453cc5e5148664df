"""Builders of the events that cause mails, and the mails themselves: Ana created it, Sam sent it, Dana decides."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from textwrap import dedent
from typing import Any
from urllib.parse import quote

from schemas.commitment import Person, Summary
from schemas.envelope import Event, new_event
from schemas.events import (
    ApprovalRequested,
    Change,
    CurrencyTotal,
    DecisionRejected,
    DigestReady,
    DigestRow,
    DigestSection,
    ExportFailed,
    Failure,
    QuestionAnswered,
    QuestionAsked,
    SubmissionRefused,
)
from schemas.fields import FailureClass, Kind, Owner, Status
from services.notifier.composing import Composer
from services.notifier.rules.mails.mail import Mail, mails_of
from services.notifier.rules.mails.mail_type import MailData

COMPOSER = Composer("Countersign <erp@desk.example>", "https://desk.example/")
NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
ANA = Person(id="p-ana", name="Ana Gil", email="ana.gil@pm.example")
SAM = Person(id="p-sam", name="Sam Lee", email="sam.lee@pm.example")
DANA = Person(id="p-dana", name="Dana Ruiz", email="dana.ruiz@acc.example")
SUMMARY = Summary(
    number="SC-014",
    title="Concrete works",
    kind=Kind.SUBCONTRACT,
    project="Riverside Tower",
    vendor="Acme Concrete",
    currency="USD",
    total="480250.00",
    creator=ANA,
    sent_by=SAM,
    url="https://pm.example/commitments/8841",
    connection="QuickBooks",
)
_COMMITMENT: dict[str, Any] = {"company_id": "c-1", "project_id": "pr-1", "commitment_id": "8841"}


def rejected(summary: Summary = SUMMARY, **overrides: Any) -> DecisionRejected:
    defaults = {
        "revision": 1,
        "round": 0,
        "reason": "Line 3: cost code 03-300 is closed. Use 03-310.",
        "decided_by": DANA,
        "summary": summary,
    }
    return DecisionRejected(**_COMMITMENT | defaults | overrides)


def rejections(count: int, first: int = 1, summary: Summary = SUMMARY, **overrides: Any) -> list[DecisionRejected]:
    """Rejections of so many commitments, SC-101 and so on, from the `first` of them."""
    return [
        rejected(
            summary.model_copy(
                update={"number": f"SC-{100 + place}", "url": f"https://pm.example/commitments/{place}"}
            ),
            **{"commitment_id": f"f-{place}"} | overrides,
        )
        for place in range(first, first + count)
    ]


def failure(failure_class: FailureClass = FailureClass.FIX_DATA, **overrides: Any) -> Failure:
    defaults = {
        "failure_class": failure_class,
        "code": "3070",
        "message": "15 characters in the number; QuickBooks takes 11.",
        "owner": Owner.PROJECT_MANAGER,
        "next_step": "Reject it with this message; correct the commitment and re-send.",
        "in_erp": False,
    }
    return Failure(**defaults | overrides)


def export_failed(summary: Summary = SUMMARY, **overrides: Any) -> ExportFailed:
    defaults = {
        "revision": 2,
        "round": 1,
        "failure": failure(),
        "attempts": 1,
        "decided_by": DANA,
        "summary": summary,
    }
    return ExportFailed(**_COMMITMENT | defaults | overrides)


def resent(summary: Summary = SUMMARY, **overrides: Any) -> ApprovalRequested:
    defaults = {
        "revision": 2,
        "approver": DANA,
        "previous_revision": 1,
        "previous_reason": "Line 3: cost code 03-300 is closed.",
        "changes": (Change(field="Line 3 cost code", before="03-300", after="03-310"),),
        "note": "Moved to 03-310.",
        "summary": summary,
    }
    return ApprovalRequested(**_COMMITMENT | defaults | overrides)


def question(summary: Summary = SUMMARY, **overrides: Any) -> QuestionAsked:
    defaults = {
        "revision": 2,
        "number": 1,
        "question": "Does line 3 include the slabs of levels 8 to 12?",
        "asked_by": DANA,
        "answer_url": "https://desk.example/q/token.signature",
        "summary": summary,
    }
    return QuestionAsked(**_COMMITMENT | defaults | overrides)


def answered(summary: Summary | None = SUMMARY, **overrides: Any) -> QuestionAnswered:
    defaults = {
        "revision": 2,
        "number": 1,
        "answer": "Yes, all of them.",
        "answered_by": SAM,
        "question": "Does line 3 include the slabs of levels 8 to 12?",
        "asked_by": DANA,
        "summary": summary,
    }
    return QuestionAnswered(**_COMMITMENT | defaults | overrides)


def digest_row(number: str, status: Status, age_days: int, message: str = "", **summary: Any) -> DigestRow:
    return DigestRow(
        commitment_id=f"id-{quote(number)[:90]}",
        revision=1,
        status=status,
        since=NOW - timedelta(days=age_days),
        age_days=age_days,
        message=message,
        summary=SUMMARY.model_copy(update={"number": number, **summary}),
        url=f"https://desk.example/commitments/id-{quote(number)}",
    )


def digest_ready(**overrides: Any) -> DigestReady:
    defaults = {
        "company_id": "c-1",
        "recipient": DANA,
        "local_date": date(2026, 11, 22),
        "time_zone": "America/Chicago",
        "due_at": NOW,
        "waiting": DigestSection(
            count=1,
            totals=(CurrencyTotal(currency="USD", total="480250.00"),),
            oldest_days=9,
            rows=(digest_row("SC-014", Status.READY, 9),),
        ),
        "failed": DigestSection(
            count=1,
            rows=(digest_row("SC-009", Status.FAILED, 2, "Number too long. Next: you reject, Sam Lee corrects."),),
        ),
        "in_doubt": DigestSection(
            count=1,
            rows=(digest_row("PO-099", Status.IN_DOUBT, 1, "QuickBooks did not confirm. Next check 07:10 CST."),),
        ),
        "yesterday": DigestSection(
            count=6,
            rows=(
                *(digest_row(f"SC-10{number}", Status.SYNCED, 1) for number in range(5)),
                digest_row("SC-110", Status.REJECTED, 1),
            ),
        ),
        "desk_url": "https://desk.example/",
        "unsubscribe_url": "https://desk.example/u/TOKEN",
    }
    return DigestReady(**defaults | overrides)


def submission_refused(**overrides: Any) -> SubmissionRefused:
    defaults: dict[str, Any] = {
        "company_id": "c-1",
        "commitment_id": "8841",
        "revision": 2,
        "message_hash": "a" * 64,
        "reason": "too_large",
        "message": "SC-014 did not reach accounting: 2400 lines; at most 2000 are taken.",
        "next_step": "Make it smaller, for example as two commitments, and send it to accounting again.",
        "number": "SC-014",
        "title": "Concrete works",
        "project": "Riverside Tower",
        "url": "https://pm.example/commitments/8841",
        "creator": ANA,
        "sent_by": SAM,
    }
    return SubmissionRefused(**defaults | overrides)


ONE_OF_EACH: tuple[MailData, ...] = (
    rejected(), export_failed(), resent(), question(), answered(), submission_refused(), digest_ready()
)  # fmt: skip


def event_of(data: MailData, time: datetime = NOW) -> Event[MailData]:
    return new_event(data, source="countersign/approval", time=time)


def mail_of(data: MailData, time: datetime = NOW) -> Mail:
    """The mail to the first recipient."""
    return mails_of(event_of(data, time), NOW)[0]


def mail_of_all(several: Sequence[MailData], time: datetime = NOW) -> Mail:
    """The mails to the first recipient as one message; the first leads."""
    first, *others = [mail_of(data, time) for data in several]
    return replace(first, others=tuple(others))


def recipients_of(data: MailData) -> list[str]:
    """The names of all who get a mail about the event, in order."""
    return [mail.recipient.name for mail in mails_of(event_of(data), NOW)]


def text_of(data: MailData, max_rows: int = 100) -> str:
    """The text part of the mail."""
    return COMPOSER.parts(mail_of(data), max_rows)[0]


def lines(text: str) -> str:
    """`text` without its indentation and the empty lines around it."""
    return dedent(text).strip()
