"""Who may do what: every route, for every level, with and without the privilege, in the own and in another company."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from enum import Enum
from http import HTTPStatus
from itertools import product
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.routing import iter_route_contexts
from httpx2 import AsyncClient, Response

from schemas.events import DirectoryPerson
from schemas.fields import ToolLevel
from schemas.links import sign_unsubscribe
from schemas.snapshot import Snapshot
from services.approval.storage import tables
from services.approval.web.desk.commitment_actions import Action
from services.approval.web.desk.forms import Choice, Verb
from tests.integration.approval import company
from tests.integration.approval.company import COMPANY, OTHER_COMPANY, content, directory_person
from tests.integration.approval.desk import LINK_SECRET, DeskUnderTest

SC = content("8841", "SC-014", title="Footings of pier 7")
HASH = Snapshot.of(SC).content_hash
READ: dict[str, Any] = {"revision": 1, "content_hash": HASH}
API = "/api/v1"
ONE_API = f"{API}/commitments/{{commitment_id}}"
REFUSED = (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN)


class Needs(Enum):
    """What a route asks of its sender."""

    NOTHING = "nothing"
    SIGN_IN = "a sign-in"
    VIEW = "any level on the tool"
    APPROVE = "Standard or Admin, and the privilege"


@dataclass(frozen=True)
class Entry:
    """What a route needs, and what is sent to it; `is_scoped` if it is about the commitment SC-014."""

    needs: Needs
    json: dict[str, Any] | None = None
    form: dict[str, str] | None = None
    query: dict[str, str] | None = None
    is_scoped: bool = False
    is_unknown: bool = False
    """Whether what is sent names something that nobody has, so that whoever may do it gets 404."""


REASON = {"title": "Closed", "text": "The period is closed."}
ANSWERS = {
    "accept": READ,
    "reject": READ | {"reason": "No."},
    "retry": {"revision": 1, "round": 1},
    "settle": {"revision": 1, "round": 1, "note": "Not there."},
    "confirm": {"revision": 1, "round": 1, "evidence": 1, "agrees": True, "note": "Seen."},
    "export-again": {"revision": 1, "reopened": 0, "document": "17", "note": "Again."},
    "accept-drift": {"revision": 1, "version": 1, "note": "Right so."},
}
CHOSEN = {"choice-8841": Choice(Verb.ACCEPT, 1, HASH, "8841").value}
PAGE_FIELDS = {"revision": "1", "round": "1", "content_hash": HASH, "reason": "No.", "evidence": "Seen.", "why": "So."}
MATRIX: dict[tuple[str, str], Entry] = {
    ("GET", f"{API}/openapi.json"): Entry(Needs.NOTHING),
    ("GET", f"{API}/commitments"): Entry(Needs.VIEW),
    ("GET", ONE_API): Entry(Needs.VIEW, is_scoped=True),
    ("GET", f"{ONE_API}/history"): Entry(Needs.VIEW, is_scoped=True),
    ("GET", f"{ONE_API}/audit"): Entry(Needs.VIEW, is_scoped=True),
    ("GET", f"{API}/commitments/{{commitment_id}}/story"): Entry(Needs.VIEW, is_scoped=True),
    ("POST", f"{ONE_API}/ask"): Entry(Needs.APPROVE, json=READ | {"question": "Why?"}, is_scoped=True),
    **{
        ("POST", f"{ONE_API}/{verb}"): Entry(Needs.APPROVE, json=body, is_scoped=True) for verb, body in ANSWERS.items()
    },
    ("POST", f"{API}/answers"): Entry(
        Needs.APPROVE,
        json={"answers": [{"verb": "accept", "commitment_id": "8841", "answer": READ}]},
        is_scoped=True,
    ),
    ("GET", f"{API}/delegations"): Entry(Needs.APPROVE),
    ("POST", f"{API}/delegations"): Entry(
        Needs.APPROVE, json={"to": "person-6", "first_day": "2036-12-01", "last_day": "2036-12-05"}
    ),
    ("DELETE", f"{API}/delegations/{{delegation_id}}"): Entry(Needs.APPROVE, is_unknown=True),
    ("GET", f"{API}/marks"): Entry(Needs.APPROVE),
    ("POST", f"{API}/marks"): Entry(
        Needs.APPROVE, json={"verb": "accept", "commitment_id": "8841", "answer": READ}, is_scoped=True
    ),
    ("DELETE", f"{API}/marks/{{commitment_id}}"): Entry(Needs.APPROVE),
    ("GET", f"{API}/reasons"): Entry(Needs.APPROVE),
    ("POST", f"{API}/reasons"): Entry(Needs.APPROVE, json=REASON),
    ("PUT", f"{API}/reasons/{{reason_id}}"): Entry(Needs.APPROVE, json=REASON, is_unknown=True),
    ("DELETE", f"{API}/reasons/{{reason_id}}"): Entry(Needs.APPROVE, is_unknown=True),
    ("GET", f"{API}/me"): Entry(Needs.SIGN_IN),
    ("GET", f"{API}/people"): Entry(Needs.VIEW),
    ("GET", f"{API}/sessions"): Entry(Needs.VIEW),
    ("POST", f"{API}/sessions/{{name}}/end"): Entry(Needs.VIEW),
    ("GET", f"{API}/daily-summary"): Entry(Needs.VIEW),
    ("POST", f"{API}/daily-summary/unsubscribe"): Entry(Needs.VIEW),
    ("POST", f"{API}/daily-summary/subscribe"): Entry(Needs.VIEW),
    ("GET", "/"): Entry(Needs.NOTHING),
    ("GET", "/commitments"): Entry(Needs.VIEW),
    ("GET", "/commitments.csv"): Entry(Needs.VIEW),
    ("GET", "/print"): Entry(Needs.VIEW),
    ("GET", "/news"): Entry(Needs.VIEW, query={"since": "2026-11-16T00:00:00Z", "count": "0"}),
    ("POST", "/marks"): Entry(Needs.APPROVE, form={"mark": CHOSEN["choice-8841"]}, is_scoped=True),
    ("GET", "/review"): Entry(Needs.APPROVE),
    ("POST", "/review"): Entry(Needs.APPROVE, form=CHOSEN),
    ("GET", "/reject-several"): Entry(Needs.APPROVE),
    ("POST", "/reject-several"): Entry(Needs.APPROVE, form=CHOSEN | {"all": "reject", "reason": "No."}),
    ("POST", "/failed/retry"): Entry(Needs.APPROVE, form=CHOSEN),
    ("GET", "/failed/reject"): Entry(Needs.APPROVE, query={"cause": "The ERP is away."}),
    ("POST", "/failed/reject"): Entry(Needs.APPROVE, form=CHOSEN | {"reason": "No."}),
    ("POST", "/differences"): Entry(Needs.APPROVE, form={}),
    ("GET", "/commitments/{commitment_id}/story"): Entry(Needs.VIEW, is_scoped=True),
    ("GET", "/commitments/{commitment_id}/history"): Entry(Needs.VIEW, is_scoped=True),
    ("GET", "/commitments/{commitment_id}/history.json"): Entry(Needs.VIEW, is_scoped=True),
    ("POST", "/questions"): Entry(
        Needs.APPROVE, form={"ask": CHOSEN["choice-8841"], "question": "Why?"}, is_scoped=True
    ),
    ("POST", "/undo"): Entry(Needs.APPROVE, form={"undo": "8841"}),
    ("GET", "/q/{token:path}"): Entry(Needs.NOTHING, is_unknown=True),
    ("POST", "/q/{token:path}"): Entry(Needs.NOTHING, form={"answer": "So."}, is_unknown=True),
    ("GET", "/commitments/{commitment_id}"): Entry(Needs.VIEW, is_scoped=True),
    **{
        ("POST", f"/commitments/{{commitment_id}}/{action.value}"): Entry(
            Needs.APPROVE, form=PAGE_FIELDS, is_scoped=True
        )
        for action in Action
    },
    ("GET", "/directory"): Entry(Needs.VIEW),
    ("GET", "/access"): Entry(Needs.SIGN_IN),
    ("POST", "/access/daily-summary"): Entry(Needs.SIGN_IN, form={"wanted": "no"}),
    ("GET", "/help"): Entry(Needs.SIGN_IN),
    ("POST", "/help/keys"): Entry(Needs.SIGN_IN, form={"keys": "off"}),
    ("GET", "/reasons"): Entry(Needs.APPROVE),
    ("POST", "/reasons"): Entry(Needs.APPROVE, form=REASON),
    ("GET", "/reasons/{template_id}"): Entry(Needs.APPROVE, is_unknown=True),
    ("POST", "/reasons/{template_id}/change"): Entry(Needs.APPROVE, form=REASON, is_unknown=True),
    ("POST", "/reasons/{template_id}/delete"): Entry(Needs.APPROVE),
    ("GET", "/u/{token:path}"): Entry(Needs.NOTHING),
    ("POST", "/u/{token:path}"): Entry(Needs.NOTHING, form={}),
    ("GET", "/delegations"): Entry(Needs.APPROVE),
    ("POST", "/delegations"): Entry(Needs.APPROVE, form={}),
    ("POST", "/delegations/{delegation_id}/end"): Entry(Needs.APPROVE, form={}),
    ("GET", "/sessions"): Entry(Needs.SIGN_IN),
    ("POST", "/sessions/end"): Entry(Needs.SIGN_IN, form={}),
    ("GET", "/sign-in"): Entry(Needs.NOTHING),
    ("GET", "/sign-in/callback"): Entry(Needs.NOTHING),
    ("GET", "/signed-out"): Entry(Needs.NOTHING),
    ("POST", "/sign-out"): Entry(Needs.NOTHING, form={}),  # the last one, since it ends the session
}


def routes(app: FastAPI) -> Iterator[tuple[str, str]]:
    """Yield the method and the path of each route of `app`; each form of a commitment's page is one."""
    for route in iter_route_contexts(app.routes):
        for method in sorted(set(route.methods or ()) - {"HEAD"}):
            actions = [action.value for action in Action] if "{action}" in (route.path or "") else [""]
            yield from ((method, (route.path or "").replace("{action}", action)) for action in actions)


