"""While the consumer is behind, an empty list does not say that nothing waits."""

from datetime import timedelta

import pytest

from services.approval.storage.views import DeskView
from services.pipeline.broker.brokers import Span
from services.pipeline.clock import utc_now
from services.pipeline.records import Partition
from tests.integration.approval.company import DANA
from tests.integration.approval.desk import DeskUnderTest
from tests.integration.approval.page_reader import text_of

SENT = Partition("commitment.sent", 0)
BEHIND = "Updates are 12 minutes behind. Newer commitments may be missing."


@pytest.fixture
async def behind(desk: DeskUnderTest) -> DeskUnderTest:
    """A desk whose consumer has read nothing for twelve minutes, although there is something."""
    for minutes, end in ((12, 3), (0, 5)):
        desk.lateness.compare({SENT: Span(0, end)}, {SENT: 3}, utc_now() - timedelta(minutes=minutes))
    return desk


async def test_a8_a_late_desk_says_so_in_place_of_any_empty_text(behind: DeskUnderTest) -> None:
    async with behind.browser(DANA) as browser:
        for view in DeskView:
            for search in ("", "&q=nothing"):
                words = text_of(await browser.get(f"/commitments?view={view}{search}"))
                assert BEHIND in words
                assert "Nothing" not in words.split(BEHIND)[0].split("Search")[-1]
                assert "matches" not in words
        listed = (await browser.get("/api/v1/commitments")).json()
    assert 720 <= listed["behind_seconds"] < 780


async def test_a_desk_in_time_says_that_nothing_waits(desk: DeskUnderTest) -> None:
    async with desk.browser(DANA) as browser:
        words = text_of(await browser.get("/commitments?view=ready"))
        assert "Nothing is waiting for your answer." in words
        assert "behind" not in words
        assert (await browser.get("/api/v1/commitments")).json()["behind_seconds"] is None
