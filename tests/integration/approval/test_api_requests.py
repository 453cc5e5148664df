"""What holds for every request to the API: preconditions, repetition, limits, and several answers at once."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import orjson
import pytest
from httpx2 import AsyncClient
from sqlalchemy import update

from schemas.snapshot import Snapshot
from services.approval.storage import desk_tables, retention
from services.approval.storage.kept_responses import ABANDONED_AFTER, KEPT_RESPONSE_DAYS, KeptResponses, RequestKey
from services.approval.web.api.bulk import MAX_ANSWERS
from services.approval.web.api.problems import MEDIA_TYPE
from services.pipeline.clock import utc_now
from tests.integration.approval import company
from tests.integration.approval.company import DANA, EVE, KIM, LEE, content
from tests.integration.approval.desk import DeskUnderTest, running_desk, settings

API = "/api/v1"
SC = content("sc-1", "SC-001")
ONE = f"{API}/commitments/sc-1"
ACCEPT = {"revision": 1, "content_hash": Snapshot.of(SC).content_hash}
KEY = {"Idempotency-Key": "order-1"}


@pytest.fixture
async def dana(desk: DeskUnderTest) -> AsyncIterator[AsyncClient]:
    """Dana's requests; SC-001 waits."""
    await desk.receive(company.sent(SC))
    async with desk.browser(DANA) as browser:
        yield browser


async def test_an_answer_is_bound_to_the_etag_that_was_read(dana: AsyncClient, desk: DeskUnderTest) -> None:
    read = (await dana.get(ONE)).headers["etag"]
    await desk.receive(company.sent(SC | {"title": "Another title"}))

    outdated = await dana.post(f"{ONE}/accept", json=ACCEPT, headers={"If-Match": read})
    now = (await dana.get(ONE)).headers["etag"]
    body = ACCEPT | {"reason": "Which one?"}
    rejected = await dana.post(f"{ONE}/reject", json=body, headers={"If-Match": f'"1", {now}'})
    repeated = await dana.post(f"{ONE}/reject", json=body, headers={"If-Match": now})

    assert outdated.status_code == 409  # what is refused anyway is refused for its own reason
    assert now != read
    assert (rejected.status_code, repeated.status_code) == (200, 200)
    assert rejected.headers["etag"] == (await dana.get(ONE)).headers["etag"] != now


@pytest.mark.parametrize("tag", ['"1"', 'W/"1"', "", "yesterday", '"', '"9999999999999999999999"'])
async def test_an_answer_with_another_etag_is_not_recorded_and_shows_the_state(
    dana: AsyncClient, desk: DeskUnderTest, tag: str
) -> None:
    refused = await dana.post(f"{ONE}/accept", json=ACCEPT, headers={"If-Match": tag})

    assert (refused.status_code, refused.headers["content-type"]) == (412, MEDIA_TYPE)
    assert refused.json()["detail"] == "SC-001 has changed since you read it. Your answer was not recorded."
    assert refused.json()["commitment"]["status"] == "ready"
    assert not await desk.published("decision.accepted")
    accepted = await dana.post(f"{ONE}/accept", json=ACCEPT, headers={"If-Match": "*"})
    assert accepted.status_code == 200


async def test_a_repeated_request_gets_the_first_response(dana: AsyncClient, desk: DeskUnderTest) -> None:
    first = await dana.post(f"{ONE}/accept", json=ACCEPT, headers=KEY)
    await desk.receive(company.succeeded(SC))
    again = await dana.post(f"{ONE}/accept", json=ACCEPT, headers=KEY)

    assert (first.json()["status"], again.json()["status"]) == ("exporting", "exporting")
    assert (again.content, again.headers["etag"]) == (first.content, first.headers["etag"])
    assert (again.headers["idempotency-replayed"], "idempotency-replayed" in first.headers) == ("true", False)
    assert (await dana.get(ONE)).json()["status"] == "synced"


