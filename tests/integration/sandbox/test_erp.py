"""The ERP over real HTTP: its API, its faults as a client sees them, and its journal."""

import asyncio
import time
from collections.abc import AsyncIterator
from pathlib import Path

import httpx2
import pytest
from httpx2 import AsyncClient, Limits, ReadError, ReadTimeout, RemoteProtocolError, WriteError
from pydantic import SecretStr

from sandbox.erp import Calls, Did, Erp, ErpFault, ErpFaultKind, running_erp
from sandbox.erp.process import ErpProcess
from schemas.fields import FailureClass
from tests.erp_orders import order_body
from tests.waiting import eventually

TOKEN = SecretStr("of the tests")
PAGE = {"accept": "text/html"}


@pytest.fixture
async def erp() -> AsyncIterator[Erp]:
    async with running_erp(token=TOKEN) as running:
        yield running


@pytest.fixture
async def client(erp: Erp) -> AsyncIterator[AsyncClient]:
    async with a_client(erp) as opened:
        yield opened


def a_client(erp: Erp) -> AsyncClient:
    headers = {"authorization": f"Bearer {TOKEN.get_secret_value()}"}
    return AsyncClient(base_url=erp.url, headers=headers, timeout=10, limits=Limits(max_connections=200))


async def test_a_document_is_created_found_and_updated(erp: Erp, client: AsyncClient) -> None:
    created = await client.post("/documents", json=order_body())
    found = await client.get("/documents", params={"reference": "c-8841"})
    updated = await client.put("/documents/1001", json=order_body(revision=2, marker="c-8841/2/def"))
    assert (created.status_code, updated.status_code) == (201, 200)
    assert found.json() == {"documents": [created.json()]}
    assert updated.json()["marker"] == "c-8841/2/def"
    did = [(entry.method, entry.did, entry.answered) for entry in erp.journal.entries]
    assert did == [("POST", Did.CREATED, 201), ("GET", Did.SEARCHED, 200), ("PUT", Did.UPDATED, 200)]


@pytest.mark.parametrize("authorization", ["", "Bearer", "Bearer wrong", f"Basic {TOKEN.get_secret_value()}"])
async def test_a_call_without_the_token_does_nothing(erp: Erp, client: AsyncClient, authorization: str) -> None:
    answer = await client.post("/documents", json=order_body(), headers={"authorization": authorization})
    assert answer.status_code == 401
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["www-authenticate"] == "Bearer"
    assert [(entry.did, entry.answered) for entry in erp.journal.entries] == [(Did.NOTHING, 401)]


async def test_a_refusal_is_a_problem_document_with_a_failure_class(client: AsyncClient) -> None:
    answer = await client.post("/documents", json=order_body(vendor={"id": "v-new", "name": "New Vendor"}))
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["code"] == "vendor_unknown"
    assert answer.json()["failure_class"] == "wait_for_dependency"
    assert answer.json()["detail"].startswith("New Vendor has no vendor code here.")


@pytest.mark.parametrize("body", [b"{", b"[]", b'{"reference": "c-1"}'])
async def test_an_unreadable_body_is_refused_and_recorded(erp: Erp, client: AsyncClient, body: bytes) -> None:
    answer = await client.post("/documents", content=body, headers={"content-type": "application/json"})
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid")
    assert [entry.did for entry in erp.journal.entries] == [Did.NOTHING]


async def test_a_lost_answer_leaves_the_document_stored(erp: Erp, client: AsyncClient) -> None:
    erp.faults.switch_on(ErpFault(kind=ErpFaultKind.LOSE_ANSWER, times=1))
    with pytest.raises((RemoteProtocolError, ReadError)):
        await client.post("/documents", json=order_body())
    found = await client.get("/documents", params={"reference": "c-8841"})
    assert [document["number"] for document in found.json()["documents"]] == ["PO-1001"]
    lost = erp.journal.entries[0]
    assert (lost.did, lost.answered, lost.fault) == (Did.CREATED, None, ErpFaultKind.LOSE_ANSWER)