def person(level: ToolLevel, company_id: str, *, is_privileged: bool) -> DirectoryPerson:
    name = f"{level.value} {is_privileged} {company_id}"
    person_id = f"matrix-{name.replace(' ', '-')}"
    members: dict[str, Any] = {"erp_tool": level, "can_push_to_accounting": is_privileged, "company_id": company_id}
    return directory_person(person_id, name, **members)


# those who may decide come last, since their answers are recorded
PEOPLE = sorted(
    (
        person(level, company_id, is_privileged=is_privileged)
        for level, is_privileged, company_id in product(ToolLevel, (False, True), (OTHER_COMPANY, COMPANY))
    ),
    key=lambda each: each.is_approver and each.company_id == COMPANY,
)


async def send(browser: AsyncClient, route: tuple[str, str], entry: Entry) -> Response:
    method, path = route
    address = path.replace("{commitment_id}", "8841")
    token = sign_unsubscribe(LINK_SECRET, COMPANY, "person-5")
    address = address.replace("{token:path}", token).replace("{name}", "0" * 64)
    return await browser.request(method, address, json=entry.json, data=entry.form, params=entry.query)


def status_of(answer: Response) -> int:
    """The status, of several answers that of the only one."""
    results = answer.json().get("results") if answer.url.path == f"{API}/answers" else None
    return int(results[0]["status"]) if results else answer.status_code