async def test_a_refusal_is_repeated_as_well(dana: AsyncClient, desk: DeskUnderTest) -> None:
    stale = ACCEPT | {"content_hash": "0" * 64}
    first = await dana.post(f"{ONE}/accept", json=stale, headers=KEY)
    await desk.receive(company.retrieved(SC))
    again = await dana.post(f"{ONE}/accept", json=stale, headers=KEY)

    assert (first.status_code, again.status_code) == (409, 409)
    assert (again.content, again.headers["content-type"]) == (first.content, MEDIA_TYPE)


@pytest.mark.parametrize(
    ("path", "body"),
    [("sc-1/accept", ACCEPT | {"note": "Now."}), ("sc-1/reject", ACCEPT | {"reason": "No."}), ("sc-2/accept", ACCEPT)],
)
async def test_a_key_belongs_to_one_request(dana: AsyncClient, path: str, body: dict[str, Any]) -> None:
    await dana.post(f"{ONE}/accept", json=ACCEPT, headers=KEY)

    other = await dana.post(f"{API}/commitments/{path}", json=body, headers=KEY)

    assert (other.status_code, other.headers["content-type"]) == (422, MEDIA_TYPE)
    assert "Idempotency-Key" in other.json()["detail"]


async def test_a_key_with_another_precondition_is_another_request(dana: AsyncClient) -> None:
    outdated = await dana.post(f"{ONE}/accept", json=ACCEPT, headers=KEY | {"if-match": '"1"'})
    again = await dana.post(f"{ONE}/accept", json=ACCEPT, headers=KEY | {"if-match": '"1"'})
    etag = (await dana.get(ONE)).headers["etag"]
    other = await dana.post(f"{ONE}/accept", json=ACCEPT, headers=KEY | {"if-match": etag})

    assert (outdated.status_code, again.status_code, again.headers["idempotency-replayed"]) == (412, 412, "true")
    assert other.status_code == 422
    assert "Idempotency-Key" in other.json()["detail"]


async def test_a_key_belongs_to_one_person(dana: AsyncClient, desk: DeskUnderTest) -> None:
    await dana.post(f"{ONE}/accept", json=ACCEPT, headers=KEY)
    async with desk.browser(LEE) as lees:
        refused = await lees.post(f"{ONE}/accept", json=ACCEPT, headers=KEY)

    assert refused.status_code == 409
    assert refused.json()["detail"].startswith("Dana Ruiz accepted SC-001 at ")


async def test_the_same_request_twice_at_the_same_instant_is_carried_out_once(
    dana: AsyncClient, desk: DeskUnderTest
) -> None:
    calls = [dana.post(f"{API}/daily-summary/unsubscribe", headers={"Idempotency-Key": "u"}) for _ in range(4)]
    answers = await asyncio.gather(*calls)

    assert {each.status_code for each in answers} <= {200, 409}
    assert len(await desk.published("digest.preference")) == 1


async def test_a_request_whose_process_died_is_taken_up_again_and_an_expired_key_is_free(
    dana: AsyncClient, desk: DeskUnderTest
) -> None:
    body = orjson.dumps(ACCEPT)
    died = RequestKey.of(DANA.person_id, "order-1", "POST", f"{ONE}/accept", body)
    await KeptResponses(desk.database).claim(died)
    headers = KEY | {"content-type": "application/json"}

    under_way = await dana.post(f"{ONE}/accept", content=body, headers=headers)
    await _age(desk, ABANDONED_AFTER)
    taken_up = await dana.post(f"{ONE}/accept", content=body, headers=headers)
    await _age(desk, timedelta(days=KEPT_RESPONSE_DAYS))
    free = await dana.post(f"{ONE}/reject", json=ACCEPT | {"reason": "No."}, headers=KEY)

    assert (under_way.status_code, under_way.headers["retry-after"]) == (409, "2")
    assert (taken_up.status_code, taken_up.json()["status"]) == (200, "exporting")
    assert free.json()["detail"].startswith("Dana Ruiz accepted SC-001 at ")


