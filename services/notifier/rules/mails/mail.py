"""One mail to one person: who gets it, its ids, and when it expires."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Any
from uuid import UUID

from schemas.commitment import Person
from schemas.envelope import Event
from schemas.events import DigestReady
from services.notifier.rules.addresses import Address, address_of
from services.notifier.rules.mails import MAIL_TYPES
from services.notifier.rules.mails.mail_type import ContentOptions, Contents, MailData, MailType, Several

TYPE_OF_KIND: dict[str, MailType[Any]] = {each.kind: each for each in MAIL_TYPES}
_TYPE_OF_DATA: dict[type[MailData], MailType[Any]] = {each.data_type: each for each in MAIL_TYPES}


@dataclass(frozen=True, slots=True)
class Mail:
    """One mail to one person about one event; (event id, recipient id) identifies it."""

    type: MailType[Any]
    event_id: UUID
    recipient: Person
    data: MailData
    occurred_at: datetime
    created_at: datetime
    traceparent: str | None = None
    others: tuple["Mail", ...] = ()
    """The mails to the same person that go out in the same message; its ids and times are those of this one."""

    place: tuple[int, int] | None = None
    """The partition and the offset at which its event was read."""

    @property
    def kind(self) -> str:
        """The kind of its type."""
        return self.type.kind

    @property
    def commitment_id(self) -> str | None:
        """The commitment that the mail is about; None for the daily summary."""
        return None if isinstance(self.data, DigestReady) else self.data.commitment_id

    @property
    def expires_at(self) -> datetime:
        """When the mail stops being worth sending."""
        useful_from = self.type.useful_from(self.data) if self.type.useful_from else self.occurred_at
        return useful_from + self.type.useful_for

    def is_expired(self, now: datetime) -> bool:
        """Whether `now` is too late to send the mail."""
        return now >= self.expires_at

    @property
    def subject(self) -> str:
        """The subject, on one line."""
        several = self._several
        return several.subject(self._all_data) if several else self.type.subject(self.data)

    @property
    def template(self) -> str:
        """The name of its templates, without their ending."""
        return "several" if self._several else "body"

    def contents(self, options: ContentOptions) -> Contents:
        """The variables of the templates."""
        several = self._several
        own = several.contents(self._all_data, options) if several else self.type.contents(self.data, options)
        return {"subject": self.subject} | own

    @property
    def _several(self) -> Several[Any] | None:
        return self.type.several if self.others else None

    @property
    def _all_data(self) -> tuple[MailData, ...]:
        return (self.data, *(each.data for each in self.others))


def mails_of(event: Event[MailData], now: datetime) -> tuple[Mail, ...]:
    """The mails that `event` causes: one for each recipient."""
    mail_type = _TYPE_OF_DATA[type(event.data)]
    return tuple(
        Mail(mail_type, event.id, person, event.data, event.time, now, event.traceparent, place=event.place)
        for person in _each_once(mail_type.recipients(event.data))
    )


def message_id(mail: Mail, domain: str) -> str:
    """The Message-ID, the same for every repeat of `mail`."""
    return _id_of((str(mail.event_id), mail.recipient.id, mail.kind), domain)


def thread_id(mail: Mail, domain: str) -> str:
    """The id in References that all mails of one thread share.

    A message about several commitments has its own: in the threads of all, it would make one thread of them.
    """
    return _id_of(("several", str(mail.event_id)) if mail.others else mail.type.thread(mail.data), domain)


def _each_once(people: Sequence[Person]) -> Iterator[Person]:
    """Yield each person once; people who share an id or a usable address count as one.

    Whoever is named with and without a usable address has one.
    """
    seen: set[tuple[str, str]] = set()
    reachable = {each.id: each for each in reversed(people) if isinstance(address_of(each.email), Address)}
    for person in (reachable.get(each.id, each) for each in people):
        address = address_of(person.email)
        names = {("id", person.id)} | ({("address", address.owner)} if isinstance(address, Address) else set())
        if seen.isdisjoint(names):
            yield person
        seen |= names


def _id_of(parts: tuple[str, ...], domain: str) -> str:
    digest = sha256("\n".join(parts).encode()).hexdigest()
    return f"<{digest}@{domain}>"
