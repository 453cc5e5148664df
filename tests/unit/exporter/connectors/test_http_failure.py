"""What a refusal means for people: the ERP's codes, the statuses, and the operator's own entries."""

from typing import Any

import httpx2
import pytest

from schemas.fields import FailureClass, Owner
from services.exporter.connectors.failure_table import FailureEntry
from services.exporter.connectors.http_failure import HttpFailures
from services.exporter.connectors.http_response import find_answer, update_answer, write_answer
from services.exporter.connectors.types import Gone, Refused, Transient, Unknown

CLOSED = {"title": "Invalid cost code", "code": "CC-1", "line": 3, "field": "cost_code", "value": "03-999"}


def refused(status: int, body: dict[str, Any], *own: dict[str, Any]) -> Refused:
    failures = HttpFailures([FailureEntry.model_validate(each) for each in own], "Main books")
    answer = write_answer(httpx2.Response(status, json=body), failures, "SC-014")
    assert isinstance(answer, Refused)
    return answer


@pytest.mark.parametrize(
    ("status", "sentence", "next_step"),
    [
        (401, "Main books does not accept the token of this connection. No.", "Put a valid token where"),
        (403, "Main books knows the token of this connection, but does not allow this with it. No.", "Give"),
        (404, "Main books has nothing at the address of this connection. No.", "Correct the url"),
        (418, "No.", "Find out from the log of Main books why"),
        (407, "The proxy between us and Main books does not let us through. No.", "Put the proxy's user"),
        (
            405,
            "Main books does not take this call at the address of this connection. No.",
            "Let Main books answer GET and POST",
        ),
        (415, "Main books does not take JSON. No.", "Let Main books take JSON"),
    ],
)
def test_a_refusal_for_reasons_of_set_up_says_what_the_erps_admin_does(
    status: int, sentence: str, next_step: str
) -> None:
    answer = refused(status, {"title": "No"})

    assert (answer.failure_class, answer.message, answer.code) == (FailureClass.FIX_SETUP, sentence, f"http_{status}")
    assert answer.next_step is not None
    assert answer.next_step.startswith(next_step)


@pytest.mark.parametrize("status", [400, 409, 422])
def test_without_a_reason_the_erps_admin_looks_for_it(status: int) -> None:
    answer = refused(status, {})

    assert answer.message == "Main books gave no reason."
    assert answer.owner is Owner.ERP_ADMIN
    assert (answer.next_step or "").startswith("Find the reason in the log of Main books")


def test_the_sentence_names_document_line_field_and_value_where_the_erp_does() -> None:
    assert refused(422, CLOSED).message == "SC-014, line 3, cost code 03-999: Invalid cost code."
    without_line = {name: CLOSED[name] for name in ("title", "field")}
    assert refused(400, without_line).message == "SC-014, cost code: Invalid cost code."
    named_class = CLOSED | {"failure_class": "wait_for_dependency"}
    assert refused(422, named_class).message == "SC-014, line 3, cost code 03-999: Invalid cost code."


@pytest.mark.parametrize("odd", [{"line": [3]}, {"field": {"a": 1}, "value": ["x"]}, {"line": None, "field": ""}])
def test_a_place_that_cannot_be_read_is_left_out(odd: dict[str, Any]) -> None:
    assert refused(422, {"title": "No", **odd}).message == "No."


def test_an_operators_entry_for_the_erps_code_comes_before_everything_else() -> None:
    own = {
        "code": "CC-*",
        "class": "wait_for_dependency",
        "sentence": "{erp} has no {field} {value} (line {line} of {document}). {text}",
        "owner": "erp_admin",
        "next_step": "Open {value} in {erp}, then retry the export.",
    }

    answer = refused(422, CLOSED | {"failure_class": "fix_data"}, own)

    assert answer == Refused(
        FailureClass.WAIT_FOR_DEPENDENCY,
        "Main books has no cost_code 03-999 (line 3 of SC-014). Invalid cost code.",
        "CC-1",
        Owner.ERP_ADMIN,
        "Open 03-999 in Main books, then retry the export.",
    )


def test_an_operators_entry_for_a_status_comes_before_ours() -> None:
    own = {"code": "http_422", "class": "fix_setup", "next_step": "Ask Mary."}

    assert refused(422, {"title": "No"}, own) == Refused(
        FailureClass.FIX_SETUP, "No.", "http_422", next_step="Ask Mary."
    )
    assert refused(400, {"title": "No"}, own).failure_class is FailureClass.FIX_DATA


def test_the_erps_own_class_comes_before_an_entry_for_the_status() -> None:
    answer = refused(401, {"title": "No", "failure_class": "fix_data"})

    assert answer == Refused(FailureClass.FIX_DATA, "No.", "http_401")


@pytest.mark.parametrize(
    ("status", "title"), [(423, "It is open"), (409, "Period is locked by Mary"), (429, "Too many")]
)
def test_what_passes_by_itself_is_tried_again(status: int, title: str) -> None:
    answer = write_answer(httpx2.Response(status, json={"title": title}, headers={"Retry-After": "9"}))

    assert answer == Transient(f"{title}.", None, 9.0, is_reached=True)


def test_a_document_that_the_erp_hides_has_to_be_shown_by_its_admin() -> None:
    answer = refused(409, {"code": "duplicate_reference", "title": "Taken"})

    assert (answer.failure_class, answer.code) == (FailureClass.FIX_SETUP, "duplicate_reference")
    assert answer.message.startswith(
        "Main books has a document of this commitment already, but does not show it. Taken"
    )


def test_an_answer_without_a_document_keeps_what_its_status_asks_of_people() -> None:
    answer = write_answer(httpx2.Response(301, headers={"Location": "https://new.example"}), HttpFailures((), "Books"))

    assert isinstance(answer, Unknown)
    assert answer.refusal is not None
    assert answer.refusal.next_step == (
        "Set the url of the connection to the address that Books redirects to, or let it answer there; "
        "then retry the export."
    )


def test_a_document_that_is_gone_is_not_taken_for_a_wrong_address() -> None:
    answer = update_answer(httpx2.Response(404, json={"title": "No such document"}), HttpFailures((), "Books"))

    assert answer == Gone(FailureClass.FIX_SETUP, "No such document.", "http_404")


def test_a_refused_search_means_what_a_refused_write_means() -> None:
    found = find_answer(httpx2.Response(401, json={"title": "No"}), "c-1", HttpFailures((), "Main books"))

    assert found == refused(401, {"title": "No"})
