"""What is wrong with a request is told in words that name the member, and without its content."""

import json
from typing import Any, cast

import pytest
from fastapi import Request
from fastapi.exceptions import RequestValidationError
from pydantic import TypeAdapter, ValidationError

from services.approval.web.api.marks import Given
from services.approval.web.api.problems import on_invalid


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ({}, "'verb' is missing"),
        ({"verb": "x" * 100_000}, "'verb' must be one of 'accept', 'reject'"),
        ({"verb": "re\u202eject"}, "'verb' must be one of 'accept', 'reject'"),
    ],
)
async def test_an_answer_without_a_verb_that_we_know_is_told_which_there_are(body: dict[str, str], told: str) -> None:
    with pytest.raises(ValidationError) as refused:
        TypeAdapter[Any](Given).validate_python(body)
    errors = [{**each, "loc": ("body", *each["loc"])} for each in refused.value.errors()]

    response = await on_invalid(cast("Request", None), RequestValidationError(errors))

    answer = json.loads(bytes(response.body))
    assert (response.status_code, answer["detail"]) == (422, f"body: {told}")
    assert answer["errors"] == [{"member": "body", "message": told}]
