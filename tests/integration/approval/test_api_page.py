"""docs/api.md: every call of the API has a command there, and every command works."""

import json
import re
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from pydantic import BaseModel
from sqlalchemy import insert

from schemas.commitment import ErpDocument
from schemas.events import DecisionResolved
from schemas.fields import FailureClass
from services.approval.rules.delegations import NewDelegation
from services.approval.storage.desk_tables import DELEGATION, REASON_TEMPLATE
from services.approval.web.api import examples
from services.approval.web.api.bulk import Answers, AnswersResult
from services.approval.web.api.marks import MarkState
from services.approval.web.api.models import (
    CommitmentDetail,
    CommitmentPage,
    CommitmentState,
    DelegationState,
    Me,
    ReasonTemplateState,
)
from services.approval.web.api.personal import Colleague, SessionState, SummaryPreference
from services.approval.web.audit_trail import AuditTrail, HistoryItem
from services.pipeline.clock import utc_now
from tests.integration.approval import company
from tests.integration.approval.company import DANA, LEE, content
from tests.integration.approval.desk import DeskUnderTest

PAGE = Path(__file__).parents[3] / "docs/api.md"
ORIGIN = "$PUBLIC_URL"
REASON = "5c1f0a7e4d3b4c0e9a1b2c3d4e5f6a7b"
GIVEN = "8d2e1b6f5c4a4d1fab2c3d4e5f6a7b8c"
WAITING, REJECTED, FAILED, IN_DOUBT, FOUND, SYNCED, DIFFERING, FIRST, SECOND, MARKED = (
    content(id_, number)
    for id_, number in (
        ("8841", "SC-014"),
        ("8842", "SC-015"),
        ("8843", "SC-016"),
        ("8844", "SC-017"),
        ("8845", "SC-018"),
        ("8846", "SC-019"),
        ("8847", "SC-022"),
        ("8850", "SC-020"),
        ("8851", "SC-021"),
        ("8852", "SC-023"),
    )
)


@dataclass(frozen=True)
class Command:
    """A command of the page."""

    method: str
    address: str
    headers: dict[str, str]
    body: Any

    @property
    def path(self) -> str:
        return urlsplit(self.address).path


def commands(page: str) -> list[Command]:
    """The commands of the page, in their order."""
    blocks = re.findall(r"^```sh\n(.*?)^```", page, re.MULTILINE | re.DOTALL)
    text = "\n".join(re.sub(r"^#.*$", "", block, flags=re.MULTILINE) for block in blocks).replace("\\\n", " ")
    return [_command(shlex.split(each)) for each in re.split(r"^(?=curl )", text, flags=re.MULTILINE)[1:]]


def _command(words: Sequence[str]) -> Command:
    options = {word for word in words if word.startswith("--")} - {"--fail-with-body"}
    values = {name: [words[at + 1] for at, word in enumerate(words) if word == name] for name in options}
    headers = dict(each.split(": ", 1) for each in values["--header"])
    assert headers.pop("Authorization") == "Bearer $TOKEN"
    body = json.loads(values["--json"][0]) if "--json" in values else None
    method = values["--request"][0] if "--request" in values else "GET" if body is None else "POST"
    return Command(method, words[-1].removeprefix(ORIGIN), headers, body)


async def prepare(desk: DeskUnderTest) -> None:
    """Bring the commitments of the page to where its commands answer them."""
    failed = company.failed(FAILED, FailureClass.WAIT_FOR_DEPENDENCY, "Vendor ACME is not active.")
    document = ErpDocument(connection=company.ERP, id="PO-1002", number="PO-1002")
    named = DecisionResolved(**company.about(FOUND), round=1, document=document, decided_by=LEE.as_person, note="Seen.")
    asked = company.in_doubt(FOUND).model_copy(update={"probes": 5, "checks_evidence": 1})
    exported = (FAILED, IN_DOUBT, FOUND, SYNCED, DIFFERING)
    await desk.receive(*map(company.sent, (WAITING, REJECTED, *exported, FIRST, SECOND, MARKED)))
    await desk.receive(*map(company.accepted, exported))
    await desk.receive(failed, company.in_doubt(IN_DOUBT), company.in_doubt(FOUND), named, asked)
    await desk.receive(company.succeeded(SYNCED), company.succeeded(DIFFERING), company.drifted(DIFFERING))
    kept = {"id": REASON, "company_id": company.COMPANY, "title": "Closed", "text": "It is closed.", "at": utc_now()}
    async with desk.database.begin() as db:
        await db.execute(insert(REASON_TEMPLATE).values(kept | {"created_by": LEE.as_person.model_dump_json()}))
        given = {"id": GIVEN, "company_id": company.COMPANY, "owner_id": DANA.person_id, "to_id": LEE.person_id}
        days = {"first_day": date(2036, 1, 1), "last_day": date(2036, 1, 5), "at": utc_now()}
        await db.execute(insert(DELEGATION).values(given | days))


