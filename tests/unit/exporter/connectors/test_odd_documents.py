"""Documents as ERPs really describe them: an odd optional member is left out, and never hides the document."""

import json
from typing import Any

import httpx2
import pytest

from services.exporter.connectors.http_response import find_answer, write_answer
from services.exporter.connectors.types import Exists, FoundDocument, Landed, Transient, Unknown, UnreadableDocument

PLAIN = {"id": "7", "number": "PO-7", "url": "https://erp.example.com/7", "reference": "c-1", "marker": "c-1/1/0"}
FOUND = FoundDocument("7", "PO-7", "https://erp.example.com/7", "c-1/1/0")
LONG = "x" * 50_000
DEEP = json.loads("[" * 200 + "]" * 200)

ODD_MEMBERS = [
    ("number", None, None),
    ("number", 17, "17"),
    ("number", 17.5, "17.5"),
    ("number", LONG, None),
    ("number", "PO\x007", None),
    ("number", True, None),
    ("number", {"a": 1}, None),
    ("number", DEEP, None),
    ("url", None, None),
    ("url", "", None),
    ("url", "/purchase-orders/7", None),
    ("url", "purchase-orders/7", None),
    ("url", "javascript:alert(1)", None),
    ("url", "https://erp.example.com/a b", None),
    ("url", "https://erp.example.com/" + LONG, None),
    ("url", 7, None),
    ("url", ["https://erp.example.com/7"], None),
    ("marker", None, None),
    ("marker", "", ""),
    ("marker", ["c-1/1/0"], None),
    ("marker", "c-1/1/0   ", "c-1/1/0"),
]


def response(body: Any, status: int = 200, content_type: str = "application/json") -> httpx2.Response:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return httpx2.Response(status, content=content, headers={"Content-Type": content_type})


def listed(*entries: Any) -> httpx2.Response:
    return response({"documents": list(entries)})


@pytest.mark.parametrize(("member", "sent", "read"), ODD_MEMBERS)
def test_an_odd_optional_member_is_left_out(member: str, sent: Any, read: str | None) -> None:
    odd = {**PLAIN, member: sent}
    expected = FoundDocument(**{"id": "7", **{name: PLAIN[name] for name in ("number", "url", "marker")}, member: read})

    assert write_answer(response(odd, 201)) == Landed((expected,))
    assert find_answer(listed(PLAIN, odd), "c-1") == (FOUND, expected)
    assert write_answer(response({"code": "duplicate_reference", "document": odd}, 409)) == Exists(expected)


@pytest.mark.parametrize(
    ("sent", "read"),
    [
        ("PO 17", "PO 17"),
        ("  17", "  17"),
        (" ", " "),
        ("Müller/17", "Müller/17"),
        (17, "17"),
        (17.5, "17.5"),
        (10**40, str(10**40)),
        ("x" * 128, "x" * 128),
    ],
)
def test_an_id_is_any_text_or_number(sent: Any, read: str) -> None:
    assert write_answer(response({"id": sent}, 201)) == Landed((FoundDocument(read),))
    assert find_answer(listed({"id": sent}), "c-1") == (FoundDocument(read),)


BAD_IDS = ["", None, True, [], {}, ["7"], "7\x00", "7\n8", "7\x85", "x" * 129, LONG]


@pytest.mark.parametrize("bad", BAD_IDS)
def test_a_document_in_a_list_whose_id_cannot_be_used_is_still_there(bad: Any) -> None:
    assert find_answer(listed({**PLAIN, "id": bad}, PLAIN), "c-1") == (UnreadableDocument("PO-7"), FOUND)
    assert find_answer(listed({"id": bad}), "c-1") == (UnreadableDocument(),)


@pytest.mark.parametrize("bad", BAD_IDS)
def test_a_stored_document_whose_id_cannot_be_used_leaves_the_outcome_unknown(bad: Any) -> None:
    assert isinstance(write_answer(response({**PLAIN, "id": bad}, 201)), Unknown)


