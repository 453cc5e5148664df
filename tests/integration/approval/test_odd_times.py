"""Times that no calendar has, in a table of the desk, keep nothing from ending: lists, and answers that were sent."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from services.approval.rules.marks import Mark, Verb
from services.approval.storage import marks, queries
from services.approval.storage.queries import Cursor, ListFilter, Sort
from services.approval.storage.views import DeskView
from tests.damaging import ODD_TIMES, damage
from tests.integration.approval.company import COMPANY, DANA, START, content, sent
from tests.integration.approval.desk import DeskUnderTest


async def page(desk: DeskUnderTest, sort: Sort, after: Cursor | None) -> queries.Page:
    async with desk.database.begin() as db:
        return await queries.page(
            db, COMPANY, DeskView.READY, only=ListFilter(), sort=sort, after=after, limit=2, now=START
        )


@pytest.mark.parametrize("time", ODD_TIMES)
@pytest.mark.parametrize("sort", Sort)
async def test_a_list_ends(desk: DeskUnderTest, sort: Sort, time: str) -> None:
    for number in range(7):
        await desk.receive(sent(content(f"c-{number}", f"SC-{number}")), at=START + timedelta(days=number))
    odd = f"update approval.commitment set since = '{time}' where id < 'c-5'"  # noqa: S608 - ours
    await damage(desk.database, "approval", odd)
    after: Cursor | None = None
    for _ in range(7):
        after = (await page(desk, sort, after)).next_after
        if after is None:
            return
    pytest.fail("the list goes on for ever")


@pytest.mark.parametrize("time", ODD_TIMES)
async def test_a_mark_that_was_sent_is_gone(desk: DeskUnderTest, time: str) -> None:
    mark = Mark("c-1", Verb.ACCEPT, 1, "0" * 64, "SC-1", "USD", Decimal(1), START)
    async with desk.database.begin() as db:
        await marks.save(db, DANA, [mark, replace(mark, commitment_id="c-2")])
    await damage(desk.database, "approval", f"update approval.mark set at = '{time}'")  # noqa: S608 - ours
    async with desk.database.begin() as db:
        kept = await marks.of_person(db, DANA)
        await marks.clear_sent(db, DANA, [each for each in kept if each.commitment_id == "c-1"])
        assert [each.commitment_id for each in await marks.of_person(db, DANA)] == ["c-2"]
