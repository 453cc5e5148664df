"""A commitment is kept verbatim, and its hash is that of RFC 8785."""

import hashlib
import math
from typing import Any

import orjson
import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from schemas import limits
from schemas.examples.cast import CONCRETE_1, snapshot
from schemas.snapshot import Snapshot, TooLargeError, canonical, content_hash

EXACT = 2**53 - 1
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
ASCII = st.text(st.characters(codec="ascii"), max_size=8)
SCALARS = st.none() | st.booleans() | st.integers(-EXACT, EXACT) | TEXTS


def json_values(scalars: st.SearchStrategy[Any], keys: st.SearchStrategy[str]) -> st.SearchStrategy[dict[str, Any]]:
    """JSON objects of `scalars`, lists and objects."""
    values = st.recursive(
        scalars,
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=3),
        max_leaves=8,
    )
    return st.dictionaries(keys, values, max_size=4)


ANY_JSON = json_values(SCALARS | st.floats(allow_nan=False, allow_infinity=False), TEXTS)
EXACT_JSON = json_values(SCALARS | st.floats(-EXACT, EXACT), TEXTS)
PLAIN_JSON = json_values(SCALARS, ASCII)


def received(**extra: Any) -> dict[str, Any]:
    """A commitment as a decoded JSON object, with `extra` members."""
    return orjson.loads(snapshot(CONCRETE_1).text) | extra


@given(ANY_JSON)
def test_the_content_hash_is_that_of_the_rfc_8785_form(content: dict[str, Any]) -> None:
    assert content_hash(content) == hashlib.sha256(rfc8785.dumps(content)).hexdigest()


@given(PLAIN_JSON)
def test_the_fast_path_for_plain_content_gives_the_rfc_8785_form(content: dict[str, Any]) -> None:
    assert canonical(content) == rfc8785.dumps(content)


@pytest.mark.parametrize(
    ("content", "form"),
    [
        ({"b": 1, "a": 2}, b'{"a":2,"b":1}'),
        ({"\ue000": 1, "\U00010000": 2}, '{"\U00010000":2,"\ue000":1}'.encode()),
        ({"x": 1e21, "y": 0.000001, "z": -0.0}, b'{"x":1e+21,"y":0.000001,"z":0}'),
        ({"x": "\x00\x1f\x7f\u2028é/"}, '{"x":"\\u0000\\u001f\x7f\u2028é/"}'.encode()),
    ],
    ids=["sorts keys", "sorts keys by UTF-16", "writes numbers as ECMAScript does", "escapes no more than it must"],
)
def test_the_canonical_form(content: dict[str, Any], form: bytes) -> None:
    assert canonical(content) == form


@given(ANY_JSON, st.randoms(use_true_random=False))
def test_the_order_of_members_does_not_change_the_hash(content: dict[str, Any], random: Any) -> None:
    members = list(content.items())
    random.shuffle(members)
    assert content_hash(dict(members)) == content_hash(content)


@pytest.mark.parametrize("number", [2**53, -(2**53), 2**63, 2**70])
def test_an_integer_beyond_the_exact_range_has_no_hash(number: int) -> None:
    with pytest.raises(ValueError, match="exceeds safe integer"):
        content_hash({"n": number})


@pytest.mark.parametrize("number", [math.nan, math.inf])
def test_a_non_finite_number_has_no_hash(number: float) -> None:
    with pytest.raises(ValueError, match="not representable"):
        content_hash({"n": number})


def test_a_changed_amount_changes_the_hash() -> None:
    assert content_hash(received(total="480250.00")) != content_hash(received(total="480250.0"))


@given(EXACT_JSON)
def test_a_snapshot_keeps_unknown_members_verbatim(extra: dict[str, Any]) -> None:
    content = received(x=extra)
    kept = Snapshot.of(content)
    assert orjson.loads(kept.text) == content
    assert list(orjson.loads(kept.text)) == list(content)
    assert kept.content_hash == content_hash(content)
    assert Snapshot.from_text(kept.text) == kept


@pytest.mark.parametrize("long", [b"9007199254740992", b"18446744073709551617", b"1e300", b"-123456789012345678901"])
def test_a_number_that_a_reader_would_round_is_refused(long: bytes) -> None:
    text = orjson.dumps(received(customer="X")).replace(b'"X"', long)
    with pytest.raises(ValueError, match="send it as a string"):
        Snapshot.of(orjson.loads(text))


def test_lists_nested_too_deeply_to_be_encoded_are_refused() -> None:
    deep: list[Any] = []
    for _ in range(300):
        deep = [deep]
    with pytest.raises(ValueError, match="nested too deeply"):
        Snapshot.of(received(x=deep))


def test_deeply_nested_lists_that_can_be_encoded_are_kept_and_hashed() -> None:
    deep: list[Any] = []
    for _ in range(250):
        deep = [deep]
    kept = Snapshot.of(received(x=[1.5, deep]))
    assert kept.content_hash == content_hash(orjson.loads(kept.text))


def test_a_snapshot_that_exceeds_the_limit_once_encoded_is_too_large() -> None:
    text = orjson.dumps(received(x="X")).replace(b'"X"', b"[" + b",".join([b"1e15"] * 100_000) + b"]")
    assert len(text) < limits.MAX_SUBMISSION_BYTES
    with pytest.raises(TooLargeError, match="bytes; at most 1,048,576"):
        Snapshot.of(orjson.loads(text))


def test_too_many_lines_are_refused_before_any_is_validated() -> None:
    with pytest.raises(TooLargeError, match="10000 lines; at most 2000"):
        Snapshot.of({"lines": [None] * 10_000})


def test_an_invalid_commitment_is_refused() -> None:
    with pytest.raises(ValidationError, match="title"):
        Snapshot.of(received(title=None))
