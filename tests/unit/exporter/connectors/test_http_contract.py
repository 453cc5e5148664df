"""The published contract of the `http` connector matches what the connector sends."""

from dataclasses import replace
from datetime import date
from importlib.resources import files
from typing import Any

import httpx2
import orjson
import pytest
import yaml
from jsonschema import Draft202012Validator

from services.exporter.connectors.http_request import request_body
from services.exporter.connectors.http_response import find_answer, write_answer
from services.exporter.connectors.types import Landed, WriteRequest
from tests.unit.exporter.connectors.test_http_request import REQUEST

FULL = replace(REQUEST, erp_code="PO-7", accounting_date=date(2026, 11, 30), note="Urgent.")


@pytest.fixture(scope="module")
def contract() -> dict[str, Any]:
    read = yaml.safe_load(files("services.exporter.connectors").joinpath("http.openapi.yaml").read_text("utf-8"))
    assert isinstance(read, dict)
    return read


def validator(contract: dict[str, Any], name: str) -> Draft202012Validator:
    return Draft202012Validator({**contract, "$ref": f"#/components/schemas/{name}"})


@pytest.mark.parametrize("sent", [REQUEST, FULL])
def test_a_body_matches_the_contract(contract: dict[str, Any], sent: WriteRequest) -> None:
    validator(contract, "Document").validate(orjson.loads(request_body(sent)))


def test_every_member_of_a_body_is_in_the_contract(contract: dict[str, Any]) -> None:
    assert set(orjson.loads(request_body(FULL))) <= set(contract["components"]["schemas"]["Document"]["properties"])


def test_a_body_without_its_marker_breaks_the_contract(contract: dict[str, Any]) -> None:
    body = orjson.loads(request_body(REQUEST))
    del body["marker"]

    assert not validator(contract, "Document").is_valid(body)


@pytest.mark.parametrize(
    "stored",
    [
        {"id": "PO 17"},
        {"id": 17, "number": 17},
        {"id": "7", "number": "x" * 1_000},
        {"id": "7", "number": None, "url": None, "reference": None, "marker": None, "revision": None},
        {"id": "7", "url": ""},
        {"id": "7", "url": "/purchase-orders/7"},
        {"id": "7", "marker": "", "reference": ""},
        {"id": "x" * 128, "more": {"of": ["anything"]}},
    ],
)
def test_every_document_that_matches_the_contract_is_read(contract: dict[str, Any], stored: dict[str, Any]) -> None:
    validator(contract, "StoredDocument").validate(stored)

    landed = write_answer(httpx2.Response(201, json=stored))
    found = find_answer(httpx2.Response(200, json={"documents": [stored]}), "c-1")

    assert isinstance(landed, Landed)
    assert landed.documents == found
    assert landed.documents[0].id == str(stored["id"])


@pytest.mark.parametrize("bad_id", ["", "7\t8", "x" * 129, None])
def test_an_id_that_cannot_be_used_breaks_the_contract(contract: dict[str, Any], bad_id: object) -> None:
    assert not validator(contract, "StoredDocument").is_valid({"id": bad_id})


def test_every_reference_in_the_contract_exists(contract: dict[str, Any]) -> None:
    def references(node: Any) -> list[str]:
        if isinstance(node, dict):
            own = [node["$ref"]] if "$ref" in node else []
            return own + [each for value in node.values() for each in references(value)]
        return [each for value in node for each in references(value)] if isinstance(node, list) else []

    for reference in references(contract):
        target: Any = contract
        for step in reference.removeprefix("#/").split("/"):
            target = target[step]
        assert target
