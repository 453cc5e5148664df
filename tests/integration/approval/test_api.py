"""The JSON API with bearer tokens on a real database: valid requests and invalid ones."""

import asyncio
import json
import re
import shlex
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4
from zoneinfo import ZoneInfo

import orjson
import pytest
from httpx2 import ASGITransport, AsyncClient, Response
from pydantic import SecretStr

from sandbox.servers.postgres import create_database, drop_database
from sandbox.serving import served
from sandbox.sign_in import Client, Flaw, Provider, running_sign_in
from schemas.events import DirectoryPerson, EventData, ExportDrifted
from schemas.fields import FailureClass, ToolLevel
from schemas.limits import MAX_REASON_CHARACTERS
from schemas.snapshot import Snapshot
from services.approval.storage.migrations import MIGRATIONS
from services.approval.web.api.problems import MEDIA_TYPE
from services.pipeline.clock import utc_now
from services.pipeline.migrations import migrate
from tests.integration.approval import company
from tests.integration.approval.company import ANA, DANA, EVE, KIM, LEE, PAT, content
from tests.integration.approval.desk import DeskUnderTest, settings

CLIENT = Client(
    id="countersign",
    secret=SecretStr("of the tests"),
    redirect_uris=("http://127.0.0.1:1/",),
    audience="countersign-api",
)
COMMITMENTS = "/api/v1/commitments"
CHECKS = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
    "negative_data_rejection",
    "unsupported_method",
    "allow_header_conformance",
    "ignored_auth",
)
"""Not positive_data_acceptance: most valid answers are conflicts, because they come too late."""

PHASES = "examples,coverage,fuzzing"

HTML = "<script>alert('\"&')</script>"
SC = content("sc-1", "SC-001")


class Api:
    """The API; Dana sends the requests unless `who` is given."""

    def __init__(self, desk: DeskUnderTest, provider: Provider, client: AsyncClient) -> None:
        self.desk = desk
        self.provider = provider
        self.client = client

    def bearer(self, who: DirectoryPerson, flaw: Flaw | None = None) -> dict[str, str]:
        return {"authorization": f"Bearer {self.provider.bearer_token(who.person_id, flaw)}"}

    async def get(self, path: str = "", who: DirectoryPerson = DANA, **query: Any) -> Response:
        return await self.client.get(f"{COMMITMENTS}{path}", headers=self.bearer(who), params=query)

    async def post(self, path: str, body: Mapping[str, Any], who: DirectoryPerson = DANA) -> Response:
        return await self.client.post(f"{COMMITMENTS}{path}", headers=self.bearer(who), json=body)

    async def post_bytes(self, path: str, body: bytes) -> Response:
        headers = self.bearer(DANA) | {"content-type": "application/json"}
        return await self.client.post(f"{COMMITMENTS}{path}", headers=headers, content=body)

    async def decisions(self, topic: str) -> list[dict[str, Any]]:
        return [orjson.loads(event)["data"] for event in await self.desk.published(topic)]


@pytest.fixture(scope="module")
def migrated_url(postgres: str) -> Iterator[str]:
    """One database for this module; each test starts with empty tables."""
    name = f"test_api_{uuid4().hex[:12]}"
    url = create_database(postgres, name)
    asyncio.run(migrate(SecretStr(url), MIGRATIONS))
    yield url
    drop_database(postgres, name)


@pytest.fixture
async def api(migrated_url: str) -> AsyncIterator[Api]:
    async with running_sign_in(CLIENT) as provider:
        desk = DeskUnderTest(settings(migrated_url, issuer=provider.issuer))
        await desk.consumer.clear()
        await desk.receive_company()
        async with AsyncClient(transport=ASGITransport(desk.app), base_url="http://desk.example") as client:
            yield Api(desk, provider, client)
        await desk.database.close()


def commands() -> list[tuple[str, dict[str, Any]]]:
    """The calls in the table of ways out, as docs/operations.md shows them: path and body."""
    page = (Path(__file__).parents[3] / "docs/operations.md").read_text(encoding="utf-8")
    block = re.search(r"```sh\n(# create anew.*?)```", page, re.DOTALL)
    assert block
    calls = re.findall(r"^curl .*?\n(?=#|\Z)", block[1].replace("\\\n", " "), re.MULTILINE | re.DOTALL)
    words = [shlex.split(each) for each in calls]
    return [(each[-1].removeprefix(f"$PUBLIC_URL{COMMITMENTS}"), json.loads(each[-2])) for each in words]


