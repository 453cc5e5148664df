"""Turns an event into the mails that it causes, unless they are queued already."""

from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from schemas.envelope import Event
from schemas.events import SubmissionRefused
from services.notifier.rules.mails.mail import Mail, mails_of
from services.notifier.rules.mails.mail_type import MailData
from services.pipeline.fold import Decided, RefusedError


@dataclass(frozen=True, slots=True)
class QueuedMails:
    """The events whose mails about one commitment, or to one reader of the summary, are queued; and their company.

    A submission that was refused does not tell it: nobody has checked which company it names.
    """

    company_id: str | None = None
    event_ids: frozenset[UUID] = frozenset()


def queue_mails(queued: QueuedMails, event: Event[MailData], now: datetime) -> Decided[QueuedMails, Mail]:
    """The mails that `event` causes, none if they are queued already; RefusedError for an event of another company."""
    is_checked = not isinstance(event.data, SubmissionRefused)
    if is_checked and queued.company_id not in {None, event.data.company_id}:
        raise RefusedError("other_company", f"{event.subject} belongs to company {queued.company_id}")
    if event.id in queued.event_ids:
        return Decided(queued, is_changed=False)
    company_id = event.data.company_id if is_checked else queued.company_id
    after = replace(queued, company_id=company_id, event_ids=queued.event_ids | {event.id})
    return Decided(after, rows=mails_of(event, now))
