"""Whatever an ERP sends, the connector gives one of its declared answers, and raises nothing."""

import json
from typing import Any

import httpx2
from hypothesis import example, given, settings
from hypothesis import strategies as st

from schemas.commitment import ErpDocument
from schemas.events import Failure
from services.exporter.connectors.http_response import find_answer, write_answer
from services.exporter.connectors.retry_after import MAX_RETRY_AFTER_SECONDS
from services.exporter.connectors.types import (
    Exists,
    FoundDocument,
    Landed,
    Refused,
    Transient,
    Unknown,
    UnreadableDocument,
)
from services.exporter.rules.failures import failure_of
from services.exporter.rules.usable import Usable

VALID = {
    "id": "7",
    "number": "PO-7",
    "url": "https://erp.example.com/7",
    "reference": "c-1",
    "marker": f"c-1/1/{'0' * 64}",
    "revision": 1,
}
PROBLEM = {
    "title": "No",
    "detail": "Closed.",
    "code": "duplicate_reference",
    "failure_class": "fix_data",
    "status": 422,
}

_SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(alphabet=st.characters()),  # with lone surrogates, which JSON can write
    st.sampled_from(["", " ", "\x00", "PO 17", "/po/7", "x" * 50_000, "c-1", "c-2", "<b>x</b>", *VALID.values()]),
)
_NAMES = st.one_of(st.sampled_from([*VALID, *PROBLEM, "documents", "document", "error", "errors"]), st.text())
_JSON = st.recursive(
    _SCALARS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(_NAMES, inner, max_size=5), max_leaves=8
)
_CHARSETS = st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "utf-16-be", "utf-32", "latin-1", "cp1252", "cp037"])
_STATUSES = st.one_of(
    st.sampled_from([200, 201, 202, 204, 207, 302, 400, 408, 409, 422, 429, 500, 502, 503]), st.integers(100, 999)
)
_HEADERS = st.lists(
    st.tuples(
        st.sampled_from([b"Content-Type", b"Retry-After", b"Location", b"Content-Language"]),
        st.one_of(st.binary(), st.sampled_from([b"application/json; charset=x\x00y", b"text/html; charset=idna"])),
    ),
    max_size=4,
)


@st.composite
def _bodies(draw: st.DrawFn) -> bytes:
    """A document, list or problem as the contract has it, with any member replaced and bytes cut or flipped."""
    document = {**VALID, **draw(st.dictionaries(_NAMES, _JSON, max_size=2))}
    body: Any = draw(
        st.sampled_from(
            [document, {"documents": [VALID, document]}, {**PROBLEM, "document": document}, {"error": document}]
        )
    )
    content = json.dumps(body).encode(draw(_CHARSETS), errors="replace")
    cut = (draw(st.integers(0, 3)) and len(content)) or draw(st.integers(0, len(content)))
    return content[:cut] + draw(st.binary(max_size=3))


def _checked(response: httpx2.Response) -> None:
    _check_written(write_answer(response))
    _check_found(find_answer(response, "c-1"))


def _check_written(answer: object) -> None:
    match answer:
        case Landed(documents):
            assert documents
            for each in documents:
                _check_document(each)
        case Exists(document):
            _check_document(document)
        case Unknown(message, refusal):
            _check_text(message)
            if refusal:
                _check_failure(refusal)
        case _:
            _check_failure(answer)
    assert Usable().written(answer) == answer  # type: ignore[arg-type]


def _check_found(answer: object) -> None:
    if isinstance(answer, tuple):
        for each in answer:
            _check_document(each)
    else:
        _check_failure(answer)
    assert Usable().found(answer) == answer  # type: ignore[arg-type]


def _check_document(document: object) -> None:
    """Whether events and the database take it."""
    if isinstance(document, UnreadableDocument):
        document = FoundDocument("id", document.number)
    assert isinstance(document, FoundDocument)
    ErpDocument(connection="main", id=document.id, number=document.number, url=document.url)


def _check_failure(answer: object) -> None:
    assert isinstance(answer, (Refused, Transient))
    _check_text(answer.message)
    if isinstance(answer, Transient):
        assert 0 <= answer.retry_after_seconds <= MAX_RETRY_AFTER_SECONDS
    else:
        assert isinstance(failure_of(answer, is_in_erp=False), Failure)


def _check_text(message: str) -> None:
    assert 0 < len(message) <= 2_000
    assert message.isprintable()
    assert message.encode()


@settings(max_examples=300, deadline=None)
@given(_STATUSES, st.binary(max_size=200), _HEADERS)
@example(200, b"[" * 100_000, [])
@example(200, b'{"a":' * 100_000, [])
@example(200, b'{"documents": [' + b"9" * 100_000 + b"]}", [])
@example(500, b"<" * 100_000, [])
@example(500, b"<script" * 20_000, [])
@example(500, b"&#" * 50_000, [])
def test_any_bytes_are_an_answer(status: int, content: bytes, headers: list[tuple[bytes, bytes]]) -> None:
    _checked(httpx2.Response(status, content=content, headers=headers))


@settings(max_examples=300, deadline=None)
@given(_STATUSES, _bodies(), _HEADERS)
def test_any_mutation_of_a_valid_answer_is_an_answer(
    status: int, content: bytes, headers: list[tuple[bytes, bytes]]
) -> None:
    _checked(httpx2.Response(status, content=content, headers=headers))


@settings(max_examples=150, deadline=None)
@given(_STATUSES, _JSON)
@example(422, {"code": "\U00018cd6"})
@example(503, {"code": "a\x85b \U00018cd6"})
@example(200, {"error": {"code": " \u00a0"}})
def test_any_json_is_an_answer(status: int, body: object) -> None:
    _checked(httpx2.Response(status, content=json.dumps(body).encode()))


_OTHER_MEMBERS = st.dictionaries(_NAMES.filter(lambda name: name not in ("reference", "marker")), _JSON, max_size=4)


@settings(max_examples=150, deadline=None)
@given(st.lists(_OTHER_MEMBERS, max_size=4))
def test_no_document_with_our_reference_is_ever_overlooked(changes: list[dict[str, object]]) -> None:
    listed = {"documents": [{**VALID, **changed} for changed in changes]}

    found = find_answer(httpx2.Response(200, content=json.dumps(listed).encode()), "c-1")

    assert isinstance(found, tuple)
    assert len(found) == len(changes)


@settings(max_examples=150, deadline=None)
@given(_STATUSES, _JSON)
def test_only_a_list_without_an_error_says_that_nothing_is_there(status: int, body: object) -> None:
    if find_answer(httpx2.Response(status, content=json.dumps(body).encode()), "c-1") == ():
        assert status == 200
        assert isinstance(body, dict)
        assert isinstance(body["documents"], list)
        assert not body.get("error")
