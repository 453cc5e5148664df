"""Describes to an approver what changed between two snapshots of a commitment."""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from itertools import chain
from typing import Any

from schemas.commitment import Commitment, Line
from schemas.events import Change
from schemas.limits import MAX_CHANGES, MAX_NAME_CHARACTERS
from services.pipeline.formats import delta, money, quantity

_Members = Mapping[str, object]
"""What a record holds, by label. Only what is shown is made text: formatting thousands of amounts takes long."""

_Difference = tuple[str, object, object]
_ABSENT = ""


@dataclass(frozen=True, slots=True)
class _Amount:
    """An amount, or a quantity, which has no currency; it differs from another one only if its value does."""

    value: Decimal
    currency: str = field(default="", compare=False)

    def __str__(self) -> str:
        return money(self.value, self.currency) if self.currency else quantity(self.value)

    def delta_to(self, other: "_Amount") -> str | None:
        """By how much `other` is more or less, as words; None where the two cannot be compared."""
        return delta(self.value, other.value, self.currency) if self.currency == other.currency else None


@dataclass(frozen=True, slots=True)
class _WholeLine:
    """A line that was added or removed."""

    line: Line
    currency: str

    def __str__(self) -> str:
        line = self.line
        count = " ".join(part for part in (quantity(line.quantity), line.unit) if part)
        is_lump_sum = not (Decimal(line.quantity) or Decimal(line.unit_cost))
        much = "" if is_lump_sum else f"{count} at {money(line.unit_cost, self.currency)}"
        what = (line.cost_code, line.cost_type, line.description, much, money(line.amount, self.currency))
        return ", ".join(part for part in what if part)


def differences(before: Commitment, after: Commitment) -> tuple[Change, ...]:
    """All members that differ, unknown ones included; a line that was added or removed is one change.

    Lines are matched by position. At most 100 changes; the last one then counts the rest.
    """
    found = [*_between(_of_commitment(before), _of_commitment(after)), *_between_lines(before, after)]
    if len(found) <= MAX_CHANGES:
        return tuple(map(_change, found))
    shown = found[: MAX_CHANGES - 1]
    rest = Change(field="Further changes", before="", after=f"{len(found) - len(shown)} more")
    return (*map(_change, shown), rest)


def _change(difference: _Difference) -> Change:
    label, before, after = (_printable(str(each)) for each in difference)
    old, new = difference[1:]
    by = old.delta_to(new) if isinstance(old, _Amount) and isinstance(new, _Amount) else None
    return Change(field=label[:MAX_NAME_CHARACTERS] or "Unnamed", before=before, after=after, delta=by)


def _between(old: _Members, new: _Members) -> Iterator[_Difference]:
    for label in dict.fromkeys(chain(old, new)):
        before, after = old.get(label, _ABSENT), new.get(label, _ABSENT)
        if before != after:
            yield label, before, after


def _between_lines(before: Commitment, after: Commitment) -> Iterator[_Difference]:
    old, new, was, currency = _lines(before), _lines(after), before.currency, after.currency
    for label in sorted({*old, *new}, key=lambda name: (new.get(name) or old[name]).position):
        if label in old and label in new:
            if old[label] == new[label]:
                continue
            yield from _between(_of_line(old[label], label, was), _of_line(new[label], label, currency))
        elif label in old:
            yield label, _WholeLine(old[label], was), _ABSENT
        else:
            yield label, _ABSENT, _WholeLine(new[label], currency)


def _lines(commitment: Commitment) -> dict[str, Line]:
    """The lines by label, for example "Line 2"; a repeated position gets a label of its own."""
    lines: dict[str, Line] = {}
    repeats: Counter[int] = Counter()
    for line in commitment.lines:
        lines[_label(line.position, repeats[line.position])] = line
        repeats[line.position] += 1
    return lines


def _label(position: int, repeat: int) -> str:
    again = "" if repeat == 0 else " (again)" if repeat == 1 else f" (again {repeat})"
    return f"Line {position}{again}"


def _of_commitment(commitment: Commitment) -> _Members:
    members = commitment.model_dump(mode="json", exclude={"lines"})
    return _by_label("", members | {"total": _Amount(Decimal(commitment.total), commitment.currency)})


def _of_line(line: Line, label: str, currency: str) -> _Members:
    amounts = {
        "quantity": _Amount(Decimal(line.quantity)),
        "unit_cost": _Amount(Decimal(line.unit_cost), currency),
        "amount": _Amount(Decimal(line.amount), currency),
    }
    return _by_label(label, line.model_dump(mode="json", exclude={"position"}) | amounts)


def _by_label(label: str, members: Mapping[str, Any]) -> _Members:
    """Every member, also those within others, by its label."""
    return dict(_flat(label, members))


def _flat(label: str, value: Any) -> Iterator[tuple[str, object]]:
    if isinstance(value, Mapping):
        for name, member in value.items():
            yield from _flat(f"{label} {name.replace('_', ' ')}".strip(), member)
    elif isinstance(value, list):
        for place, member in enumerate(value, start=1):
            yield from _flat(f"{label} {place}", member)
    elif value is not None:
        yield label[:1].upper() + label[1:], value if isinstance(value, _Amount) else str(value)


def _printable(text: str) -> str:
    """`text` without U+0000, which unknown members may contain and events may not."""
    return text.replace("\x00", " ")
