"""Two answers, or an answer and a retrieve, at the same instant: one counts, and whoever lost is told why."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from time import perf_counter
from typing import Any

import orjson
import pytest
from httpx2 import AsyncClient, Response

from schemas.snapshot import Snapshot
from services.approval.storage import tables
from tests.integration.approval import company
from tests.integration.approval.company import DANA, LEE, content
from tests.integration.approval.desk import DeskUnderTest

TIMES = 200
API = "/api/v1/commitments"
COMMITMENTS = [content(f"c-{place:03}", f"SC-{place:03}") for place in range(TIMES)]
HASHES = {each["id"]: Snapshot.of(each).content_hash for each in COMMITMENTS}


@pytest.fixture
async def waiting(desk: DeskUnderTest) -> DeskUnderTest:
    """A desk on which TIMES commitments wait."""
    await desk.consumer.process(*(company.event(company.sent(each)) for each in COMMITMENTS))
    return desk


@pytest.fixture
async def browsers(waiting: DeskUnderTest) -> AsyncIterator[tuple[AsyncClient, AsyncClient]]:
    """The browsers of Dana and Lee."""
    async with AsyncExitStack() as opened:
        dana, lee = [await opened.enter_async_context(waiting.browser(who)) for who in (DANA, LEE)]
        yield dana, lee


async def accept(browser: AsyncClient, commitment_id: str) -> Response:
    body = {"revision": 1, "content_hash": HASHES[commitment_id]}
    return await browser.post(f"{API}/{commitment_id}/accept", json=body)


async def timed_accept(browser: AsyncClient, commitment_id: str, took: list[float]) -> Response:
    began = perf_counter()
    answer = await accept(browser, commitment_id)
    took.append(perf_counter() - began)
    return answer


async def reject(browser: AsyncClient, commitment_id: str) -> Response:
    body = {"revision": 1, "content_hash": HASHES[commitment_id], "reason": "Use 03-310."}
    return await browser.post(f"{API}/{commitment_id}/reject", json=body)


async def retrieve(desk: DeskUnderTest, received: dict[str, Any], after_seconds: float) -> None:
    await asyncio.sleep(after_seconds)
    await desk.consumer.process(company.event(company.retrieved(received)))


async def published(desk: DeskUnderTest, topic: str) -> dict[str, list[dict[str, Any]]]:
    """The events of `topic` in order, by commitment."""
    found: dict[str, list[dict[str, Any]]] = {each["id"]: [] for each in COMMITMENTS}
    for row in await desk.consumer.rows(tables.KERNEL.outbox):
        if row["topic"] == topic:
            found[row["key"]].append(orjson.loads(row["value"])["data"])
    return found


async def last_status(desk: DeskUnderTest) -> dict[str, str]:
    """The status that was published last, of each commitment."""
    return {id_: each[-1]["status"] for id_, each in (await published(desk, "commitment.status")).items()}


async def statuses(browser: AsyncClient) -> dict[str, str]:
    pages = [(await browser.get(API, params={"view": "all", "limit": 200})).json()["items"]]
    return {each["id"]: each["status"] for page in pages for each in page}


async def test_of_an_accept_and_a_reject_at_the_same_instant_one_is_recorded_each_time(
    waiting: DeskUnderTest, browsers: tuple[AsyncClient, AsyncClient]
) -> None:
    dana, lee = browsers
    won: Counter[str] = Counter()
    for place, id_ in enumerate(HASHES):
        both = [accept(dana, id_), reject(lee, id_)]
        answers = await asyncio.gather(*(both if place % 2 else reversed(both)))
        accepted, rejected = answers if place % 2 else reversed(answers)

        assert {accepted.status_code, rejected.status_code} == {200, 409}
        verb, loser = ("accepted", rejected) if accepted.status_code == 200 else ("rejected", accepted)
        winner = "Dana Ruiz" if verb == "accepted" else "Lee Park"
        number = id_.replace("c-", "SC-")
        assert loser.json()["detail"].startswith(f"{winner} {verb} {number} at ")
        assert loser.json()["detail"].endswith("Your answer was not recorded.")
        won[verb] += 1

    accepts, rejects = [await published(waiting, f"decision.{verb}") for verb in ("accepted", "rejected")]
    assert [len(accepts[id_]) + len(rejects[id_]) for id_ in HASHES] == [1] * TIMES
    assert sum(map(len, accepts.values())) == won["accepted"]
    expected = {id_: "exporting" if accepts[id_] else "rejected" for id_ in HASHES}
    assert (await statuses(dana), await last_status(waiting)) == (expected, expected)


async def test_a_retrieve_and_an_accept_at_the_same_instant_leave_a_consistent_state(
    waiting: DeskUnderTest, browsers: tuple[AsyncClient, AsyncClient]
) -> None:
    dana, _ = browsers
    outcomes: dict[str, int] = {}
    took = [0.0]
    for place, received in enumerate(COMMITMENTS):
        delay = took[-1] * (place % 8) / 6  # from the moment at which an accept begins until after its end
        answer, _ = await asyncio.gather(timed_accept(dana, received["id"], took), retrieve(waiting, received, delay))
        outcomes[received["id"]] = answer.status_code
        if answer.status_code == 409:
            assert answer.json()["detail"].startswith(f"Sam Lee retrieved {received['number']} at ")

    assert set(outcomes.values()) == {200, 409}
    expected = {id_: "exporting" if status == 200 else "retrieved" for id_, status in outcomes.items()}
    accepts = await published(waiting, "decision.accepted")
    assert {id_: len(each) for id_, each in accepts.items()} == {
        id_: int(status == 200) for id_, status in outcomes.items()
    }
    assert (await statuses(dana), await last_status(waiting)) == (expected, expected)
    lines = await waiting.consumer.rows(tables.HISTORY)
    late = {each["commitment_id"] for each in lines if "It came too late" in each["text"]}
    assert late == {id_ for id_, status in outcomes.items() if status == 200}
    assert not await waiting.consumer.rows(tables.KERNEL.dead_letter)