def is_right(entry: Entry, who: DirectoryPerson, status: int) -> bool:
    """Whether `who` got what the entry says."""
    is_allowed = {
        Needs.NOTHING: True,
        Needs.SIGN_IN: True,
        Needs.VIEW: who.erp_tool is not ToolLevel.NONE,
        Needs.APPROVE: who.erp_tool in (ToolLevel.STANDARD, ToolLevel.ADMIN) and who.can_push_to_accounting,
    }[entry.needs]
    if not is_allowed:
        return status == HTTPStatus.FORBIDDEN
    if entry.is_unknown or (entry.is_scoped and who.company_id != COMPANY):
        return status == HTTPStatus.NOT_FOUND
    return status not in (*REFUSED, HTTPStatus.NOT_FOUND, HTTPStatus.METHOD_NOT_ALLOWED) and status < 500


async def decisions(desk: DeskUnderTest) -> list[str]:
    topics = [row["topic"] for row in await desk.consumer.rows(tables.KERNEL.outbox)]
    return [topic for topic in topics if topic.startswith("decision.")]


def test_every_route_has_an_entry(desk: DeskUnderTest) -> None:
    assert set(routes(desk.app)) - {("", "/assets")} == set(MATRIX)


def test_a_route_without_an_entry_is_noticed(desk: DeskUnderTest) -> None:
    @desk.app.post("/everything/delete")
    async def delete() -> None: ...

    assert set(routes(desk.app)) - set(MATRIX) == {("POST", "/everything/delete")}


async def test_everybody_can_do_what_their_level_and_privilege_allow_in_their_company_and_nothing_else(
    desk: DeskUnderTest,
) -> None:
    await desk.receive(company.sent(SC), *PEOPLE)
    wrong = []
    for who in PEOPLE:
        may_decide = who.is_approver and who.company_id == COMPANY
        async with desk.browser(who) as browser:
            for route, entry in MATRIX.items():
                answer = await send(browser, route, entry)
                is_leak = who.company_id != COMPANY and SC["title"] in answer.text
                if is_leak or not is_right(entry, who, status_of(answer)):
                    wrong.append((who.name, *route, status_of(answer)))
        if not may_decide:
            assert await decisions(desk) == [], who.name

    assert wrong == []
    assert await decisions(desk) == ["decision.accepted"]


