"""What an ERP says when it answers without a document, and what that leads to."""

import json
from time import process_time
from typing import Any

import httpx2
import pytest

from schemas.fields import FailureClass
from services.exporter.connectors.http_failure import HttpFailures
from services.exporter.connectors.http_response import find_answer, write_answer
from services.exporter.connectors.types import Landed, Refused, Transient, Unknown


def response(status: int, body: Any = b"", **headers: str) -> httpx2.Response:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return httpx2.Response(status, content=content, headers=headers)


SAID = [
    ({"title": "Closed period", "detail": "November is closed."}, "Closed period. November is closed"),
    ({"error": "Vendor is on hold"}, "Vendor is on hold"),
    ({"error": "invalid_grant", "error_description": "Token expired"}, "Token expired. invalid_grant"),
    ({"error": {"code": "V-1", "message": "Vendor is on hold"}}, "Vendor is on hold"),
    ({"error": {"message": {"lang": "en", "value": "Vendor is on hold"}}}, "Vendor is on hold"),
    ({"message": "Vendor is on hold"}, "Vendor is on hold"),
    ({"Message": "An error has occurred.", "ExceptionMessage": "No job"}, "An error has occurred. No job"),
    ({"errors": ["No vendor", "No job"]}, "No vendor. No job"),
    ({"errors": [{"title": "No vendor", "detail": "V-9"}, {"message": "No job"}]}, "No vendor. V-9. No job"),
    ({"errors": {"vendor": ["is on hold"], "job": "is closed"}}, "vendor: is on hold. job: is closed"),
    ({"fault": {"faultstring": "No such job"}}, "No such job"),
    ([{"errorCode": "V-1", "message": "Vendor is on hold"}], "Vendor is on hold"),
    ("Vendor is on hold", "Vendor is on hold"),
    ({"error": "Vendor\x00 is\n on \ud800hold"}, "Vendor is on hold"),
    (b"Vendor is on hold.", "Vendor is on hold"),
    (b"<html><head><title>500</title></head><body><h1>Oops &amp; sorry</h1><p>Period closed</p></body></html>",
     "Oops & sorry Period closed"),
    (b"<?xml version='1.0'?><fault><text>No such job</text></fault>", "No such job"),
    ("Für 7 gesperrt".encode("latin-1"), "Für 7 gesperrt"),
]  # fmt: skip


@pytest.mark.parametrize(("body", "said"), SAID)
@pytest.mark.parametrize("status", [400, 409, 422, 500, 503])
def test_the_words_of_a_failure_are_kept(status: int, body: Any, said: str) -> None:
    assert write_answer(response(status, body)).message == f"{said}."  # type: ignore[union-attr]


@pytest.mark.parametrize(("body", "said"), SAID)
def test_the_words_of_a_success_without_a_document_are_kept(body: Any, said: str) -> None:
    answer = write_answer(response(200, body))

    assert isinstance(answer, Unknown)
    assert answer.refusal is not None
    assert said in answer.message
    assert answer.refusal.message == answer.message


@pytest.mark.parametrize(
    ("status", "headers", "message"),
    [
        (200, {}, "The ERP answered without a document."),
        (201, {"Location": "/documents/7"}, "The ERP answered without a document."),
        (202, {}, "The ERP took it for later and showed no document."),
        (204, {}, "The ERP answered without a document."),
        (207, {}, "The ERP answered without a document."),
        (302, {"Location": "https://login.example.com/?t=s3cret"},
         "The ERP redirects to https://login.example.com/."),
        (307, {"Location": "/login#s3cret"}, "The ERP redirects to /login."),
        (304, {}, "The ERP gave no reason."),
        (500, {}, "The ERP gave no reason."),
        (501, {}, "The ERP gave no reason."),
        (599, {}, "The ERP gave no reason."),
    ],
)  # fmt: skip
def test_a_complete_answer_without_a_document_says_how_the_export_fails(
    status: int, headers: dict[str, str], message: str
) -> None:
    answer = write_answer(response(status, **headers), HttpFailures((), "The ERP"))

    assert isinstance(answer, Unknown)
    assert answer.refusal is not None
    assert answer.refusal.next_step is not None
    before = "The ERP failed with an error of its own. " if status >= 500 else ""
    refusal = Refused(FailureClass.FIX_SETUP, before + message, f"http_{status}", next_step=answer.refusal.next_step)
    assert answer == Unknown(message, refusal, is_reached=status < 500)


