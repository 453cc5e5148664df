"""A commitment with very many lines, which is read in pieces, is the same as if it were read at once."""

from typing import Any

import pytest
from pydantic import ValidationError

from schemas.commitment import Commitment, read_commitment
from schemas.examples.cast import CONCRETE_1
from schemas.limits import MAX_LINES


def received(count: int) -> dict[str, Any]:
    whole = CONCRETE_1.model_dump(mode="json")
    return {**whole, "lines": [whole["lines"][0] | {"position": place + 1} for place in range(count)]}


@pytest.mark.parametrize("count", [0, 200, 201, 999, MAX_LINES])
def test_it_is_the_same(count: int) -> None:
    assert read_commitment(received(count)) == Commitment.model_validate(received(count))


@pytest.mark.parametrize(
    "wrong", [{"lines": None}, {"lines": "none"}, {"number": 1}, {"unknown": [1]}, {"lines": [{}] * 500}]
)
def test_what_is_wrong_is_said_alike(wrong: dict[str, Any]) -> None:
    content = received(500) | wrong
    assert outcome(read_commitment, content) == outcome(Commitment.model_validate, content)


def test_the_wrong_line_is_named() -> None:
    content = received(500)
    content["lines"][450]["amount"] = "many"
    with pytest.raises(ValidationError) as raised:
        read_commitment(content)
    assert raised.value.errors()[0]["loc"] == ("lines", 450, "amount")


def outcome(read: Any, content: dict[str, Any]) -> object:
    try:
        return read(content)
    except ValidationError as error:
        return error.errors(include_url=False)
