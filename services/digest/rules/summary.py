"""Decides when a person's daily summary is due, whether they get one, and what it says."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from enum import StrEnum
from urllib.parse import quote
from zoneinfo import ZoneInfo

from schemas import limits
from schemas.commitment import Person, Summary
from schemas.envelope import Event, encode, new_event
from schemas.events import CurrencyTotal, DigestReady, DigestRow, DigestSection
from schemas.fields import Status, ToolLevel

WAITING = frozenset({Status.READY, Status.DISPUTED})
UNANSWERED = WAITING | {Status.FAILED}
OPEN = UNANSWERED | {Status.IN_DOUBT}
OUTCOMES = frozenset({Status.SYNCED, Status.REJECTED})

_SOURCE = "countersign/digest"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MAX_WHOLE_DIGITS = 15
_ROW_LIMITS = (limits.MAX_DIGEST_ROWS, 20, 5, 0)


class Outcome(StrEnum):
    """What became of one person's summary, in words for an operator."""

    SENT = "sent"
    ALREADY_SENT = "already sent"
    NOTHING_WAITS = "nothing waits"
    UNSUBSCRIBED = "unsubscribed"
    NOT_AN_APPROVER = "not an approver"


@dataclass(frozen=True, slots=True)
class Recipient:
    """Somebody in a company's directory, with their rights and wishes as last told."""

    person: Person
    company_id: str
    time_zone: str
    erp_tool: ToolLevel
    can_push_to_accounting: bool
    is_subscribed: bool

    @property
    def may_decide(self) -> bool:
        """Whether this is an accounting approver."""
        return self.erp_tool in (ToolLevel.STANDARD, ToolLevel.ADMIN) and self.can_push_to_accounting

    @property
    def zone(self) -> ZoneInfo:
        """Where this person's days begin and end."""
        return ZoneInfo(self.time_zone)


@dataclass(frozen=True, slots=True)
class Item:
    """One commitment as last told; `summary` is the contract's, as JSON."""

    commitment_id: str
    revision: int
    status: Status
    since: datetime
    message: str
    currency: str
    total: Decimal
    summary: str


@dataclass(frozen=True, slots=True)
class Due:
    """The summary of one local date, and when its time comes."""

    local_date: date
    at: datetime


def due_on(local_date: date, zone: ZoneInfo, digest_at: time) -> Due:
    """Return the summary of `local_date` in `zone`.

    A local time that exists twice counts the first time; one that the clocks skip comes as much later as they skip.
    """
    return Due(local_date, datetime.combine(local_date, digest_at, zone).astimezone(UTC))


def latest_due(now: datetime, zone: ZoneInfo, digest_at: time) -> Due:
    """Return the newest summary whose time has come; those of earlier dates are not made up for."""
    today = now.astimezone(zone).date()
    # three dates, because a zone that crosses the date line skips a whole one
    dates = (due_on(today - timedelta(days=days), zone, digest_at) for days in range(3))
    return next(due for due in dates if due.at <= now)


def outcome_for(
    recipient: Recipient, *, was_sent: bool, waits_since: datetime | None, until: datetime | None
) -> Outcome:
    """Return SENT where a summary is to be made now, else why not.

    `waits_since` is when the company's oldest unanswered commitment began to wait. One that came after `until` does
    not call for a summary; None counts every one.
    """
    if not recipient.may_decide:
        return Outcome.NOT_AN_APPROVER
    if not recipient.is_subscribed:
        return Outcome.UNSUBSCRIBED
    if was_sent:
        return Outcome.ALREADY_SENT
    if waits_since is None or (until is not None and waits_since > until):
        return Outcome.NOTHING_WAITS
    return Outcome.SENT


def summary_of(
    recipient: Recipient, due: Due, items: Sequence[Item], now: datetime, public_url: str, unsubscribe_url: str
) -> Event[DigestReady]:
    """Return the summary of `items`, all of the recipient's company, with as many rows as one message can carry."""
    events = (
        new_event(
            _contents(recipient, due, items, now, public_url.rstrip("/"), unsubscribe_url, max_rows),
            source=_SOURCE,
            time=now,
        )
        for max_rows in _ROW_LIMITS
    )
    return next(event for event in events if len(encode(event)) <= limits.MAX_MESSAGE_BYTES)


def _contents(
    recipient: Recipient,
    due: Due,
    items: Sequence[Item],
    now: datetime,
    public_url: str,
    unsubscribe_url: str,
    max_rows: int,
) -> DigestReady:
    today = _Day(recipient.zone, due.local_date, now, f"{public_url}/commitments/", max_rows)
    return DigestReady(
        company_id=recipient.company_id,
        recipient=recipient.person,
        local_date=due.local_date,
        time_zone=recipient.time_zone,
        due_at=due.at,
        waiting=today.section(item for item in items if item.status in WAITING),
        failed=today.section(item for item in items if item.status is Status.FAILED),
        in_doubt=today.section(item for item in items if item.status is Status.IN_DOUBT),
        yesterday=today.section(item for item in items if item.status in OUTCOMES and today.follows(item)),
        desk_url=f"{public_url}/",
        unsubscribe_url=unsubscribe_url,
    )


@dataclass(frozen=True, slots=True)
class _Day:
    """A recipient's day, which ages and yesterday are counted from."""

    zone: ZoneInfo
    local_date: date
    now: datetime
    commitments_url: str
    max_rows: int

    def follows(self, item: Item) -> bool:
        """Whether `item` came to its status on the day before."""
        return self._date_of(item.since) == self.local_date - timedelta(days=1)

    def section(self, items: Iterable[Item]) -> DigestSection:
        """Return `items`, oldest first."""
        ordered = sorted(items, key=lambda item: (item.since, item.commitment_id))
        return DigestSection(
            count=len(ordered),
            totals=_totals(ordered),
            oldest_days=self._age_days(ordered[0]) if ordered else 0,
            rows=tuple(map(self._row, ordered[: self.max_rows])),
        )

    def _row(self, item: Item) -> DigestRow:
        return DigestRow(
            commitment_id=item.commitment_id,
            revision=item.revision,
            status=item.status,
            since=item.since,
            age_days=self._age_days(item),
            message=item.message,
            summary=Summary.model_validate_json(item.summary),
            url=self.commitments_url + quote(item.commitment_id, safe=""),
        )

    def _age_days(self, item: Item) -> int:
        return max((self._date_of(self.now) - self._date_of(item.since)).days, 0)

    def _date_of(self, instant: datetime) -> date:
        # time zones cannot tell the local date at the very ends of the calendar, which a wrong clock may send
        return min(max(instant, _EPOCH), self.now).astimezone(self.zone).date()


def _totals(items: Iterable[Item]) -> tuple[CurrencyTotal, ...]:
    """Return one total for each currency, in their order; one beyond what an amount can hold is left out."""
    sums: dict[str, Decimal] = {}
    for item in items:
        sums[item.currency] = sums.get(item.currency, Decimal(0)) + item.total
    return tuple(
        CurrencyTotal(currency=currency, total=f"{total:f}")
        for currency, total in sorted(sums.items())
        if abs(total) < Decimal(10) ** _MAX_WHOLE_DIGITS
    )