async def test_a_500_looks_the_same_before_and_after_storing(erp: Erp, client: AsyncClient) -> None:
    erp.faults.replace(
        [
            ErpFault(kind=ErpFaultKind.ERROR_BEFORE_STORING, times=1),
            ErpFault(kind=ErpFaultKind.ERROR_AFTER_STORING, times=1),
        ]
    )
    answers = [await client.post("/documents", json=order_body()) for _ in range(2)]
    assert answers[0].json() == answers[1].json()
    assert [answer.status_code for answer in answers] == [500, 500]
    assert [entry.did for entry in erp.journal.entries] == [Did.NOTHING, Did.CREATED]


async def test_unavailable_says_when_to_retry(erp: Erp, client: AsyncClient) -> None:
    erp.faults.switch_on(ErpFault(kind=ErpFaultKind.UNAVAILABLE, calls=Calls.EVERY, retry_after_seconds=7))
    answer = await client.get("/documents", params={"reference": "c-8841"})
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "7")


async def test_a_refusal_can_be_switched_on_for_one_reference(erp: Erp, client: AsyncClient) -> None:
    fault = {"kind": "refuse", "reference": "c-1", "failure_class": "fix_setup", "code": "job_closed"}
    await client.put("/faults", json={"faults": [fault]})
    refused = await client.post("/documents", json=order_body(reference="c-1"))
    written = await client.post("/documents", json=order_body(reference="c-2"))
    assert (refused.json()["code"], refused.json()["failure_class"]) == ("job_closed", FailureClass.FIX_SETUP)
    assert written.status_code == 201
    assert erp.journal.created() == {"c-2": 1}


async def test_a_slow_call_is_stored_even_if_the_caller_gave_up(erp: Erp, client: AsyncClient) -> None:
    erp.faults.switch_on(ErpFault(kind=ErpFaultKind.SLOW, seconds=0.3, times=1))
    with pytest.raises(ReadTimeout):
        await client.post("/documents", json=order_body(), timeout=0.1)
    assert erp.journal.created() == {}
    await eventually(lambda: erp.journal.created() == {"c-8841": 1})


async def test_150_slow_calls_are_handled_concurrently(erp: Erp, client: AsyncClient) -> None:
    erp.faults.switch_on(ErpFault(kind=ErpFaultKind.SLOW, seconds=1))
    begun = time.monotonic()
    bodies = [order_body(reference=f"c-{number}") for number in range(150)]
    answers = await asyncio.gather(*(client.post("/documents", json=body) for body in bodies))
    assert {answer.status_code for answer in answers} == {201}
    assert erp.journal.created() == {f"c-{number}": 1 for number in range(150)}
    assert time.monotonic() - begun < 75  # one after the other would take 150 seconds


