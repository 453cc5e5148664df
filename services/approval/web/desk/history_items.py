"""The items of a commitment's history as its page shows them: what was told again and again is one of them."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from schemas.events import ExportInDoubt
from services.approval.storage.queries import HistoryLine


@dataclass(frozen=True, slots=True)
class HistoryItem:
    """Something that happened, and how often in a row; `at` is the first time, `last_at` the last one."""

    at: datetime
    text: str
    times: int = 1
    last_at: datetime | None = None


def history_items(lines: Iterable[HistoryLine]) -> Sequence[HistoryItem]:
    """The items for `lines`, which are newest first: probes of one doubt that learned the same are one item."""
    groups: list[list[HistoryLine]] = []
    for line in lines:
        if groups and _is_told_again(line, groups[-1][-1]):
            groups[-1].append(line)
        else:
            groups.append([line])
    return [_item(group) for group in groups]


def _is_told_again(line: HistoryLine, later: HistoryLine) -> bool:
    told, again = ((each.kind, each.revision, each.round, each.text) for each in (line, later))
    return line.kind == ExportInDoubt.topic and told == again


def _item(lines: Sequence[HistoryLine]) -> HistoryItem:
    newest, oldest = lines[0], lines[-1]
    return HistoryItem(oldest.at, oldest.text, len(lines), newest.at if len(lines) > 1 else None)