def operations(desk: DeskUnderTest) -> set[tuple[str, str]]:
    paths = desk.app.openapi()["paths"]
    return {(method.upper(), path) for path, methods in paths.items() for method in methods}


def operation_of(command: Command, known: set[tuple[str, str]]) -> tuple[str, str]:
    """The operation of the OpenAPI document that the command calls."""
    matching = [
        (method, path)
        for method, path in known
        if method == command.method and re.fullmatch(re.sub(r"\{\w+\}", "[^/]+", path), command.path)
    ]
    assert len(matching) == 1, command
    return matching[0]


def test_the_page_has_a_command_for_each_call_of_the_api(desk: DeskUnderTest) -> None:
    known = operations(desk)

    assert {operation_of(each, known) for each in commands(PAGE.read_text(encoding="utf-8"))} == known


async def test_each_command_of_the_page_works(desk: DeskUnderTest) -> None:
    await prepare(desk)
    refused = []
    async with desk.browser(DANA) as browser:
        for each in commands(PAGE.read_text(encoding="utf-8")):
            answer = await browser.request(each.method, each.address, headers=each.headers, json=each.body)
            results = answer.json().get("results", ()) if each.path.endswith("/answers") else ()
            if not answer.is_success or any(result["status"] != 200 for result in results):
                refused.append((each, answer.text))

    assert refused == []
    decided = [len(await desk.published(f"decision.{verb}")) for verb in ("accepted", "rejected", "resolved")]
    assert decided == [4, 2, 2]


def test_every_body_in_the_openapi_document_has_an_example(desk: DeskUnderTest) -> None:
    document = desk.app.openapi()
    without = [
        (path, status)
        for path, methods in document["paths"].items()
        for call in methods.values()
        for status, each in (("body", call.get("requestBody")), *call["responses"].items())
        if each and not _has_example(each, document)
    ]

    assert without == []


def _has_example(described: dict[str, Any], document: dict[str, Any]) -> bool:
    """Whether each content has an example, of its own or of its schema."""
    return all(
        "example" in each or "examples" in each or "examples" in _schema(each.get("schema", {}), document)
        for each in described.get("content", {}).values()
    )


def _schema(schema: dict[str, Any], document: dict[str, Any]) -> dict[str, Any]:
    """The schema itself, or that of the items of a list."""
    schema = schema.get("items", schema)
    name = schema.get("$ref", "").rpartition("/")[2]
    return document["components"]["schemas"][name] if name else schema


@pytest.mark.parametrize(
    ("model", "example"),
    [
        (CommitmentState, examples.STATE),
        (CommitmentPage, examples.PAGE),
        (CommitmentDetail, examples.DETAIL),
        (HistoryItem, examples.HISTORY_ITEM),
        (AuditTrail, examples.AUDIT_TRAIL),
        (Me, examples.ME),
        (AnswersResult, examples.RESULTS),
        (Answers, examples.ANSWERS),
        (Colleague, examples.COLLEAGUE),
        (SessionState, examples.SESSION),
        (SummaryPreference, examples.SUMMARY),
        (MarkState, examples.MARKED),
        (ReasonTemplateState, examples.KEPT_REASON),
        (DelegationState, examples.DELEGATION),
        (NewDelegation, examples.DELEGATE),
    ],
)
def test_the_examples_are_what_the_api_takes_and_gives(model: type[BaseModel], example: dict[str, Any]) -> None:
    assert set(model.model_validate(example, extra="forbid").model_dump()) == set(example)
