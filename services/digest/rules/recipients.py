"""Who gets a daily summary, and why others get none."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from zoneinfo import ZoneInfo

from schemas.events import DirectoryPerson
from schemas.zones import zone_info


class DigestOutcome(StrEnum):
    """Whether one person's summary was sent, in words for an operator."""

    SENT = "sent"
    ALREADY_SENT = "already sent"
    NOTHING_WAITS = "nothing waits"
    UNSUBSCRIBED = "unsubscribed"
    NOT_AN_APPROVER = "not an approver"


@dataclass(frozen=True, slots=True)
class Recipient:
    """Somebody who may view the ERP Integrations tool; subscribed unless the directory or they themselves say no."""

    person: DirectoryPerson
    is_subscribed: bool

    @property
    def zone(self) -> ZoneInfo:
        """The time zone that decides when this person's days begin and end."""
        return zone_info(self.person.time_zone)


def outcome_for(
    recipient: Recipient, *, was_sent: bool, waiting_since: datetime | None, until: datetime | None
) -> DigestOutcome:
    """Return SENT if a summary is to be sent now, otherwise why not.

    `waiting_since` is when the company's oldest unanswered commitment got its status. If that was after `until`,
    nothing waits yet for this summary; with None as `until` it always counts.
    """
    if not recipient.person.is_approver:
        return DigestOutcome.NOT_AN_APPROVER
    if not recipient.is_subscribed:
        return DigestOutcome.UNSUBSCRIBED
    if was_sent:
        return DigestOutcome.ALREADY_SENT
    if waiting_since is None or (until is not None and waiting_since > until):
        return DigestOutcome.NOTHING_WAITS
    return DigestOutcome.SENT