async def test_no_answer_leads_to_the_host_that_a_request_names(desk: DeskUnderTest) -> None:
    await desk.receive(company.sent(SC))
    named = {"host": "evil.example", "x-forwarded-host": "evil.example", "forwarded": "host=evil.example"}
    led = []
    for who in (company.DANA, company.KIM, None):
        async with desk.browser(who) as browser:
            browser.headers.update(named | {"x-forwarded-proto": "javascript", "x-original-url": "//evil.example"})
            for route, entry in MATRIX.items():
                for form in (entry.form, {**(entry.form or {}), "list": "//evil.example", "view": "//evil.example"}):
                    answer = await send(browser, route, replace(entry, form=form if route[0] == "POST" else None))
                    location = answer.headers.get("location", "/")
                    if "evil.example" in f"{answer.headers}" or not re.match(r"/(?![/\\])", location):
                        led.append((*route, location))
    assert led == []


@pytest.mark.parametrize(
    ("level", "is_privileged", "company_id", "status"),
    [
        (ToolLevel.READ_ONLY, True, COMPANY, HTTPStatus.OK),
        (ToolLevel.ADMIN, False, COMPANY, HTTPStatus.CONFLICT),
        (ToolLevel.ADMIN, True, OTHER_COMPANY, HTTPStatus.CONFLICT),
        (ToolLevel.ADMIN, True, COMPANY, HTTPStatus.FORBIDDEN),
    ],
)
def test_the_matrix_notices_who_is_let_in_or_kept_out(
    level: ToolLevel, company_id: str, status: int, *, is_privileged: bool
) -> None:
    who = person(level, company_id, is_privileged=is_privileged)

    assert not is_right(Entry(Needs.APPROVE, is_scoped=True), who, status)


async def test_who_is_not_signed_in_gets_nothing_but_the_sign_in(desk: DeskUnderTest) -> None:
    await desk.receive(company.sent(SC))
    let_in = []
    async with desk.browser() as browser:
        for route, entry in MATRIX.items():
            if entry.needs is Needs.NOTHING:
                continue
            answer = await send(browser, route, entry)
            is_led_to_sign_in = answer.headers.get("location", "").startswith("/sign-in?")
            if answer.status_code != HTTPStatus.UNAUTHORIZED and not is_led_to_sign_in:
                let_in.append((*route, answer.status_code))

    assert let_in == []
    assert await decisions(desk) == []


BY_SIGNED_LINK = {("POST", "/u/{token:path}"), ("POST", "/q/{token:path}")}
"""Mail clients and people without a sign-in send these; who has the link may do it, and a cookie adds nothing."""


def unsafe_routes() -> list[tuple[str, str]]:
    return [route for route in MATRIX if route[0] != "GET" and route not in BY_SIGNED_LINK]


@pytest.mark.parametrize("site", ["cross-site", "same-site", "none"])
async def test_no_route_that_changes_something_takes_a_form_of_another_site(desk: DeskUnderTest, site: str) -> None:
    who = next(each for each in PEOPLE if each.is_approver and each.company_id == COMPANY)
    await desk.receive(company.sent(SC), *PEOPLE)
    async with desk.browser(who, sec_fetch_site=site, origin="https://elsewhere.example") as browser:
        taken = [
            (*route, answer.status_code)
            for route in unsafe_routes()
            if (answer := await send(browser, route, MATRIX[route])).status_code != HTTPStatus.FORBIDDEN
        ]
        assert (await browser.get("/directory")).status_code == HTTPStatus.OK  # the session goes on

    assert taken == []
    assert await decisions(desk) == []


async def test_a_get_publishes_nothing_and_ends_no_session(desk: DeskUnderTest) -> None:
    who = next(each for each in PEOPLE if each.is_approver and each.company_id == COMPANY)
    await desk.receive(company.sent(SC), *PEOPLE)
    before = await desk.consumer.rows(tables.KERNEL.outbox)
    async with desk.browser(who, sec_fetch_site="cross-site") as browser:
        for route, entry in MATRIX.items():
            if route[0] == "GET":
                await send(browser, route, entry)
        assert (await browser.get("/directory")).status_code == HTTPStatus.OK
    assert await desk.consumer.rows(tables.KERNEL.outbox) == before
