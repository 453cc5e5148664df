"""Compares a document as the ERP has it with what was exported, and says when to compare it next."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from hashlib import sha256

from schemas.commitment import Commitment
from schemas.events import Change
from schemas.limits import MAX_CHANGES
from services.exporter.connectors.types import ErpCopy, ErpLine
from services.exporter.rules.marker import marked_revision
from services.pipeline.formats import money

_ABSENT = ""
Line = tuple[int, Decimal]
"""Position and amount of a line."""


@dataclass(frozen=True, slots=True)
class WrittenContent:
    """What was exported, as far as an ERP shows it again: amounts are in `currency`."""

    marker: str
    currency: str
    total: Decimal
    lines: tuple[Line, ...]


def written_content(commitment: Commitment, marker: str) -> WrittenContent:
    """What `commitment`, exported with `marker`, looks like in an ERP."""
    lines = tuple((line.position, Decimal(line.amount)) for line in commitment.lines)
    return WrittenContent(marker, commitment.currency, Decimal(commitment.total), lines)


def differences(commitment_id: str, written: WrittenContent, copy: ErpCopy) -> tuple[Change, ...]:
    """What differs in `copy`, at most MAX_CHANGES; what the ERP does not tell is no difference."""
    found = [
        *_revision(commitment_id, written, copy),
        *_of("Currency", written.currency, copy.currency),
        *_total(written, copy),
        *_lines(written, copy.lines),
    ]
    return tuple(found[:MAX_CHANGES])


def told(*, is_missing: bool, changes: Sequence[Change]) -> str | None:
    """The result of a comparison as a text, the same for the same result; None if nothing differs."""
    if not is_missing and not changes:
        return None
    return json.dumps([is_missing, [change.model_dump(mode="json") for change in changes]])


def next_comparison(commitment_id: str, now: datetime, begin: time, hours: float) -> datetime:
    """When to compare next: the first night after `now` that begins at `begin` (UTC), spread over `hours`."""
    share = int.from_bytes(sha256(commitment_id.encode()).digest()[:4]) / 2**32
    offset = timedelta(hours=hours * share)
    tonight = datetime.combine(_day(now), begin, UTC) + offset
    return tonight if tonight > now else tonight + timedelta(days=1)


def _day(now: datetime) -> date:
    return now.astimezone(UTC).date()


def _revision(commitment_id: str, written: WrittenContent, copy: ErpCopy) -> Iterator[Change]:
    """A marker of ours says which revision the ERP holds; a restored ERP may hold an earlier one."""
    theirs, ours = marked_revision(copy.document.marker, commitment_id), marked_revision(written.marker, commitment_id)
    if theirs is not None and copy.document.marker != written.marker:
        is_same = theirs == ours
        yield Change(field="Revision", before=str(ours), after=f"{theirs}, another content" if is_same else str(theirs))


def _of(field: str, ours: str, theirs: str | None) -> Iterator[Change]:
    if theirs is not None and theirs != ours:
        yield Change(field=field, before=ours, after=theirs)


def _total(written: WrittenContent, copy: ErpCopy) -> Iterator[Change]:
    if copy.total is not None and copy.total != written.total:
        currency = copy.currency or written.currency
        yield Change(field="Total", before=_money(written.total, written.currency), after=_money(copy.total, currency))


def _lines(written: WrittenContent, theirs: Sequence[ErpLine] | None) -> Iterator[Change]:
    """Lines are compared by position if the ERP keeps all positions, otherwise in their order."""
    if theirs is None:
        return
    is_kept = all(line.position is not None for line in theirs)
    found = {(line.position or 0) if is_kept else place: line.amount for place, line in enumerate(theirs, start=1)}
    places = enumerate(written.lines, start=1)
    expected = {position if is_kept else place: amount for place, (position, amount) in places}
    for place in sorted(expected.keys() | found.keys()):
        ours, there = expected.get(place), found.get(place)
        if ours != there:
            shown = [_ABSENT if each is None else _money(each, written.currency) for each in (ours, there)]
            yield Change(field=f"Line {place} amount", before=shown[0], after=shown[1])


def _money(amount: Decimal, currency: str) -> str:
    return money(amount, currency)
