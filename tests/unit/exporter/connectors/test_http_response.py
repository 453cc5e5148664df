"""What an HTTP response of the ERP means."""

import httpx2
import pytest

from schemas.fields import FailureClass
from services.exporter.connectors.http_response import find_answer, update_answer, write_answer
from services.exporter.connectors.types import Exists, FoundDocument, Gone, Landed, Refused, Transient, Unknown

DOCUMENT = {"id": "1001", "number": "PO-1001", "url": "https://erp.example.com/1001", "reference": "c-1", "marker": "m"}
FOUND = FoundDocument("1001", "PO-1001", "https://erp.example.com/1001", "m")


def response(status: int, body: object = None, **headers: str) -> httpx2.Response:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    if isinstance(body, bytes):
        return httpx2.Response(status, content=body, headers=named)
    return httpx2.Response(status, json=body, headers=named)


@pytest.mark.parametrize("status", [200, 201])
def test_a_document_in_the_response_means_landed(status: int) -> None:
    assert write_answer(response(status, DOCUMENT)) == Landed((FOUND,))


def test_numeric_ids_are_read_as_text() -> None:
    assert write_answer(response(201, {"id": 1001})) == Landed((FoundDocument("1001"),))


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b"{}", b'{"id": ""}', b'{"id": null}'])
def test_a_success_that_cannot_be_read_is_unknown(body: bytes) -> None:
    assert isinstance(write_answer(response(201, body)), Unknown)


@pytest.mark.parametrize("status", [301, 303, 408, 500, 502, 503, 504])
def test_an_ambiguous_status_is_unknown(status: int) -> None:
    assert isinstance(write_answer(response(status, b"")), Unknown)


@pytest.mark.parametrize("status", [429, 503])
def test_a_status_with_retry_after_is_transient(status: int) -> None:
    transient = write_answer(response(status, b"", retry_after="7"))

    assert isinstance(transient, Transient)
    assert (transient.retry_after_seconds, transient.is_reached) == (7.0, status == 429)


@pytest.mark.parametrize("retry_after", ["soon", "-1", ""])
def test_an_unreadable_retry_after_is_ignored(retry_after: str) -> None:
    transient = write_answer(response(429, b"", retry_after=retry_after))

    assert isinstance(transient, Transient)
    assert transient.retry_after_seconds == 0.0


@pytest.mark.parametrize("retry_after", ["999999", "Fri, 31 Dec 2999 23:59:59 GMT"])
def test_retry_after_is_limited_to_an_hour(retry_after: str) -> None:
    transient = write_answer(response(503, b"", retry_after=retry_after))

    assert isinstance(transient, Transient)
    assert transient.retry_after_seconds == 3600.0


@pytest.mark.parametrize(
    ("status", "failure_class"),
    [
        (400, "fix_data"),
        (401, "fix_setup"),
        (403, "fix_setup"),
        (404, "fix_setup"),
        (409, "wait_for_dependency"),
        (413, "fix_data"),
        (415, "fix_setup"),
        (422, "fix_data"),
    ],
)
def test_the_status_decides_the_class_of_a_refusal(status: int, failure_class: str) -> None:
    refused = write_answer(response(status, b""))

    assert isinstance(refused, Refused)
    assert refused.failure_class == failure_class


@pytest.mark.parametrize(("status", "code"), [(404, "not_found"), (410, None), (404, None), (422, "document_gone")])
def test_an_update_of_a_document_that_does_not_exist_is_gone(status: int, code: str | None) -> None:
    answer = response(status, {"title": "No such document", "code": code, "failure_class": "fix_setup"})

    assert update_answer(answer) == Gone(FailureClass.FIX_SETUP, "No such document.", code or f"http_{status}")
    assert type(write_answer(answer)) is Refused  # nothing that is created can be gone


def test_any_other_answer_to_an_update_means_what_it_means_for_any_write() -> None:
    for answer in (response(200, DOCUMENT), response(422, {"code": "1"}), response(500), response(429)):
        assert update_answer(answer) == write_answer(answer)


def test_the_erps_own_class_code_and_message_are_kept() -> None:
    problem = {
        "title": "Closed cost code",
        "detail": "ExporterProcess 1: 03-300.",
        "code": 3140,
        "failure_class": "fix_setup",
    }

    refused = write_answer(response(422, problem))

    assert refused == Refused(FailureClass.FIX_SETUP, "Closed cost code. ExporterProcess 1: 03-300.", "3140")


def test_a_refusal_of_class_retry_later_is_transient() -> None:
    transient = write_answer(response(409, {"title": "The record is open", "failure_class": "retry_later"}))

    assert transient == Transient("The record is open.", is_reached=True)


def test_an_unknown_failure_class_is_ignored() -> None:
    refused = write_answer(response(422, {"title": "No", "failure_class": "bad_mood", "code": ["x"]}))

    assert refused == Refused(FailureClass.FIX_DATA, "No.", "http_422")


def test_messages_are_shortened_and_null_characters_removed() -> None:
    refused = write_answer(response(422, {"title": "\x00" + "x" * 100_000}))

    assert isinstance(refused, Refused)
    assert len(refused.message) == 2_000
    assert "\x00" not in refused.message


def test_a_duplicate_reference_returns_the_existing_document() -> None:
    assert write_answer(response(409, {"code": "duplicate_reference", "document": DOCUMENT})) == Exists(FOUND)


def test_a_duplicate_reference_without_its_document_is_a_refusal() -> None:
    assert isinstance(write_answer(response(409, {"code": "duplicate_reference"})), Refused)


def test_documents_with_other_references_are_left_out() -> None:
    listed = {"documents": [DOCUMENT, {**DOCUMENT, "reference": "c-2"}]}

    assert find_answer(response(200, listed), "c-1") == (FOUND,)


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b"{}"])
def test_an_unreadable_list_is_transient(body: bytes) -> None:
    assert isinstance(find_answer(response(200, body), "c-1"), Transient)


@pytest.mark.parametrize("status", [201, 302, 408, 429, 500, 503])
def test_an_unexpected_status_of_a_search_is_transient(status: int) -> None:
    assert isinstance(find_answer(response(status, {"documents": []}), "c-1"), Transient)


@pytest.mark.parametrize("status", [401, 404])
def test_a_refused_search_is_fix_setup(status: int) -> None:
    refused = find_answer(response(status, b""), "c-1")

    assert isinstance(refused, Refused)
    assert refused.failure_class is FailureClass.FIX_SETUP
