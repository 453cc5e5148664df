"""Decides which mails an event becomes: to whom, under which subject, in which thread, and how long they are of use."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from typing import TypeAlias
from uuid import UUID

from schemas.commitment import Person, Summary
from schemas.envelope import Event
from schemas.events import ApprovalRequested, DecisionRejected, DigestReady, ExportFailed
from schemas.fields import MailKind
from services.notifier.rules.wording import one_line

MailData: TypeAlias = DecisionRejected | ExportFailed | ApprovalRequested | DigestReady

DATA_OF_KIND: dict[MailKind, type[MailData]] = {
    MailKind.REJECTED: DecisionRejected,
    MailKind.EXPORT_FAILED: ExportFailed,
    MailKind.RESENT: ApprovalRequested,
    MailKind.DIGEST: DigestReady,
}
KIND_OF_DATA = {data_type: kind for kind, data_type in DATA_OF_KIND.items()}
DIGEST_SUBJECT = "ERP Integrations Daily Summary"
DIGEST_USE = timedelta(hours=24)
COMMITMENT_USE = timedelta(days=7)
_SUBJECT_TITLE_CHARACTERS = 150
_SUBJECT_NAME_CHARACTERS = 80


@dataclass(frozen=True, slots=True)
class Mail:
    """One mail to one person about one event; (event id, recipient id) names it for good."""

    event_id: UUID
    recipient: Person
    data: MailData
    occurred_at: datetime
    created_at: datetime
    traceparent: str | None = None

    @property
    def kind(self) -> MailKind:
        """The occasion of this mail."""
        return KIND_OF_DATA[type(self.data)]

    @property
    def commitment_id(self) -> str | None:
        """The commitment that the mail is about; None for the daily summary."""
        return None if isinstance(self.data, DigestReady) else self.data.commitment_id

    @property
    def expires_at(self) -> datetime:
        """When the mail has outlived its use."""
        if isinstance(self.data, DigestReady):
            return self.data.due_at + DIGEST_USE
        return self.occurred_at + COMMITMENT_USE


def mails_of(event: Event[MailData], now: datetime) -> tuple[Mail, ...]:
    """The mails that `event` calls for, one to each person concerned."""
    return tuple(
        Mail(event.id, person, event.data, event.time, now, event.traceparent)
        for person in _each_once(_people_concerned(event.data))
    )


def is_expired(mail: Mail, now: datetime) -> bool:
    """Whether nobody is served by `mail` any more."""
    return now >= mail.expires_at


def subject(mail: Mail) -> str:
    """The subject of `mail`, on one line."""
    match mail.data:
        case DecisionRejected(summary=summary):
            return f"Rejected: {_item(summary)}"
        case ExportFailed(summary=summary):
            return f"Export failed: {_item(summary)}"
        case ApprovalRequested(summary=summary, revision=revision):
            return f"Re-sent: {_item(summary)}, revision {revision}"
        case DigestReady():
            return DIGEST_SUBJECT


def message_id(mail: Mail, domain: str) -> str:
    """The Message-ID, the same for every repeat of `mail`."""
    return _id_of((str(mail.event_id), mail.recipient.id, mail.kind), domain)


def thread_id(mail: Mail, domain: str) -> str:
    """What `mail` refers to, so that mail readers group by commitment and keep two days' summaries apart."""
    if isinstance(mail.data, DigestReady):
        return _id_of(("day", mail.recipient.id, mail.data.local_date.isoformat()), domain)
    return _id_of(("commitment", mail.data.commitment_id), domain)


def _people_concerned(data: MailData) -> tuple[Person, ...]:
    match data:
        case DecisionRejected():
            return data.summary.creator, data.summary.sent_by
        case ExportFailed():
            return data.summary.creator, data.summary.sent_by, data.decided_by
        case ApprovalRequested():
            return (data.approver,)
        case DigestReady():
            return (data.recipient,)


def _each_once(people: Iterable[Person]) -> Iterator[Person]:
    """Yield each person once; people who share an id or an address are one."""
    known: set[tuple[str, str]] = set()
    for person in people:
        names = {("id", person.id), ("address", person.email.casefold())}
        if known.isdisjoint(names):
            yield person
        known |= names


def _item(summary: Summary) -> str:
    number = one_line(summary.number, _SUBJECT_NAME_CHARACTERS)
    title = one_line(summary.title, _SUBJECT_TITLE_CHARACTERS)
    return one_line(f"{number} {title} ({one_line(summary.project, _SUBJECT_NAME_CHARACTERS)})")


def _id_of(parts: tuple[str, ...], domain: str) -> str:
    digest = sha256("\n".join(parts).encode()).hexdigest()
    return f"<{digest}@{domain}>"
