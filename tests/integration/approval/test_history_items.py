"""The history on a commitment's page: what every probe of a doubt says again is told once, however long it lasts."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from uuid import uuid4

from pydantic import SecretStr
from sqlalchemy import insert

from services.approval.storage.history_items import MAX_ITEMS, HistoryItem, history_items
from services.approval.storage.tables import HISTORY
from services.pipeline.database import Database

NOON = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
LOST, ASKED = "The ERP did not confirm revision 1. No answer.", "The ERP did not confirm revision 1. It has none yet."
PROBES_OF_FOUR_DAYS = 4 * 24 * 6


def at(minutes: int) -> datetime:
    return NOON + timedelta(minutes=minutes)


def line(minutes: int, text: str, kind: str = "export.in_doubt", **more: object) -> dict[str, object]:
    names = {"company_id": "co-1", "commitment_id": "c-1", "actor": None, "revision": 1, "round": 1}
    return {"event_id": uuid4(), "at": at(minutes), "kind": kind, "text": text, **names, **more}


async def items_of(database_url: str, *lines: dict[str, object]) -> Sequence[HistoryItem]:
    """The items of commitment c-1 after `lines` were stored."""
    database = Database(SecretStr(database_url), application_name="test")
    async with database.begin() as db:
        await db.execute(insert(HISTORY), lines)
        items = await history_items(db, "co-1", "c-1")
    await database.close()
    return items


async def test_probes_that_learned_the_same_are_one_item_with_their_number_and_both_times(database_url: str) -> None:
    probes = [line(minutes, ASKED) for minutes in (1, 5, 10, 30)]

    assert await items_of(database_url, line(0, LOST), *probes) == [
        HistoryItem(at(1), ASKED, 4, at(30)),
        HistoryItem(at(0), LOST),
    ]


async def test_a_doubt_of_days_hides_neither_its_beginning_nor_what_came_before(database_url: str) -> None:
    probes = [line(10 * number, ASKED) for number in range(1, PROBES_OF_FOUR_DAYS + 1)]

    assert await items_of(database_url, line(0, "Ada accepted it.", "decision.accepted"), *probes) == [
        HistoryItem(at(10), ASKED, PROBES_OF_FOUR_DAYS, at(10 * PROBES_OF_FOUR_DAYS)),
        HistoryItem(at(0), "Ada accepted it."),
    ]


async def test_what_came_between_and_other_rounds_keep_their_places(database_url: str) -> None:
    items = await items_of(
        database_url,
        line(6, ASKED, revision=None),
        line(7, "Mail", "mail.settled"),
        line(8, ASKED, revision=None),
        line(9, ASKED, revision=2),
        line(10, ASKED, revision=2, round=2),
    )

    assert [(each.at, each.text) for each in items] == [
        (at(10), ASKED),
        (at(9), ASKED),
        (at(8), ASKED),
        (at(7), "Mail"),
        (at(6), ASKED),
    ]


async def test_other_things_that_happened_twice_are_told_twice(database_url: str) -> None:
    mails = [line(minutes, "Mail", "mail.settled") for minutes in (1, 2)]

    assert await items_of(database_url, *mails) == [HistoryItem(at(2), "Mail"), HistoryItem(at(1), "Mail")]


async def test_other_commitments_and_companies_tell_nothing_and_the_newest_items_are_shown(database_url: str) -> None:
    others = [line(9_001, LOST, commitment_id="c-2"), line(9_002, LOST, company_id="co-2")]
    mails = [line(minutes, f"Mail {minutes}", "mail.settled") for minutes in range(MAX_ITEMS + 1)]

    items = await items_of(database_url, *others, *mails)

    assert [each.text for each in items] == [f"Mail {minutes}" for minutes in range(MAX_ITEMS, 0, -1)]
