"""The history on a commitment's page: what every probe of a doubt says again is told once."""

from datetime import UTC, datetime, timedelta

from services.approval.storage.queries import HistoryLine
from services.approval.web.desk.history_items import HistoryItem, history_items

NOON = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
LOST, ASKED = "The ERP did not confirm revision 1. No answer.", "The ERP did not confirm revision 1. It has none yet."


def line(minutes: int, text: str, kind: str = "export.in_doubt", revision: int = 1) -> HistoryLine:
    return HistoryLine(NOON + timedelta(minutes=minutes), kind, None, revision, 1, text)


def test_probes_that_learned_the_same_are_one_item_with_their_number_and_both_times() -> None:
    probes = [line(minutes, ASKED) for minutes in (30, 10, 5, 1)]

    items = history_items([*probes, line(0, LOST)])

    assert items == [
        HistoryItem(NOON + timedelta(minutes=1), ASKED, 4, NOON + timedelta(minutes=30)),
        HistoryItem(NOON, LOST),
    ]


def test_what_came_between_and_other_rounds_keep_their_places() -> None:
    lines = [line(9, ASKED, revision=2), line(8, ASKED), line(7, "Mail", "mail.settled"), line(6, ASKED)]

    assert [each.text for each in history_items(lines)] == [each.text for each in lines]


def test_other_things_that_happened_twice_are_told_twice() -> None:
    assert len(history_items([line(2, "Mail", "mail.settled"), line(1, "Mail", "mail.settled")])) == 2
