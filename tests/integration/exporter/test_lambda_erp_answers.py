"""The `lambda_erp` connector against servers that misbehave: a doubt is never taken for a refusal."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import orjson
import pytest
from pydantic import SecretStr

from schemas.commitment import Commitment
from schemas.fields import FailureClass, Owner
from services.exporter.connectors.lambda_erp import LambdaErpConnector, LambdaErpSettings
from services.exporter.connectors.types import Landed, Refused, Transient, Unknown, WriteRequest
from services.pipeline.bounded_answer import MAX_ANSWER_BYTES
from tests.integration.exporter.scripted_server import HANG, RESET, TRICKLE, response_bytes, scripted_server
from tests.unit.exporter.builders import commitment_json

REQUEST = WriteRequest("c-1", "c-1/1/abc", "co-1", 1, Commitment.model_validate(commitment_json()))
DRAFT = response_bytes(200, orjson.dumps({"name": "PO-1", "external_reference": "c-1", "docstatus": 0}))
NOTHING = response_bytes(200, orjson.dumps({"rows": []}))
TAKEN = response_bytes(409, orjson.dumps({"detail": "external_source, external_reference already exists"}))
CANCELLED = response_bytes(
    200, orjson.dumps({"rows": [{"name": "PO-1", "external_source": "countersign", "docstatus": 2}]})
)


@asynccontextmanager
async def connector(url: str, timeout_seconds: float = 5, **members: Any) -> AsyncIterator[LambdaErpConnector]:
    settings = LambdaErpSettings(
        name="main",
        kind="lambda_erp",
        title="Lambda",
        companies=("co-1",),
        url=url,
        company="Miller Build",
        timeout_seconds=timeout_seconds,
        **members,
    )
    connected = LambdaErpConnector(settings, SecretStr("key"))
    yield connected
    await connected.close()


@pytest.mark.parametrize("lost", [RESET, HANG, TRICKLE, response_bytes(502)])
async def test_a_write_whose_answer_is_lost_is_in_doubt(lost: bytes) -> None:
    async with scripted_server(lost) as erp, connector(erp.url, 0.5) as connected:
        answer = await connected.create(REQUEST)
        assert isinstance(answer, Unknown)
        assert answer.refusal is None
        assert isinstance(await connected.find("c-1"), Transient)
        assert isinstance(await connected.read("PO-1"), Transient)
        (checked,) = await connected.check()
        assert checked.problem


@pytest.mark.parametrize(
    "unclear", [response_bytes(500), response_bytes(200, b"null"), response_bytes(200, b" " * (MAX_ANSWER_BYTES + 1))]
)
async def test_a_write_that_is_answered_without_an_order_is_in_doubt_and_not_repeated(unclear: bytes) -> None:
    async with scripted_server(unclear) as erp, connector(erp.url) as connected:
        answer = await connected.create(REQUEST)
        assert isinstance(answer, Unknown)
        assert answer.refusal is not None


async def test_an_update_that_could_not_look_first_has_stored_nothing() -> None:
    for lost in (RESET, response_bytes(500)):
        async with scripted_server(lost) as erp, connector(erp.url) as connected:
            assert isinstance(await connected.update("PO-1", REQUEST), Transient)
            assert len(erp.received) == 1


async def test_an_update_whose_answer_is_lost_is_in_doubt() -> None:
    async with scripted_server(DRAFT, RESET) as erp, connector(erp.url) as connected:
        assert isinstance(await connected.update("PO-1", REQUEST), Unknown)
        assert erp.received[1].startswith(b"PUT /api/documents/purchase-order/PO-1 ")


async def test_a_refused_order_that_cannot_be_looked_up_has_stored_nothing() -> None:
    async with scripted_server(TAKEN, RESET) as erp, connector(erp.url) as connected:
        assert isinstance(await connected.create(REQUEST), Transient)


async def test_an_order_in_place_of_a_cancelled_one_takes_the_next_reference() -> None:
    async with scripted_server(TAKEN, CANCELLED, NOTHING, DRAFT) as erp, connector(erp.url) as connected:
        assert isinstance(await connected.create(REQUEST), Landed)
        assert b'"external_reference":"c-1~2"' in erp.received[3]


async def test_when_somebody_takes_the_next_reference_first_it_is_tried_again() -> None:
    async with scripted_server(TAKEN, CANCELLED, NOTHING, TAKEN) as erp, connector(erp.url) as connected:
        answer = await connected.create(REQUEST)
        assert isinstance(answer, Transient)
        assert answer.is_reached


async def test_a_busy_erp_says_when_to_come_back() -> None:
    async with scripted_server(response_bytes(429, b"", "Retry-After: 7")) as erp, connector(erp.url) as connected:
        answer = await connected.create(REQUEST)
        assert isinstance(answer, Transient)
        assert answer.retry_after_seconds == 7


async def test_what_cannot_be_ordered_as_approved_is_not_sent() -> None:
    commitment = Commitment.model_validate(commitment_json() | {"total": "1.00"})
    async with scripted_server(DRAFT) as erp, connector(erp.url) as connected:
        answer = await connected.create(WriteRequest("c-1", "m", "co-1", 1, commitment))
        assert isinstance(answer, Refused)
        assert (answer.code, answer.failure_class) == ("total_differs", FailureClass.FIX_DATA)
        assert erp.received == []


async def test_a_list_of_suppliers_that_cannot_be_read_has_stored_nothing() -> None:
    vendor = {"id": "v-1", "name": "Acme"}
    commitment = Commitment.model_validate(commitment_json() | {"vendor": vendor})
    odd = response_bytes(200, orjson.dumps({"rows": [{"name": 7.5}, "Acme"]}))
    async with scripted_server(odd) as erp, connector(erp.url) as connected:
        assert isinstance(await connected.create(WriteRequest("c-1", "m", "co-1", 1, commitment)), Transient)
        assert len(erp.received) == 1


async def test_a_connection_words_the_refusals_of_its_erp_itself() -> None:
    budget = {
        "code": "http_422",
        "contains": "budget",
        "class": "wait_for_dependency",
        "sentence": "The budget in {erp} is too small for {document}.",
        "owner": "approver",
    }
    refusal = response_bytes(422, orjson.dumps({"detail": "Over budget"}))
    async with scripted_server(refusal) as erp, connector(erp.url, failure=[budget]) as connected:
        answer = await connected.create(REQUEST)
        assert isinstance(answer, Refused)
        assert answer.message == f"The budget in Lambda is too small for {REQUEST.commitment.number}."
        assert (answer.failure_class, answer.owner) == (FailureClass.WAIT_FOR_DEPENDENCY, Owner.APPROVER)