async def test_a_restarted_erp_still_has_its_documents(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    async with running_erp(token=TOKEN, journal_path=path) as erp, a_client(erp) as client:
        await client.post("/documents", json=order_body())
    async with running_erp(token=TOKEN, journal_path=path) as erp, a_client(erp) as client:
        found = await client.get("/documents", params={"reference": "c-8841"})
        created = await client.post("/documents", json=order_body(reference="c-2"))
    assert [document["number"] for document in found.json()["documents"]] == ["PO-1001"]
    assert created.json()["number"] == "PO-1002"
    assert erp.journal.created() == {"c-8841": 1, "c-2": 1}


async def test_a_document_is_changed_by_hand_on_its_page(erp: Erp, client: AsyncClient) -> None:
    await client.post("/documents", json=order_body())

    changed = await client.post("/purchase-orders/1001/total", data={"total": "1.00"})
    unknown = await client.post("/purchase-orders/9/total", data={"total": "1.00"})
    wrong = await client.post("/purchase-orders/1001/total", data={"total": "a lot"})

    assert [changed.status_code, unknown.status_code, wrong.status_code] == [303, 303, 422]
    shown = (await client.get("/documents/1001")).json()
    assert (shown["total"], shown["marker"]) == ("1.00", order_body()["marker"])
    assert [entry.did for entry in erp.journal.entries][:2] == [Did.CREATED, Did.UPDATED]


async def test_a_document_is_deleted_by_its_api_and_on_its_page(erp: Erp, client: AsyncClient) -> None:
    for reference in ("c-1", "c-2"):
        await client.post("/documents", json=order_body(reference=reference))

    by_api = await client.delete("/documents/1001")
    on_page = await client.post("/purchase-orders/1002/delete")
    again = await client.delete("/documents/1002")

    assert (by_api.status_code, by_api.json()["number"]) == (200, "PO-1001")
    assert (on_page.status_code, on_page.headers["location"], again.status_code) == (303, "/", 404)
    assert erp.books.documents == {}
    deleted = [(entry.reference, entry.document_id) for entry in erp.journal.entries if entry.did is Did.DELETED]
    assert deleted == [("c-1", "1001"), ("c-2", "1002")]


async def test_the_journal_is_served_as_json_and_as_a_page(client: AsyncClient) -> None:
    await client.post("/documents", json=order_body())
    await client.post("/documents", json=order_body(reference="c-2"))
    entries = (await client.get("/journal", params={"reference": "c-2"})).json()["entries"]
    page = await client.get("/journal", headers=PAGE)
    assert [(entry["reference"], entry["did"], entry["answered"]) for entry in entries] == [("c-2", "created", 201)]
    assert "c-8841" in page.text


async def test_the_pages_show_orders_and_escape_their_text(client: AsyncClient) -> None:
    await client.post("/documents", json=order_body(title="<script>alert(1)</script>"))
    await client.post("/documents", json=order_body(revision=2))
    listing = await client.get("/")
    one = await client.get("/purchase-orders/1001")
    assert "1 written twice" in listing.text
    assert "Foundation walls" in one.text
    assert "<script" not in listing.text + one.text
    assert (await client.get("/purchase-orders/9")).status_code == 404


async def test_faults_and_rules_are_changed_on_their_page(erp: Erp, client: AsyncClient) -> None:
    form = {"kind": "lose_answer", "calls": "writes", "times": "2", "reference": "", "seconds": ""}
    assert (await client.post("/faults", data=form)).status_code == 303
    rules = {"number_characters": "11", "closed_cost_codes": "03-300 03-310", "is_reference_unique": "true"}
    assert (await client.post("/rules", data=rules)).status_code == 303
    page = await client.get("/faults", headers=PAGE)
    assert "lose answer" in page.text
    assert erp.faults.faults == (ErpFault(kind=ErpFaultKind.LOSE_ANSWER, times=2),)
    assert erp.books.rules.number_characters == 11
    assert erp.books.rules.closed_cost_codes == {"03-300", "03-310"}
    assert erp.books.rules.is_reference_unique
    await client.post("/faults/0/off")
    assert erp.faults.faults == ()
    await client.put("/rules", json={"number_characters": 12})
    assert not erp.books.rules.is_reference_unique


async def test_a_lost_request_stores_nothing_and_a_bad_gateway_may_have_stored(erp: Erp, client: AsyncClient) -> None:
    before, after = ErpFaultKind.BAD_GATEWAY_BEFORE, ErpFaultKind.BAD_GATEWAY_AFTER
    erp.faults.replace([ErpFault(kind=kind, times=1) for kind in (ErpFaultKind.LOSE_REQUEST, before, after)])
    with pytest.raises((RemoteProtocolError, ReadError)):
        await client.post("/documents", json=order_body())
    answers = [await client.post("/documents", json=order_body()) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [502, 502]
    did = [(entry.did, entry.answered, entry.fault) for entry in erp.journal.entries]
    lost = (Did.NOTHING, None, ErpFaultKind.LOSE_REQUEST)
    assert did == [lost, (Did.NOTHING, 502, before), (Did.CREATED, 502, after)]


async def test_a_late_answer_comes_after_the_document_is_stored(erp: Erp, client: AsyncClient) -> None:
    erp.faults.switch_on(ErpFault(kind=ErpFaultKind.LATE_ANSWER, seconds=0.5, times=1))
    with pytest.raises(ReadTimeout):
        await client.post("/documents", json=order_body(), timeout=0.2)
    assert erp.journal.created() == {"c-8841": 1}


async def test_a_new_connection_is_reset_before_anything_is_read(erp: Erp, client: AsyncClient) -> None:
    erp.faults.switch_on(ErpFault(kind=ErpFaultKind.RESET_CONNECTION, times=1))
    with pytest.raises((ReadError, WriteError, RemoteProtocolError)):
        await client.post("/documents", json=order_body())
    assert (await client.post("/documents", json=order_body())).status_code == 201
    did = [(entry.did, entry.fault) for entry in erp.journal.entries]
    assert did == [(Did.NOTHING, ErpFaultKind.RESET_CONNECTION), (Did.CREATED, None)]


async def test_connections_are_reset_until_the_fault_is_switched_off_on_its_page(erp: Erp, client: AsyncClient) -> None:
    switched_on = await client.post("/faults", data={"kind": "reset_connection", "calls": "writes", "times": ""})
    async with AsyncClient(base_url=erp.url, headers=client.headers) as caller:
        for _ in range(2):
            with pytest.raises((ReadError, WriteError, RemoteProtocolError)):
                await caller.post("/documents", json=order_body())
    async with AsyncClient(base_url=erp.url) as visitor:
        pages = [await visitor.get(path) for path in ("/", "/journal", "/faults")]
    async with AsyncClient(base_url=erp.url) as visitor:
        switched_off = await visitor.put("/faults", json={"faults": []})

    assert (switched_on.status_code, switched_off.status_code) == (303, 200)
    assert [page.status_code for page in pages] == [200, 200, 200]
    assert (await client.post("/documents", json=order_body())).status_code == 201


async def test_too_many_calls_are_429_and_say_when_to_retry(erp: Erp, client: AsyncClient) -> None:
    erp.faults.switch_on(ErpFault(kind=ErpFaultKind.TOO_MANY, retry_after_seconds=7))
    answer = await client.post("/documents", json=order_body())
    assert (answer.status_code, answer.headers["retry-after"], erp.journal.created()) == (429, "7", {})


async def test_answers_that_cannot_be_used_hide_that_the_document_is_stored(erp: Erp, client: AsyncClient) -> None:
    kinds = (ErpFaultKind.BROKEN_JSON, ErpFaultKind.NOT_JSON, ErpFaultKind.WRONG_TYPE)
    erp.faults.replace([ErpFault(kind=kind, times=1) for kind in kinds])
    broken, page, mislabelled = [await client.post("/documents", json=order_body()) for _ in kinds]
    with pytest.raises(ValueError, match=r"Unterminated|Expecting"):
        broken.json()
    assert (page.status_code, "sign in" in page.text) == (200, True)
    assert mislabelled.headers["content-type"].startswith("text/html")
    assert mislabelled.json()["number"] == "PO-1003"
    assert erp.journal.created() == {"c-8841": 3}


async def test_a_redirect_stores_nothing(erp: Erp, client: AsyncClient) -> None:
    erp.faults.switch_on(ErpFault(kind=ErpFaultKind.REDIRECT, times=1))
    answer = await client.post("/documents", json=order_body())
    assert (answer.status_code, answer.headers["location"], erp.journal.created()) == (302, "/sign-in", {})


async def test_a_huge_answer_has_50_mb_and_an_endless_one_no_end(erp: Erp, client: AsyncClient) -> None:
    erp.faults.replace([ErpFault(kind=ErpFaultKind.HUGE_ANSWER, times=1), ErpFault(kind=ErpFaultKind.ENDLESS_ANSWER)])
    huge = await client.post("/documents", json=order_body())
    async with client.stream("POST", "/documents", json=order_body()) as endless:
        arriving = endless.aiter_bytes()
        chunks = [await anext(arriving) for _ in range(3)]
    assert (len(huge.content), len(chunks)) == (50_000_000, 3)
    assert erp.journal.created() == {"c-8841": 2}


async def test_an_erp_that_contradicts_itself_denies_what_is_there(erp: Erp, client: AsyncClient) -> None:
    await client.post("/documents", json=order_body())
    erp.faults.switch_on(ErpFault(kind=ErpFaultKind.CONTRADICT, calls=Calls.EVERY))
    found = await client.get("/documents", params={"reference": "c-8841"})
    created = await client.post("/documents", json=order_body())
    updated = await client.put("/documents/1001", json=order_body(revision=2))
    assert found.json() == {"documents": []}
    assert (created.status_code, created.json()["code"]) == (409, "duplicate_reference")
    assert created.json()["document"]["id"] not in erp.books.documents
    assert updated.status_code == 404
    assert erp.books.documents["1001"].order.revision == 1


async def test_a_call_that_is_stored_twice_makes_two_documents_and_no_answer(erp: Erp, client: AsyncClient) -> None:
    erp.faults.switch_on(ErpFault(kind=ErpFaultKind.STORE_TWICE, times=1))
    with pytest.raises((RemoteProtocolError, ReadError)):
        await client.post("/documents", json=order_body())
    assert erp.journal.created() == {"c-8841": 2}


async def test_a_fault_of_new_documents_hits_no_update(erp: Erp, client: AsyncClient) -> None:
    await client.post("/documents", json=order_body())
    erp.faults.switch_on(ErpFault(kind=ErpFaultKind.STORE_TWICE, times=1))
    updated = await client.put("/documents/1001", json=order_body(revision=2))
    assert updated.status_code == 200
    assert [fault.kind for fault in erp.faults.faults] == [ErpFaultKind.STORE_TWICE]


async def test_a_shortened_reference_is_found_and_survives_a_restart(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    body = order_body(reference="commitment-1", marker="commitment-1/1/abc")
    async with running_erp(token=TOKEN, journal_path=path) as erp, a_client(erp) as client:
        erp.faults.switch_on(ErpFault(kind=ErpFaultKind.SHORTEN_REFERENCE, times=1))
        created = await client.post("/documents", json=body)
    async with running_erp(token=TOKEN, journal_path=path) as erp, a_client(erp) as client:
        updated = await client.put("/documents/1001", json=body | {"revision": 2})
        found = await client.get("/documents", params={"reference": "commitment-1"})
        other = await client.get("/documents", params={"reference": "other"})
    assert created.json()["reference"] == updated.json()["reference"] == "commitme"
    assert (found.json(), other.json()) == ({"documents": [updated.json()]}, {"documents": []})
    assert erp.journal.created() == {"commitment-1": 1}


def test_an_erp_in_a_process_of_its_own_keeps_its_books_when_it_is_killed() -> None:
    with ErpProcess() as erp:
        token = Path(str(erp.connection["token_file"])).read_text()
        headers = {"authorization": f"Bearer {token}"}
        httpx2.post(f"{erp.url}/documents", json=order_body(), headers=headers)
        erp.kill()
        erp.start()
        found = httpx2.get(f"{erp.url}/documents", params={"reference": "c-8841"}, headers=headers)
        assert [document["number"] for document in found.json()["documents"]] == ["PO-1001"]
        assert erp.journal.created() == {"c-8841": 1}