async def test_what_fails_without_a_response_can_be_sent_again_with_its_key(
    dana: AsyncClient, desk: DeskUnderTest
) -> None:
    desk.is_caught_up = False
    failed = await dana.post(f"{ONE}/accept", json=ACCEPT, headers=KEY)
    desk.is_caught_up = True
    again = await dana.post(f"{ONE}/accept", json=ACCEPT, headers=KEY)

    assert (failed.status_code, again.status_code) == (503, 200)


async def test_expired_responses_are_deleted(dana: AsyncClient, desk: DeskUnderTest) -> None:
    await dana.post(f"{ONE}/accept", json=ACCEPT, headers=KEY)
    await _age(desk, timedelta(days=KEPT_RESPONSE_DAYS))
    await dana.post(f"{API}/daily-summary/subscribe", headers={"Idempotency-Key": "newer"})
    (rule,) = (each for each in retention.rules(60, 60) if each.table == "kept_response")

    async with desk.database.begin() as db:
        swept = await rule.sweep(db, "", utc_now() - timedelta(days=rule.kept_days))

    assert (swept.rows, [each["key"] for each in await desk.consumer.rows(desk_tables.KEPT_RESPONSE)]) == (1, ["newer"])


@pytest.mark.parametrize("key", ["", "x" * 256, "with space", "caf\u00e9"])
async def test_a_key_that_cannot_be_one_is_refused(dana: AsyncClient, key: str) -> None:
    headers = [(b"Idempotency-Key", key.encode("latin-1"))]
    refused = await dana.post(f"{ONE}/accept", json=ACCEPT, headers=headers)

    assert (refused.status_code, refused.headers["content-type"]) == (422, MEDIA_TYPE)


async def test_several_answers_have_a_result_each(dana: AsyncClient, desk: DeskUnderTest) -> None:
    others = [content(f"sc-{place}", f"SC-00{place}") for place in (2, 3)]
    await desk.receive(*map(company.sent, others))
    hashes = [Snapshot.of(each).content_hash for each in others]
    given = [
        {"verb": "accept", "commitment_id": "sc-1", "answer": ACCEPT},
        {"verb": "reject", "commitment_id": "sc-2", "answer": ACCEPT | {"content_hash": hashes[0], "reason": "No."}},
        {"verb": "accept", "commitment_id": "sc-3", "answer": ACCEPT | {"content_hash": hashes[0]}},
        {"verb": "accept", "commitment_id": "sc-3", "if_match": '"1"', "answer": ACCEPT | {"content_hash": hashes[1]}},
        {"verb": "retry", "commitment_id": "sc-9", "answer": {"revision": 1, "round": 1}},
    ]
    answer = await dana.post(f"{API}/answers", json={"answers": given}, headers=KEY)
    again = await dana.post(f"{API}/answers", json={"answers": given}, headers=KEY)

    results = answer.json()["results"]
    assert [(each["commitment_id"], each["status"]) for each in results] == [
        ("sc-1", 200),
        ("sc-2", 200),
        ("sc-3", 409),
        ("sc-3", 412),
        ("sc-9", 404),
    ]
    assert [each["commitment"]["status"] for each in results[:2]] == ["exporting", "rejected"]
    assert [each["problem"]["status"] for each in results[2:]] == [409, 412, 404]
    assert again.content == answer.content
    assert results[0]["etag"] == (await dana.get(ONE)).headers["etag"]


@pytest.mark.parametrize("count", [0, MAX_ANSWERS + 1])
async def test_no_answer_and_too_many_answers_are_refused(dana: AsyncClient, desk: DeskUnderTest, count: int) -> None:
    given = [{"verb": "accept", "commitment_id": "sc-1", "answer": ACCEPT}] * count
    refused = await dana.post(f"{API}/answers", json={"answers": given})

    assert refused.status_code == 422
    assert not await desk.published("decision.accepted")


