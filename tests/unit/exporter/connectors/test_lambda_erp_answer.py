"""Lambda ERP's words become failures with an owner; whatever it sends is read without an error."""

import json
from typing import Any

import httpx2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.fields import FailureClass, Owner
from services.exporter.connectors.failure_table import FailureEntry
from services.exporter.connectors.lambda_erp_answer import (
    codes_in,
    order_in,
    orders_in,
)
from services.exporter.connectors.lambda_erp_failure import LambdaErpFailures
from services.exporter.connectors.types import (
    ErpCopy,
    FoundDocument,
    Refused,
    Transient,
    Unknown,
    UnreadableDocument,
)

FAILURES = LambdaErpFailures()
_ORDER = {
    "name": "PO-0001",
    "external_source": "countersign",
    "external_reference": "c-1~2",
    "remarks": " c-1/1/abc \nConcrete",
    "docstatus": 0,
    "discarded": 0,
    "currency": "USD",
    "grand_total": 12.1,
    "items": [{"description": "Slab", "amount": 12.1, "external_line_reference": "7"}],
}
_NAMES = st.one_of(st.sampled_from([*_ORDER, "rows", "detail", "amount"]), st.text())
_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.just(_ORDER),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(_NAMES, inner, max_size=6),
    max_leaves=10,
)


def response(body: Any, status: int = 200) -> httpx2.Response:
    return httpx2.Response(status, content=json.dumps(body).encode())


def test_an_order_is_read() -> None:
    order = order_in(response(_ORDER))
    assert order is not None
    document = order.found()
    assert document == FoundDocument("PO-0001", "PO-0001", marker="c-1/1/abc")
    copy = order.copy_of(document)
    assert (copy.reference, str(copy.total), copy.currency) == ("c-1", "12.1", "USD")
    assert [(str(line.amount), line.position, line.description) for line in copy.lines or ()] == [("12.1", 7, "Slab")]


@pytest.mark.parametrize(
    ("members", "is_dead", "is_submitted"),
    [
        ({}, False, False),
        ({"docstatus": 1}, False, True),
        ({"docstatus": 2}, True, False),
        ({"discarded": 1}, True, False),
    ],
)
def test_an_order_that_was_cancelled_or_discarded_is_dead(
    members: dict[str, int], *, is_dead: bool, is_submitted: bool
) -> None:
    order = order_in(response(_ORDER | members))
    assert order is not None
    assert (order.is_dead, order.is_submitted) == (is_dead, is_submitted)


def test_an_order_without_a_name_is_listed_as_unreadable() -> None:
    (order,) = orders_in(response({"rows": [_ORDER | {"name": ""}]})) or ()
    assert order.found() == UnreadableDocument()
    assert order_in(response(_ORDER | {"name": ""})) is None


def test_a_line_whose_amount_cannot_be_read_leaves_the_lines_untold() -> None:
    order = order_in(response(_ORDER | {"items": [*_ORDER["items"], {"amount": None}]}))
    assert order is not None
    assert order.copy_of(FoundDocument("PO-0001")).lines is None


@pytest.mark.parametrize(
    ("status", "words", "failure_class", "owner"),
    [
        (401, "Invalid API key", FailureClass.FIX_SETUP, None),
        (403, "Requires manager role or higher", FailureClass.FIX_SETUP, None),
        (
            422,
            "Purchase Order: Supplier 'X' does not exist in Supplier",
            FailureClass.WAIT_FOR_DEPENDENCY,
            Owner.ERP_ADMIN,
        ),
        (422, "Purchase Order: Company 'X' does not exist in Company", FailureClass.FIX_SETUP, None),
        (422, "No exchange rate found for CHF -> USD", FailureClass.WAIT_FOR_DEPENDENCY, Owner.ERP_ADMIN),
        (422, "Purchase Order: Unknown field(s): external_source.", FailureClass.FIX_SETUP, None),
        (422, "At least one item is required", FailureClass.FIX_DATA, None),
        (409, "Purchase Order X already exists; load it to update", FailureClass.FIX_DATA, Owner.APPROVER),
        (409, "Something new", FailureClass.WAIT_FOR_DEPENDENCY, Owner.ERP_ADMIN),
        (404, "Something else not found", FailureClass.FIX_SETUP, None),
    ],
)
def test_a_refusal_says_whose_turn_it_is(
    status: int, words: str, failure_class: FailureClass, owner: Owner | None
) -> None:
    failure = FAILURES.of_write(response({"detail": words}, status), {"vendor": "Acme"})
    assert isinstance(failure, Refused)
    assert (failure.failure_class, failure.owner, failure.code) == (failure_class, owner, f"http_{status}")


