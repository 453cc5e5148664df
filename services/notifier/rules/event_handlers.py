"""What each event means to the notifier: the mails that it calls for, unless they were queued before."""

from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from schemas.envelope import Event
from services.notifier.rules.mails.mail import Mail, mails_of
from services.notifier.rules.mails.mail_type import MailData
from services.pipeline.fold import Decided, RefusedError


@dataclass(frozen=True, slots=True)
class Told:
    """What was told about a commitment, or to a reader of the daily summary: the events, and whose they are."""

    company_id: str | None = None
    event_ids: frozenset[UUID] = frozenset()


def tell(told: Told, event: Event[MailData], now: datetime) -> Decided[Told, Mail]:
    """The mails that `event` calls for, none when it has been told already; RefusedError from another company."""
    if told.company_id not in {None, event.data.company_id}:
        raise RefusedError("other_company", f"{event.subject} belongs to company {told.company_id}")
    if event.id in told.event_ids:
        return Decided(told, is_changed=False)
    known = replace(told, company_id=event.data.company_id, event_ids=told.event_ids | {event.id})
    return Decided(known, rows=mails_of(event, now))