@pytest.mark.parametrize("status", [408, 502, 503, 504, 521, 524])
def test_the_answer_of_a_gateway_means_that_the_erps_was_lost(status: int) -> None:
    assert write_answer(response(status, b"<h1>Bad gateway</h1>")) == Unknown("Bad gateway.")


@pytest.mark.parametrize(
    "body",
    [
        {"id": "7", "error": "Vendor is on hold"},
        {"id": 1, "jsonrpc": "2.0", "error": {"code": -1, "message": "Vendor is on hold"}},
        {"id": "7", "errors": ["Vendor is on hold"]},
    ],
)
def test_a_success_that_reports_an_error_is_unknown_although_it_has_an_id(body: Any) -> None:
    answer = write_answer(response(200, body))

    assert isinstance(answer, Unknown)
    assert "Vendor is on hold" in answer.message


@pytest.mark.parametrize("status", [202, 206, 207])
def test_a_document_in_an_answer_that_is_not_final_is_unknown(status: int) -> None:
    assert isinstance(write_answer(response(status, {"id": "job-7"})), Unknown)


@pytest.mark.parametrize(
    ("body", "failure_class"),
    [
        ({"error": "No", "failure_class": "fix_data"}, FailureClass.FIX_DATA),
        ({"error": {"message": "No", "failure_class": "wait_for_dependency"}}, FailureClass.WAIT_FOR_DEPENDENCY),
        ({"title": "No", "status": 422}, FailureClass.FIX_DATA),
        ({"title": "No", "status": "409"}, FailureClass.WAIT_FOR_DEPENDENCY),
        ({"title": "No", "status": "rejected"}, FailureClass.FIX_SETUP),
        ({"title": "No", "failure_class": "bad_mood"}, FailureClass.FIX_SETUP),
    ],
)
def test_the_class_of_a_failure_within_a_success_is_read(body: Any, failure_class: FailureClass) -> None:
    answer = write_answer(response(200, body))

    assert isinstance(answer, Unknown)
    assert answer.refusal is not None
    assert answer.refusal.failure_class is failure_class


def test_the_erps_own_code_is_read_from_its_error() -> None:
    assert write_answer(response(422, {"error": {"code": 3140, "message": "No job"}})) == Refused(
        FailureClass.FIX_DATA, "No job.", "3140"
    )


@pytest.mark.parametrize("body", [b"\x89PNG\r\n\x1a\n" + bytes(range(256)), b"\x00" * 1000, b"<>" * 1000, b"{" * 1000])
def test_what_nobody_can_read_is_not_shown(body: bytes) -> None:
    assert write_answer(response(422, body)).message == "The ERP gave no reason."  # type: ignore[union-attr]


@pytest.mark.parametrize("body", [b"<" + b"a" * 20_000, b"</" + b"a" * 20_000, b"<" * 20_000, b"<a" * 10_000])
def test_tags_without_an_end_take_no_time(body: bytes) -> None:
    begun = process_time()
    write_answer(response(502, body))
    assert process_time() - begun < 0.3


def test_words_are_shortened() -> None:
    said = write_answer(response(422, {"errors": ["x" * 5_000] * 5_000}))
    page = write_answer(response(422, b"<p>" + b"word " * 100_000))

    assert len(said.message) == 2_000  # type: ignore[union-attr]
    assert len(page.message) < 330  # type: ignore[union-attr]


@pytest.mark.parametrize("status", [200, 201, 204, 302, 500, 502])
def test_the_words_of_a_failed_search_are_kept(status: int) -> None:
    answer = find_answer(response(status, {"error": "The index is being rebuilt"}), "c-1")

    assert isinstance(answer, Transient)
    assert "The index is being rebuilt" in answer.message


@pytest.mark.parametrize("none", [None, False, "", 0, [], {}])
@pytest.mark.parametrize("name", ["error", "errors", "Fault", "exception"])
def test_a_member_for_errors_that_reports_none_changes_nothing(name: str, none: Any) -> None:
    assert isinstance(write_answer(response(201, {"id": "7", name: none})), Landed)
    assert find_answer(response(200, {"documents": [], name: none}), "c-1") == ()
