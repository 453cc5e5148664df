"""Describes to an approver what changed between two snapshots of a commitment."""

from collections import Counter
from collections.abc import Iterator, Mapping
from itertools import chain
from typing import Any

from schemas.commitment import Commitment, Line
from schemas.events import Change
from schemas.limits import MAX_CHANGES, MAX_NAME_CHARACTERS


def differences(before: Commitment, after: Commitment) -> tuple[Change, ...]:
    """All members that differ, unknown ones included; a line that was added or removed is one change.

    Lines are matched by position. At most 100 changes; the last one then counts the rest.
    """
    changes = [*_between(_members(before), _members(after)), *_between_lines(_lines(before), _lines(after))]
    if len(changes) <= MAX_CHANGES:
        return tuple(changes)
    shown = changes[: MAX_CHANGES - 1]
    return (*shown, Change(field="Further changes", before="", after=f"{len(changes) - len(shown)} more"))


def _between(old: Mapping[str, str], new: Mapping[str, str]) -> Iterator[Change]:
    for field in dict.fromkeys(chain(old, new)):
        before, after = old.get(field, ""), new.get(field, "")
        if before != after:
            label = _printable(field)[:MAX_NAME_CHARACTERS] or "Unnamed"
            yield Change(field=label, before=_printable(before), after=_printable(after))


def _between_lines(old: Mapping[str, Line], new: Mapping[str, Line]) -> Iterator[Change]:
    for label in sorted({*old, *new}, key=lambda name: (new.get(name) or old[name]).position):
        if label in old and label in new:
            if old[label] == new[label]:
                continue
            yield from _between(_members(old[label], label), _members(new[label], label))
        else:
            yield from _between(_whole(label, old.get(label)), _whole(label, new.get(label)))


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


def _whole(label: str, line: Line | None) -> dict[str, str]:
    if line is None:
        return {}
    parts = (line.cost_code, line.cost_type, line.description, line.quantity, line.unit, line.amount)
    return {label: ", ".join(part for part in parts if part)}


def _members(record: Commitment | Line, label: str = "") -> dict[str, str]:
    """Every member of `record` as text, by its label."""
    return dict(_flat(label, record.model_dump(mode="json", exclude={"lines", "position"})))


def _flat(label: str, value: Any) -> Iterator[tuple[str, str]]:
    if isinstance(value, Mapping):
        for name, member in value.items():
            yield from _flat(f"{label} {name.replace('_', ' ')}".strip(), member)
    elif isinstance(value, list):
        for place, member in enumerate(value, start=1):
            yield from _flat(f"{label} {place}", member)
    elif value is not None:
        yield label[:1].upper() + label[1:], str(value)


def _printable(text: str) -> str:
    """`text` without U+0000, which unknown members may contain and events may not."""
    return text.replace("\x00", " ")
