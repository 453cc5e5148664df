"""The body of an HTTP request that writes a document."""

from dataclasses import replace
from datetime import date

import orjson

from schemas.commitment import Commitment
from services.exporter.connectors.http_request import request_body
from services.exporter.connectors.types import WriteRequest
from tests.unit.exporter.builders import commitment_json

REQUEST = WriteRequest("c-1", "c-1/2/abc", "co-1", 2, Commitment.model_validate(commitment_json()))


def test_a_body_has_the_reference_the_marker_and_the_commitment() -> None:
    body = orjson.loads(request_body(REQUEST))

    assert {name: body[name] for name in ("reference", "marker", "company_id", "revision", "number", "memo")} == {
        "reference": "c-1",
        "marker": "c-1/2/abc",
        "company_id": "co-1",
        "revision": 2,
        "number": "SC-014",
        "memo": "c-1/2/abc",
    }
    assert body["vendor"] == commitment_json()["vendor"]
    assert body["lines"] == commitment_json()["lines"]


def test_members_without_a_value_are_left_out() -> None:
    assert not {"description", "erp_code", "accounting_date"} & set(orjson.loads(request_body(REQUEST)))


def test_a_body_has_what_the_approver_added() -> None:
    extended = replace(REQUEST, erp_code="PO-7", accounting_date=date(2026, 11, 30), note="Urgent.")

    body = orjson.loads(request_body(extended))

    assert (body["erp_code"], body["accounting_date"]) == ("PO-7", "2026-11-30")
    assert body["memo"] == "c-1/2/abc\nUrgent."