async def test_who_sends_too_much_is_told_how_much_and_when(database_url: str) -> None:
    wanted = settings(database_url).model_copy(update={"api_requests_per_minute": 2, "commands_per_minute": 2})
    async with running_desk(wanted) as desk, desk.browser(DANA) as danas, desk.browser(KIM) as kims:
        given = [{"verb": "accept", "commitment_id": f"sc-{place}", "answer": ACCEPT} for place in range(3)]
        several = await danas.post(f"{API}/answers", json={"answers": given})
        answers = [await danas.get(f"{API}/me") for _ in range(2)]
        other = await kims.get(f"{API}/me")

    assert (several.status_code, several.headers["content-type"]) == (429, MEDIA_TYPE)
    assert '"answers";q=2;w=60' in several.headers["ratelimit-policy"]
    assert [each.status_code for each in answers] == [200, 429]
    assert '"person";r=0;t=' in answers[1].headers["ratelimit"]
    assert 1 <= int(answers[1].headers["retry-after"]) <= 60
    assert other.status_code == 200


async def test_an_address_that_sends_too_much_is_refused_before_anybody_is_identified(database_url: str) -> None:
    wanted = settings(database_url).model_copy(update={"api_requests_per_address_per_minute": 1})
    async with running_desk(wanted) as desk, desk.browser() as nobody:
        answers = [await nobody.get(f"{API}/me") for _ in range(2)]

    assert [each.status_code for each in answers] == [401, 429]


async def test_a_body_that_is_too_large_is_a_problem(dana: AsyncClient) -> None:
    refused = await dana.post(f"{ONE}/reject", content=b"x" * 131_073)

    assert (refused.status_code, refused.headers["content-type"]) == (413, MEDIA_TYPE)
    assert refused.json()["detail"] == "The request is larger than 131,072 bytes. Nothing of it was used."


async def test_a_person_lists_and_ends_their_own_sessions(dana: AsyncClient, desk: DeskUnderTest) -> None:
    async with desk.browser(DANA) as phone, desk.browser(EVE) as other:
        (mine, second) = (await dana.get(f"{API}/sessions")).json()
        current, lost = (mine, second) if mine["is_current"] else (second, mine)
        foreign = await other.post(f"{API}/sessions/{lost['name']}/end")
        kept = await phone.get(f"{API}/me")
        ended = await dana.post(f"{API}/sessions/{lost['name']}/end")
        after = [await browser.get(f"{API}/me") for browser in (phone, dana)]

    assert (current["is_current"], lost["is_current"]) == (True, False)
    assert (foreign.status_code, kept.status_code, ended.status_code) == (204, 200, 204)
    assert [each.status_code for each in after] == [401, 200]


async def test_a_person_stops_and_resumes_their_daily_summary(dana: AsyncClient, desk: DeskUnderTest) -> None:
    answers = [await dana.post(f"{API}/daily-summary/{verb}") for verb in ("unsubscribe", "subscribe")]

    assert [each.json()["subscribed"] for each in answers] == [False, True]
    told = [orjson.loads(each)["data"] for each in await desk.published("digest.preference")]
    assert [(each["person_id"], each["subscribed"]) for each in told] == [("person-5", False), ("person-5", True)]


async def test_the_people_of_ones_own_company_are_listed(dana: AsyncClient) -> None:
    people = {each["name"]: each for each in (await dana.get(f"{API}/people")).json()}

    assert (people["Dana Ruiz"]["is_accounting_approver"], people["Kim Osei"]["is_accounting_approver"]) == (
        True,
        False,
    )
    assert "Kim Osei" in people
    assert "Eve Stone" not in people


async def _age(desk: DeskUnderTest, by: timedelta) -> None:
    async with desk.database.begin() as db:
        await db.execute(update(desk_tables.KEPT_RESPONSE).values(at=desk_tables.KEPT_RESPONSE.c.at - by))