@pytest.mark.parametrize("words", ["PO-1 changed since it was loaded; reload", "external_source, external_reference"])
def test_a_conflict_that_passes_is_tried_again(words: str) -> None:
    failure = FAILURES.of_write(response({"detail": words}, 409), {})
    assert isinstance(failure, Transient)
    assert failure.is_reached


def test_a_search_with_fields_that_the_erp_lacks_is_a_matter_of_set_up() -> None:
    failure = FAILURES.of_read(response({"detail": "Unknown filter field: external_reference"}, 400))
    assert isinstance(failure, Refused)
    assert failure.failure_class is FailureClass.FIX_SETUP


@pytest.mark.parametrize(("status", "has_refusal"), [(500, True), (200, True), (502, False), (408, False)])
def test_an_answer_without_an_order_leaves_a_write_in_doubt(status: int, *, has_refusal: bool) -> None:
    failure = FAILURES.of_write(response({}, status), {})
    assert isinstance(failure, Unknown)
    assert (failure.refusal is not None) is has_refusal
    assert isinstance(FAILURES.of_read(response({}, status)), Transient)


@pytest.mark.parametrize(
    "code",
    [
        "vendor_missing",
        "vendor_ambiguous",
        "negative_line",
        "amount_precision",
        "total_differs",
        "number_with_slash",
        "order_submitted",
        "order_cancelled",
        "order_gone",
    ],
)
def test_every_code_of_our_own_has_a_sentence(code: str) -> None:
    refused = FAILURES.refusal(code, value="X-7")
    assert refused.code == code
    assert "X-7" in refused.message


def own(code: str, **members: str) -> FailureEntry:
    return FailureEntry.model_validate({"code": code, "class": "wait_for_dependency", "owner": "erp_admin", **members})


def test_the_operator_s_entries_come_before_ours() -> None:
    blocked = own(
        "http_422", contains="Blocked", sentence="{erp} has blocked {vendor}, so {document} waits ({status})."
    )
    failures = LambdaErpFailures([blocked], "Main books")
    refused = failures.of_write(
        response({"detail": "Supplier is blocked"}, 422), {"vendor": "Acme", "document": "SC-1"}
    )
    assert isinstance(refused, Refused)
    assert refused.message == "Main books has blocked Acme, so SC-1 waits (422)."
    assert (refused.failure_class, refused.owner) == (FailureClass.WAIT_FOR_DEPENDENCY, Owner.ERP_ADMIN)
    other = failures.of_write(response({"detail": "At least one item is required"}, 422), {})
    assert isinstance(other, Refused)
    assert other.failure_class is FailureClass.FIX_DATA


def test_the_operator_s_entries_reword_what_the_connector_finds_itself() -> None:
    failures = LambdaErpFailures([own("order_*", next_step="Ask Mary about {value}.")])
    assert failures.refusal("order_submitted", value="PO-7").next_step == "Ask Mary about PO-7."
    assert failures.gone("PO-7").next_step == "Ask Mary about PO-7."


def test_an_operator_may_say_that_a_refused_search_is_tried_again() -> None:
    again = FailureEntry.model_validate({"code": "http_400", "class": "retry_later"})
    answer = LambdaErpFailures([again]).of_read(response({"detail": "Index is being built"}, 400))
    assert answer == Transient("Index is being built.", "http_400", is_reached=True)


def test_an_answer_without_words_is_a_sentence_all_the_same() -> None:
    refused = FAILURES.of_write(response({}, 422), {})
    assert refused.message == "Lambda ERP refuses the order: it gave no reason."


@pytest.mark.parametrize(
    ("status", "body", "sentence"),
    [
        (500, {"detail": "Database is locked"}, "Lambda ERP failed with an error of its own: Database is locked."),
        (200, {}, "Lambda ERP answered without an order."),
        (200, {"message": "Hello"}, "Lambda ERP answered without an order: Hello."),
        (302, {}, "Lambda ERP redirects to another address."),
    ],
)
def test_an_answer_without_an_order_is_worded_by_the_table_once_nothing_was_stored(
    status: int, body: dict[str, str], sentence: str
) -> None:
    answer = FAILURES.of_write(response(body, status), {})
    assert isinstance(answer, Unknown)
    assert answer.refusal is not None
    assert (answer.refusal.failure_class, answer.refusal.message) == (FailureClass.FIX_SETUP, sentence)


@given(_JSON)
def test_whatever_it_sends_is_read_without_an_error(body: Any) -> None:
    answer = response(body)
    order = order_in(answer)
    assert order is None or isinstance(order.copy_of(FoundDocument("PO-1")), ErpCopy)
    for listed in orders_in(answer) or ():
        assert isinstance(listed.found(), (FoundDocument, UnreadableDocument))
    assert all(isinstance(code, str) for code in codes_in(answer) or ())