@pytest.mark.parametrize("entry", [None, 7, "7", [], ["7"], {}, {"number": "PO-7"}, True])
def test_an_entry_that_is_no_document_may_be_one(entry: Any) -> None:
    assert len(find_answer(listed(entry), "c-1")) == 1  # type: ignore[arg-type]


@pytest.mark.parametrize("reference", [None, "", "   ", ["c-2"], {"id": "c-2"}, True, "c-1", " c-1 ", "C-1"])
def test_a_document_is_left_out_only_if_it_clearly_has_another_reference(reference: Any) -> None:
    assert find_answer(listed({**PLAIN, "reference": reference, "marker": None}), "c-1") != ()


@pytest.mark.parametrize("reference", ["c-2", "c-10", 2])
def test_a_document_with_another_reference_is_left_out(reference: Any) -> None:
    other = {**PLAIN, "reference": reference, "marker": "c-2/1/0"}
    assert find_answer(listed(other, {"id": None, "reference": reference}), "c-1") == ()


def test_a_document_with_our_marker_is_ours_whatever_its_reference_says() -> None:
    assert find_answer(listed({**PLAIN, "reference": "0000001"}), "c-1") == (FOUND,)


@pytest.mark.parametrize(
    ("body", "content_type", "number"),
    [
        (b'\xef\xbb\xbf{"id": "7", "number": "PO-7"}', "application/json", "PO-7"),
        ('{"id": "7", "number": "Bö"}'.encode("utf-16"), "application/json", "Bö"),
        ('{"id": "7", "number": "Bö"}'.encode("utf-16-le"), "application/json", "Bö"),
        ('{"id": "7", "number": "Bö"}'.encode("utf-32"), "application/json", "Bö"),
        ('{"id": "7", "number": "Bö"}'.encode("latin-1"), "application/json; charset=iso-8859-1", "Bö"),
        ('{"id": "7", "number": "Bö"}'.encode("cp1252"), "application/json", "Bö"),
        ('{"id": "7", "number": "Bö"}'.encode(), "application/json; charset=iso-8859-1", "Bö"),
        ('{"id": "7", "number": "№7"}'.encode("cp1251"), "application/json; charset=windows-1251", "№7"),
        (b'{"id": "7", "number": "PO-7"}', "application/json; charset=unheard-of", "PO-7"),
        (b'{"id": "7", "number": "PO-7"}', "text/html", "PO-7"),
        (b'{"id": "7", "number": "\\ud800"}', "application/json", None),
        (b'{"id": "7", "number": NaN}', "application/json", None),
        (b'{"id": "7", "number": Infinity}', "application/json", None),
        (b'{"id": "6", "id": "7", "number": "PO-6", "number": "PO-7"}', "application/json", "PO-7"),
        (b'{"id": "7", "number": "PO-7", "more": ' + b"9" * 10_000 + b"}", "application/json", "PO-7"),
        (b'{"id": "7", "number": "PO-7", "more": "a\tb\nc"}', "application/json", "PO-7"),
    ],
)
def test_a_document_is_read_in_every_charset_and_dialect(body: bytes, content_type: str, number: str | None) -> None:
    found = FoundDocument("7", number)
    assert write_answer(response(body, 201, content_type)) == Landed((found,))
    assert find_answer(response(b'{"documents": []}', 200, content_type), "c-1") == ()


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>",
        b"[]",
        b"{}",
        b'{"documents": null}',
        b'{"documents": {}}',
        b'{"documents": "none"}',
        b"[" * 100_000,
        b'{"documents": [], "error": "The index is being rebuilt."}',
        b'{"documents": [], "errors": ["Timed out"]}',
    ],
)
def test_an_answer_that_is_no_list_never_means_that_nothing_is_there(body: bytes) -> None:
    assert isinstance(find_answer(response(body), "c-1"), Transient)


@pytest.mark.parametrize("nothing", [None, [], {}, "", False])
def test_an_error_that_says_nothing_is_none(nothing: Any) -> None:
    assert find_answer(response({"documents": [], "error": nothing, "errors": nothing}), "c-1") == ()
    assert write_answer(response({**PLAIN, "error": nothing}, 201)) == Landed((FOUND,))
