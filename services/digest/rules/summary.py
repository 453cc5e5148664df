"""What a person's daily summary says."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from urllib.parse import quote
from zoneinfo import ZoneInfo

from schemas import limits
from schemas.commitment import Person, Summary
from schemas.envelope import Event, encode, new_event
from schemas.events import CurrencyTotal, DigestReady, DigestRow, DigestSection, DirectoryPerson
from schemas.fields import Status
from schemas.times import in_zone
from services.digest.rules.due import Due
from services.digest.rules.items import CONCLUDED, WAITING, Item
from services.digest.rules.recipients import Recipient

_SOURCE = "countersign/digest"
_MAX_WHOLE_DIGITS = 15
_ROW_LIMITS = (limits.MAX_DIGEST_ROWS, 20, 5, 0)


def summary_of(
    recipient: Recipient, due: Due, items: Sequence[Item], now: datetime, public_url: str, unsubscribe_url: str
) -> Event[DigestReady]:
    """Return the summary of `items`, all of the recipient's company, with as many rows as fit into one message.

    `public_url` is the desk's address without a slash at its end.
    """
    events = (
        new_event(
            _contents(
                recipient.person,
                due,
                items,
                _Day(recipient.zone, due.local_date, now, public_url, max_rows),
                unsubscribe_url,
            ),
            source=_SOURCE,
            time=now,
        )
        for max_rows in _ROW_LIMITS
    )
    return next(event for event in events if len(encode(event)) <= limits.MAX_MESSAGE_BYTES)


def _contents(
    person: DirectoryPerson, due: Due, items: Sequence[Item], today: "_Day", unsubscribe_url: str
) -> DigestReady:
    return DigestReady(
        company_id=person.company_id,
        recipient=Person(id=person.person_id, name=person.name, email=person.email),
        local_date=due.local_date,
        time_zone=person.time_zone,
        due_at=due.at,
        waiting=today.section(item for item in items if item.status in WAITING),
        failed=today.section(item for item in items if item.status is Status.FAILED),
        in_doubt=today.section(item for item in items if item.status is Status.IN_DOUBT),
        yesterday=today.section(item for item in items if item.status in CONCLUDED and today.is_yesterday(item)),
        desk_url=f"{today.public_url}/",
        unsubscribe_url=unsubscribe_url,
    )


@dataclass(frozen=True, slots=True)
class _Day:
    """A recipient's day, by which items are dated, and how many rows its sections may have."""

    zone: ZoneInfo
    local_date: date
    now: datetime
    public_url: str
    max_rows: int

    def is_yesterday(self, item: Item) -> bool:
        """Whether `item` got its status on the day before."""
        return self._date_of(item.since) == self.local_date - timedelta(days=1)

    def section(self, items: Iterable[Item]) -> DigestSection:
        """Return `items` as one section, oldest first."""
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
            url=f"{self.public_url}/commitments/{quote(item.commitment_id, safe='')}",
        )

    def _age_days(self, item: Item) -> int:
        return max((self._date_of(self.now) - self._date_of(item.since)).days, 0)

    def _date_of(self, instant: datetime) -> date:
        return in_zone(min(instant, self.now), self.zone).date()


def _totals(items: Iterable[Item]) -> tuple[CurrencyTotal, ...]:
    """Return one total for each currency, sorted by currency; a total too large for the contract is left out."""
    sums: dict[str, Decimal] = {}
    for item in items:
        sums[item.currency] = sums.get(item.currency, Decimal(0)) + item.total
    return tuple(
        CurrencyTotal(currency=currency, total=f"{total:f}")
        for currency, total in sorted(sums.items())
        if abs(total) < Decimal(10) ** _MAX_WHOLE_DIGITS
    )
