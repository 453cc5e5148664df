"""In whose daily summaries a commitment stood, and when it is in the next ones."""

from collections.abc import Collection, Iterable
from datetime import date, datetime, time

from schemas.story import ToldSummary
from services.digest.rules.due import latest_due, next_due
from services.digest.rules.items import OPEN
from services.digest.rules.recipients import Recipient


def is_listed(status: str) -> bool:
    """Whether a commitment with this status is in every summary until somebody has acted on it."""
    return status in OPEN


def next_summaries(
    recipients: Iterable[Recipient], since: datetime, sent: Collection[tuple[str, date]], digest_at: time, now: datetime
) -> tuple[ToldSummary, ...]:
    """The next summary of everybody who gets one, of what is listed since `since`; in the past if it is overdue."""
    return tuple(
        _next(each, since, sent, digest_at, now)
        for each in recipients
        if each.is_subscribed and each.person.is_approver
    )


def _next(
    recipient: Recipient, since: datetime, sent: Collection[tuple[str, date]], digest_at: time, now: datetime
) -> ToldSummary:
    person = recipient.person
    due = latest_due(now, recipient.zone, digest_at)
    if (person.person_id, due.local_date) in sent or since > due.at:
        due = next_due(now, recipient.zone, digest_at)
    return ToldSummary(recipient_id=person.person_id, recipient=person.name, local_date=due.local_date, at=due.at)