def read(received: Mapping[str, Any], **members: Any) -> dict[str, Any]:
    """The members that an answer to `received` must have."""
    return {"revision": 1, "content_hash": Snapshot.of(dict(received)).content_hash} | members


def is_problem(answer: Response, status: int) -> dict[str, Any]:
    """Return the problem document of a refused request."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == MEDIA_TYPE
    document: dict[str, Any] = answer.json()
    assert document["status"] == status
    assert document["title"]
    assert document["detail"]
    return document


def numbers(answer: Response) -> list[str]:
    assert answer.status_code == 200, answer.text
    return [item["summary"]["number"] for item in answer.json()["items"]]


def one_of_each_status() -> list[EventData]:
    commitments = {number: content(number.lower(), number) for number in (f"SC-00{place}" for place in range(1, 9))}
    _ready, disputed, exporting, in_doubt, failed, _rejected, retrieved, synced = commitments.values()
    return [
        *(company.sent(each) for each in commitments.values()),
        company.sent(disputed | {"title": "Another title"}),
        *(company.accepted(each) for each in (exporting, in_doubt, failed, synced)),
        company.in_doubt(in_doubt),
        company.failed(failed, FailureClass.FIX_DATA, "The title is too long."),
        company.retrieved(retrieved),
        company.succeeded(synced),
    ]


async def test_each_view_lists_its_commitments_in_its_order(api: Api) -> None:
    await api.desk.receive(*one_of_each_status())
    rejected = content("sc-006", "SC-006")
    assert (await api.post("/sc-006/reject", read(rejected, reason="No."))).status_code == 200

    listed = {view: numbers(await api.get(view=view)) for view in ("failed", "exporting", "synced", "rejected")}
    assert listed == {
        "failed": ["SC-005"],
        "exporting": ["SC-003", "SC-004"],
        "synced": ["SC-008"],
        "rejected": ["SC-006", "SC-007"],
    }
    ready = (await api.get()).json()
    assert [(item["id"], item["status"]) for item in ready["items"]] == [("sc-001", "ready"), ("sc-002", "disputed")]
    assert ready["counts"] == {
        "ready": 2,
        "failed": 1,
        "exporting": 2,
        "synced": 1,
        "differing": 0,
        "rejected": 2,
        "all": 8,
    }
    assert sorted(numbers(await api.get(view="all"))) == [f"SC-00{place}" for place in range(1, 9)]
    statuses = {item["status"]: item["ribbon"] for item in (await api.get(view="all")).json()["items"]}
    assert statuses == {
        **dict.fromkeys(("ready", "disputed", "exporting", "in_doubt", "failed"), "BLUE"),
        **dict.fromkeys(("rejected", "retrieved"), "YELLOW"),
        "synced": "GREEN",
    }


async def test_each_page_continues_the_previous_one(api: Api) -> None:
    await api.desk.receive(*(company.sent(content(f"c-{place}", f"SC-{place:03}")) for place in range(7)))
    seen: list[list[str]] = []
    after: str | None = None
    while True:
        page = await api.get(limit=3, after=after) if after else await api.get(limit=3)
        seen.append(numbers(page))
        after = page.json()["next_after"]
        if after is None:
            break
    assert seen == [["SC-000", "SC-001", "SC-002"], ["SC-003", "SC-004", "SC-005"], ["SC-006"]]


async def test_a_list_is_narrowed_and_sorted(api: Api) -> None:
    steel = {"id": "v", "name": "Müller & Söhne"}
    await api.desk.receive(
        company.sent(content("c-1", "SC-001", total="100.00", vendor=steel)),
        company.sent(content("c-2", "SC-002", total="900.50", vendor=steel)),
        company.sent(content("c-3", "SC-003", total="500.00")),
    )
    narrowed: dict[str, dict[str, Any]] = {
        "SC-001 SC-002": {"vendor": "Müller & Söhne"},
        "SC-002 SC-003 SC-001": {"sort": "largest"},
        "SC-001 SC-003": {"max_total": "500", "project": ["Riverside Tower", "Pier"]},
        "SC-002": {"min_total": "500", "search": "sohne muller"},
        "SC-003 SC-002 SC-001": {"sort": "newest", "waited_days": 1},
        "": {"changed": "true"},
    }
    assert {found: " ".join(numbers(await api.get(**query))) for found, query in narrowed.items()} == {
        found: found for found in narrowed
    }
    first = (await api.get(sort="largest", limit=1)).json()["next_after"]
    assert numbers(await api.get(sort="largest", after=first)) == ["SC-003", "SC-001"]
    wrong: list[dict[str, Any]] = [{"sort": "newest", "after": first}, {"min_total": "NaN"}, {"waited_days": -1}]
    for query in wrong:
        is_problem(await api.get(**query), 422)


async def test_search_matches_number_title_vendor_or_project_without_wildcards(api: Api) -> None:
    await api.desk.receive(
        company.sent(content("c-1", "SC-001", title="100% masonry")),
        company.sent(content("c-2", "SC-002", vendor={"id": "v", "name": "Ironline_Steel"})),
        company.sent(content("c-3", "PO-003", project={"id": company.PROJECT, "name": "Harbour Façade"})),
    )
    found = {
        text: numbers(await api.get(search=text)) for text in ("sc-", "0%", "%", "e_s", "FAÇADE", "nowhere", "\x00")
    }
    assert found == {
        "sc-": ["SC-001", "SC-002"],
        "0%": ["SC-001"],
        "%": ["SC-001"],
        "e_s": ["SC-002"],
        "FAÇADE": ["PO-003"],
        "nowhere": [],
        "\x00": [],
    }


async def test_invalid_list_parameters_are_refused(api: Api) -> None:
    wrong: list[tuple[str, str]] = [
        ("view", "open"),
        ("limit", "0"),
        ("limit", "201"),
        ("limit", "many"),
        ("search", "x" * 201),
        ("after", "yesterday"),
        ("after", "2026-11-16T15:02:00Z"),
        ("after", "2026-11-16T15:02:00Z|\x00"),
        ("after", "0001-01-01T00:00:00+14:00|c-1"),
    ]
    for name, text in wrong:
        answer = await api.client.get(COMMITMENTS, headers=api.bearer(DANA), params={name: text})
        assert name in is_problem(answer, 422)["detail"]


async def test_a_commitment_has_contents_findings_changes_and_history(api: Api) -> None:
    corrected = content("sc-1", "SC-001", total="480251.00") | {"insurance": {"expires": "2027-03-31"}}
    await api.desk.receive(company.sent(SC), company.retrieved(SC), company.resent(corrected, note="Now insured."))

    one = (await api.get("/sc-1")).json()
    (submission,) = one["submissions"]
    assert (one["status"], one["revision"], one["content_hash"]) == (
        "ready",
        2,
        Snapshot.of(corrected).content_hash,
    )
    assert submission["commitment"] == corrected
    assert submission["note"] == "Now insured."
    assert [(finding["rule"], finding["is_blocking"]) for finding in submission["findings"]] == [("total", True)]
    assert {change["field"]: change["after"] for change in one["changes"]} == {
        "Total": "USD 480,251.00",
        "Insurance expires": "2027-03-31",
    }

    history = (await api.get("/sc-1/history")).json()
    assert [line["text"] for line in history] == [
        "Sam Lee re-sent it as revision 2. Note: Now insured.",
        "Sam Lee retrieved revision 1.",
        "Sam Lee sent revision 1.",
    ]


async def test_a_repeated_accept_orders_one_export(api: Api) -> None:
    await api.desk.receive(company.sent(SC))
    today = utc_now().date().isoformat()
    body = read(SC, erp_code="4711", accounting_date=today, note="As agreed.")
    first = await api.post("/sc-1/accept", body)
    again = await api.post("/sc-1/accept", body)
    assert (first.status_code, again.status_code) == (200, 200)
    assert first.json() == again.json()
    assert first.json()["status"] == "exporting"
    (order,) = await api.decisions("decision.accepted")
    assert (order["round"], order["erp_code"], order["accounting_date"]) == (1, "4711", today)
    assert order["commitment"] == SC
    assert [line["kind"] for line in (await api.get("/sc-1/history")).json()] == [
        "decision.accepted",
        "commitment.sent",
    ]


async def test_a_decision_belongs_to_the_trace_of_its_request(api: Api) -> None:
    trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    await api.desk.receive(company.sent(SC))
    headers = api.bearer(DANA) | {"traceparent": trace}

    await api.client.post(f"{COMMITMENTS}/sc-1/accept", headers=headers, json=read(SC))

    assert [orjson.loads(each)["traceparent"] for each in await api.desk.published("decision.accepted")] == [trace]


@pytest.mark.parametrize("given", [{}, {"traceparent": "00-not-a-trace"}])
async def test_a_request_without_a_trace_starts_one(api: Api, given: dict[str, str]) -> None:
    await api.desk.receive(company.sent(SC))

    await api.client.post(f"{COMMITMENTS}/sc-1/accept", headers=api.bearer(DANA) | given, json=read(SC))

    (decision,) = await api.desk.published("decision.accepted")
    assert re.fullmatch(r"00-[0-9a-f]{32}-[0-9a-f]{16}-01", orjson.loads(decision)["traceparent"])


async def test_a_repeated_reject_publishes_one_rejection(api: Api) -> None:
    await api.desk.receive(company.sent(SC))
    answers = [await api.post("/sc-1/reject", read(SC, reason="Use 03-310.")) for _ in range(2)]
    assert [answer.json()["status"] for answer in answers] == ["rejected", "rejected"]
    assert answers[0].json()["editable"] is True
    (decision,) = await api.decisions("decision.rejected")
    assert (decision["reason"], decision["decided_by"]["id"]) == ("Use 03-310.", DANA.person_id)


async def test_a_failed_export_is_retried_once(api: Api) -> None:
    failed = company.failed(SC, FailureClass.WAIT_FOR_DEPENDENCY, "Vendor ACME is not active.")
    await api.desk.receive(company.sent(SC), company.accepted(SC), failed)
    answers = [await api.post("/sc-1/retry", {"revision": 1, "round": 1}) for _ in range(2)]
    assert [(answer.json()["status"], answer.json()["round"]) for answer in answers] == [("exporting", 2)] * 2
    (order,) = await api.decisions("decision.accepted")
    assert (order["round"], order["content_hash"]) == (2, Snapshot.of(SC).content_hash)


async def test_a_document_that_is_gone_is_created_anew_once(api: Api) -> None:
    await api.desk.receive(company.sent(SC), company.accepted(SC), company.succeeded(SC), company.resent(SC))
    await api.desk.receive(company.accepted(SC, 2), company.gone(SC))
    failed = (await api.get("/sc-1")).json()
    assert (failed["failure_code"], failed["missing_document"]["id"]) == ("document_gone", "erp-sc-1")
    retry = {"revision": 2, "round": 1, "replaces": failed["missing_document"]["id"]}

    answers = [await api.post("/sc-1/retry", retry) for _ in range(2)]

    for answer in answers:
        state = answer.json()
        assert (state["status"], state["round"], state["erp_document"], state["locked_fields"]) == (
            "exporting", 2, None, []
        )  # fmt: skip
        assert (state["failure_code"], state["missing_document"]) == (None, None)
    (order,) = await api.decisions("decision.accepted")
    assert order["replaces"] == failed["missing_document"] == failed["erp_document"]
    is_problem(await api.post("/sc-1/retry", {"revision": 2, "round": 1}), 409)


@pytest.mark.parametrize("replaces", ["erp-sc-1", "another"])
async def test_nothing_but_the_document_that_is_gone_can_be_replaced(api: Api, replaces: str) -> None:
    failed = company.failed(SC, FailureClass.WAIT_FOR_DEPENDENCY, "Vendor ACME is not active.")
    if replaces == "another":
        failed = company.gone(SC, 1)
    await api.desk.receive(company.sent(SC), company.accepted(SC), failed)

    problem = is_problem(await api.post("/sc-1/retry", {"revision": 1, "round": 1, "replaces": replaces}), 409)

    assert "SC-001 cannot be created anew" in problem["detail"]
    assert problem["commitment"]["status"] == "failed"
    assert await api.decisions("decision.accepted") == []


async def test_an_export_in_doubt_is_settled_with_or_without_a_document(api: Api) -> None:
    other = content("sc-2", "SC-002")
    for received in (SC, other):
        await api.desk.receive(company.sent(received), company.accepted(received), company.in_doubt(received))
    document = {"connection": company.ERP, "id": "4F2", "number": "SC-001"}
    here = {"revision": 1, "round": 1, "document": document, "note": "Found it in the list of orders."}
    there = {"revision": 1, "round": 1, "note": "Nothing in the list of orders."}

    found = [await api.post("/sc-1/settle", here) for _ in range(2)]
    absent = [await api.post("/sc-2/settle", there) for _ in range(2)]

    assert [answer.json()["status"] for answer in found] == ["in_doubt", "in_doubt"]
    assert [(answer.json()["status"], answer.json()["round"]) for answer in absent] == [("exporting", 2)] * 2
    assert [decision["document"]["id"] for decision in await api.decisions("decision.resolved")] == ["4F2"]
    assert [decision["round"] for decision in await api.decisions("decision.accepted")] == [2]


@pytest.mark.parametrize(
    ("named", "own_id"), [({"id": "4F2"}, "4F2"), ({"number": "PO 17"}, "PO-17"), ({"number": "ID 2"}, "2")]
)
async def test_a_document_is_named_by_its_number_or_by_its_id(api: Api, named: dict[str, str], own_id: str) -> None:
    await api.desk.receive(company.sent(SC), company.accepted(SC), company.in_doubt(SC))
    answer = {"revision": 1, "round": 1, "note": "Found it."}

    nameless = await api.post("/sc-1/settle", answer | {"document": {"connection": company.ERP}})
    await api.post("/sc-1/settle", answer | {"document": {"connection": company.ERP} | named})

    assert "Give the document's number, or the ERP's own id" in is_problem(nameless, 422)["detail"]
    (decision,) = await api.decisions("decision.resolved")
    assert decision["document"]["id"] == own_id


async def test_a_document_given_as_evidence_belongs_to_the_erp_that_was_asked(api: Api) -> None:
    another = company.QUICKBOOKS.model_copy(update={"name": "another-erp"})
    await api.desk.receive(another, company.sent(SC), company.accepted(SC), company.in_doubt(SC))
    document = {"connection": another.name, "id": "4F2", "number": "SC-001"}

    await api.post("/sc-1/settle", {"revision": 1, "round": 1, "document": document, "note": "Found it."})

    (decision,) = await api.decisions("decision.resolved")
    assert decision["document"]["connection"] == company.ERP


async def test_a_document_of_somebody_elses_erp_is_no_evidence(api: Api) -> None:
    await api.desk.receive(company.sent(SC), company.accepted(SC), company.in_doubt(SC))
    document = {"connection": "somebody-elses-erp", "id": "4F2", "number": "SC-001"}

    refused = await api.post("/sc-1/settle", {"revision": 1, "round": 1, "document": document, "note": "Found it."})

    is_problem(refused, 409)
    assert "somebody-elses-erp is no ERP connection of your company." in refused.json()["detail"]
    assert await api.decisions("decision.resolved") == []


async def test_a_request_without_a_valid_token_is_unauthorized(api: Api) -> None:
    await api.desk.receive(company.sent(SC))
    refused = [await api.client.get(COMMITMENTS)]
    refused += [await api.client.get(COMMITMENTS, headers=api.bearer(DANA, flaw)) for flaw in Flaw]
    refused += [
        await api.client.get(COMMITMENTS, headers={"authorization": header})
        for header in ("Bearer", "Bearer a.b.c", "Basic ZGFuYTo=", "Bearer " + "x" * 5000)
    ]
    refused.append(await api.client.post(f"{COMMITMENTS}/sc-1/accept", json=read(SC)))
    for answer in refused:
        is_problem(answer, 401)
        assert answer.headers["www-authenticate"] == "Bearer"


@pytest.mark.parametrize("who", [ANA, DANA.model_copy(update={"person_id": "person-unknown"})])
async def test_a_person_without_a_level_on_the_tool_sees_nothing(api: Api, who: DirectoryPerson) -> None:
    await api.desk.receive(company.sent(SC))
    for path in ("", "/sc-1", "/sc-1/history"):
        is_problem(await api.get(path, who), 403)


async def test_everybody_in_the_directory_reads_their_rights_and_what_they_lack(api: Api) -> None:
    told = {who.name: await api.client.get("/api/v1/me", headers=api.bearer(who)) for who in (ANA, KIM, DANA)}
    me = {name: answer.json() for name, answer in told.items()}
    assert me["Ana Gil"]["erp_tool"] == "none"
    assert me["Ana Gil"]["commitments_tool"] == {company.PROJECT: "standard"}
    assert me["Ana Gil"]["missing_to_view"] == ["Read Only, Standard or Admin on ERP Integrations"]
    assert me["Kim Osei"]["missing_to_view"] == []
    assert "'Can Push to Accounting'" in me["Kim Osei"]["missing_to_answer"]
    assert me["Dana Ruiz"]["missing_to_answer"] == []
    assert me["Dana Ruiz"]["rights"][1]["allows"] == "Accept, reject, retry and settle."
    stranger = DANA.model_copy(update={"person_id": "person-unknown"})
    is_problem(await api.client.get("/api/v1/me", headers=api.bearer(stranger)), 403)


@pytest.mark.parametrize("who", [KIM, PAT])
async def test_a_viewer_cannot_answer(api: Api, who: DirectoryPerson) -> None:
    await api.desk.receive(company.sent(SC))
    assert numbers(await api.get(who=who)) == ["SC-001"]
    assert (await api.client.get("/api/v1/me", headers=api.bearer(who))).json()["is_accounting_approver"] is False
    bodies: dict[str, dict[str, Any]] = {
        "accept": read(SC),
        "reject": read(SC, reason="No."),
        "retry": {"revision": 1, "round": 1},
        "settle": {"revision": 1, "round": 1, "note": "Seen."},
    }
    for verb, body in bodies.items():
        assert "Can Push to Accounting" in is_problem(await api.post(f"/sc-1/{verb}", body, who), 403)["detail"]
    assert (await api.get("/sc-1")).json()["status"] == "ready"


async def test_a_revoked_right_ends_at_once(api: Api) -> None:
    await api.desk.receive(company.sent(SC))
    assert (await api.client.get("/api/v1/me", headers=api.bearer(DANA))).json()["is_accounting_approver"] is True
    await api.desk.receive(DANA.model_copy(update={"version": 2, "erp_tool": ToolLevel.READ_ONLY}))
    is_problem(await api.post("/sc-1/accept", read(SC)), 403)


async def test_another_companys_commitments_are_not_found(api: Api) -> None:
    await api.desk.receive(company.sent(SC))
    assert (await api.get(view="all", who=EVE)).json()["items"] == []
    for path in ("/sc-1", "/sc-1/history", "/unknown", "/%00", "/%E2%82%AC"):
        is_problem(await api.get(path, EVE), 404)
    is_problem(await api.post("/sc-1/accept", read(SC), EVE), 404)
    is_problem(await api.post("/%00/accept", read(SC)), 404)
    assert await api.decisions("decision.accepted") == []


async def test_a_commitment_that_was_never_submitted_is_not_found(api: Api) -> None:
    await api.desk.receive(company.succeeded(SC))
    is_problem(await api.get("/sc-1"), 404)
    is_problem(await api.post("/sc-1/accept", read(SC)), 404)


async def test_a_stale_answer_gets_the_current_state_and_records_nothing(api: Api) -> None:
    await api.desk.receive(company.sent(SC), company.retrieved(SC), company.resent(SC | {"title": "New title"}))
    before = (await api.get("/sc-1/history")).json()
    stale = [
        await api.post("/sc-1/accept", read(SC)),
        await api.post("/sc-1/accept", read(SC, revision=2)),
        await api.post("/sc-1/reject", read(SC, reason="Too late.")),
        await api.post("/sc-1/retry", {"revision": 2, "round": 1}),
        await api.post("/sc-1/settle", {"revision": 2, "round": 1, "note": "Seen."}),
    ]
    for answer in stale:
        now = is_problem(answer, 409)["commitment"]
        assert (now["status"], now["revision"]) == ("ready", 2)
    assert (await api.get("/sc-1/history")).json() == before
    assert await api.decisions("decision.accepted") == []


async def test_only_the_first_of_two_answers_counts(api: Api) -> None:
    await api.desk.receive(company.sent(SC))
    assert (await api.post("/sc-1/accept", read(SC))).status_code == 200
    late = is_problem(await api.post("/sc-1/reject", read(SC, reason="No."), LEE), 409)
    assert "Dana Ruiz accepted SC-001" in late["detail"]
    assert late["commitment"]["status"] == "exporting"


async def test_blocking_findings_prevent_acceptance_and_are_listed(api: Api) -> None:
    wrong = content("sc-1", "SC-001", total="1.00")
    await api.desk.receive(company.sent(wrong))
    problem = is_problem(await api.post("/sc-1/accept", read(wrong)), 409)
    assert [finding["rule"] for finding in problem["findings"]] == ["total"]
    assert "SC-001 cannot be accepted" in problem["detail"]


WRONG_MEMBERS: list[tuple[str, str, Any]] = [
    ("reject", "reason", ""),
    ("reject", "reason", " \n\t "),
    ("reject", "reason", "x" * 100_000),
    ("reject", "reason", "x" * (MAX_REASON_CHARACTERS + 1)),
    ("reject", "reason", "a\x00b"),
    ("reject", "reason", "\ud800"),
    ("reject", "reason", None),
    ("reject", "revision", "1"),
    ("reject", "revision", 1.5),
    ("reject", "revision", 0),
    ("reject", "revision", 10**30),
    ("reject", "content_hash", "0"),
    ("reject", "surprise", 1),
    ("accept", "accounting_date", "tomorrow"),
    ("accept", "accounting_date", 0),
    ("accept", "accounting_date", "2026-11-30T00:00:00Z"),
    ("accept", "accounting_date", "2026-02-30"),
    ("accept", "accounting_date", "20261130"),
    ("accept", "accounting_date", "0026-11-22"),
    ("accept", "accounting_date", "9999-12-31"),
    ("accept", "accounting_date", "0001-01-01"),
    ("accept", "erp_code", "\x00"),
    ("accept", "erp_code", " "),
    ("accept", "erp_code", "PO\n7"),
    ("accept", "erp_code", "PO-777777777"),
    ("accept", "note", "\x07"),
    ("retry", "replaces", ""),
    ("retry", "replaces", 1),
]


async def test_an_invalid_member_is_named_and_nothing_is_recorded(api: Api) -> None:
    await api.desk.receive(company.sent(SC))
    for verb, member, value in WRONG_MEMBERS:
        body = {"retry": {"revision": 1, "round": 1}, "reject": read(SC, reason="No.")}.get(verb, read(SC))
        body = body | {member: value}
        problem = is_problem(await api.post_bytes(f"/sc-1/{verb}", json.dumps(body).encode()), 422)
        assert [error["member"] for error in problem["errors"]] == [member]
        assert len(problem["detail"]) < 1000
    assert (await api.get("/sc-1")).json()["status"] == "ready"


async def test_a_date_that_the_erp_does_not_take_is_refused_with_those_that_it_takes(api: Api) -> None:
    await api.desk.receive(company.sent(SC))
    limits = company.QUICKBOOKS.limits.model_copy(update={"accounting_days_back": 30, "accounting_days_ahead": 0})
    await api.desk.receive(company.QUICKBOOKS.model_copy(update={"version": 2, "limits": limits}))
    today = utc_now().astimezone(ZoneInfo(DANA.time_zone)).date()
    first, early = today - timedelta(days=30), today - timedelta(days=31)

    problem = is_problem(await api.post("/sc-1/accept", read(SC, accounting_date=f"{early}")), 422)

    sentence = f"QuickBooks takes accounting dates from {first} to {today}, not {early}"
    assert problem["errors"] == [{"member": "accounting_date", "message": sentence}]
    assert problem["detail"] == f"{sentence}."
    assert (await api.post("/sc-1/accept", read(SC, accounting_date=f"{first}"))).status_code == 200


async def test_a_body_that_is_not_a_json_object_is_refused(api: Api) -> None:
    await api.desk.receive(company.sent(SC))
    for body in (b"{", b"\xff\xfe", b'{"revision": 1,}', b"[" * 100_000, b"9" * 5000):
        is_problem(await api.post_bytes("/sc-1/accept", body), 400)
    for body in (b"", b"null", b"[]", b'"text"'):
        is_problem(await api.post_bytes("/sc-1/accept", body), 422)


async def test_a_body_beyond_one_mebibyte_is_too_large(api: Api) -> None:
    answer = await api.post_bytes("/sc-1/reject", b'{"reason": "' + b"x" * 1_048_576 + b'"}')
    assert answer.status_code == 413


async def test_unknown_paths_and_methods_are_problems(api: Api) -> None:
    is_problem(await api.client.get("/api/v1/nothing"), 404)
    refused = await api.client.delete(f"{COMMITMENTS}/sc-1", headers=api.bearer(DANA))
    is_problem(refused, 405)
    assert refused.headers["allow"] == "GET"


async def test_html_in_any_text_is_returned_as_text(api: Api) -> None:
    marked = content(
        "sc-1",
        f"SC {HTML}",
        title=f"Title {HTML}",
        status=f"Status {HTML}",
        description=f"Description {HTML}",
        project={"id": company.PROJECT, "name": f"Project {HTML}", "number": HTML},
        vendor={"id": "v", "name": f"Vendor {HTML}"},
        lines=[company.line(1, HTML, f"Line {HTML}", "480250.00")],
        **{HTML: HTML},
    )
    await api.desk.receive(company.sent(marked, note=f"Note {HTML}"))

    answer = await api.get("/sc-1")
    rejected = await api.post("/sc-1/reject", read(marked, reason=f"Reason {HTML}"))
    listed, history = await api.get(view="rejected"), await api.get("/sc-1/history")

    for each in (answer, rejected, listed, history):
        assert each.headers["content-type"] == "application/json"
    (submission,) = answer.json()["submissions"]
    assert submission["commitment"] == marked
    assert submission["note"] == f"Note {HTML}"
    assert listed.json()["items"][0]["summary"]["vendor"] == f"Vendor {HTML}"
    assert rejected.json()["message"] == f"Dana Ruiz rejected SC {HTML}: Reason {HTML}"
    assert history.json()[0]["text"] == f"Dana Ruiz rejected revision 1: Reason {HTML}"


async def test_requests_generated_from_the_openapi_document_get_documented_responses(api: Api, tmp_path: Path) -> None:
    await api.desk.receive(company.sent(SC))
    (tmp_path / "schemathesis.toml").write_text('[parameters]\n"path.commitment_id" = "sc-1"\n')
    async with served(api.desk.app) as url:
        checking = await asyncio.create_subprocess_exec(
            sys.executable,
            *("-c", "from schemathesis.cli import schemathesis; schemathesis()", "--no-color"),
            *(
                "run",
                f"{url}/api/v1/openapi.json",
                "--checks",
                ",".join(CHECKS),
                "--phases",
                "examples,coverage,fuzzing",
            ),
            *("--max-examples", "5", "--seed", "1", "--no-shrink"),
            *("--header", f"Authorization: {api.bearer(DANA)['authorization']}"),
            cwd=tmp_path,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        output, _ = await checking.communicate()
    assert checking.returncode == 0, output.decode()


KNOWN = content("commitment-8841", "SC-014")
COMPARED = ExportDrifted(
    **company.about(KNOWN),
    version=1,
    document=company.succeeded(KNOWN).erp_document,
    compared_at=company.START,
    is_missing=True,
    differences=(),
)
IS_SYNCED = (company.succeeded(KNOWN),)
BEFORE: dict[str, tuple[tuple[EventData, ...], str]] = {
    "retry": (
        (*IS_SYNCED, company.resent(KNOWN), company.accepted(KNOWN, 2), company.gone(KNOWN)),
        "decision.accepted",
    ),
    "export-again": (IS_SYNCED, "decision.accepted"),
    "accept-drift": ((*IS_SYNCED, COMPARED), "decision.drift_accepted"),
    "reject": (IS_SYNCED, "decision.rejected"),
    "settle": ((company.in_doubt(KNOWN),), "decision.resolved"),
}


@pytest.mark.parametrize("verb", BEFORE)
async def test_the_command_of_each_way_out_works_as_it_is_documented(api: Api, verb: str) -> None:
    (path, body) = next(each for each in commands() if each[0].endswith(f"/{verb}"))
    events, topic = BEFORE[verb]
    await api.desk.receive(company.sent(KNOWN), company.accepted(KNOWN), *events)

    answer = await api.post(path, body)

    assert answer.status_code == 200, answer.text
    assert len(await api.decisions(topic)) == 1


def test_the_page_documents_a_command_for_each_way_out() -> None:
    assert [path.rpartition("/")[2] for path, _ in commands()] == list(BEFORE)
