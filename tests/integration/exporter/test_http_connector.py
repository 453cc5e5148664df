"""The `http` connector against the sandbox's ERP, and against servers that misbehave."""

import asyncio
import gzip
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import orjson
import pytest
from pydantic import SecretStr

from sandbox.erp.faults import ErpFault, ErpFaultKind
from sandbox.erp.rules import Rules
from sandbox.erp.running import running_erp
from schemas.commitment import Commitment
from schemas.fields import FailureClass
from services.exporter.connectors.http import HttpConnector, HttpSettings
from services.exporter.connectors.types import Exists, FoundDocument, Landed, Refused, Transient, Unknown, WriteRequest
from services.pipeline.bounded_answer import MAX_ANSWER_BYTES
from tests.integration.exporter.scripted_server import HANG, RESET, TRICKLE, response_bytes, scripted_server
from tests.unit.exporter.builders import commitment_json

TOKEN = SecretStr("s3cret")
MARKER = f"c-1/1/{'0' * 64}"
REQUEST = WriteRequest(
    "c-1",
    MARKER,
    "co-1",
    1,
    Commitment.model_validate(commitment_json()),
    traceparent="00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
)


@asynccontextmanager
async def connector(url: str, timeout_seconds: float = 0.5, **more: Any) -> AsyncIterator[HttpConnector]:
    settings = HttpSettings.model_validate(
        {"name": "main", "kind": "http", "title": "Main", "companies": ["co-1"], "url": url}
        | {"timeout_seconds": timeout_seconds}
        | more
    )
    http = HttpConnector(settings, TOKEN)
    yield http
    await http.close()


async def test_a_created_document_is_found_again_and_updated() -> None:
    async with running_erp(token=TOKEN) as erp, connector(erp.url, 5) as http:
        assert await http.find("c-1") == ()
        created = await http.create(REQUEST)
        assert isinstance(created, Landed)
        (document,) = created.documents
        assert await http.find("c-1") == (document,)
        assert document.marker == MARKER

        later = WriteRequest("c-1", f"c-1/2/{'0' * 64}", "co-1", 2, REQUEST.commitment)
        assert isinstance(await http.update(document.id, later), Landed)
        (found,) = await http.find("c-1")
        assert (found.id, found.marker) == (document.id, later.marker)


async def test_a_lost_answer_is_unknown_although_the_document_is_stored() -> None:
    async with running_erp(token=TOKEN) as erp, connector(erp.url, 5) as http:
        for kind in (ErpFaultKind.LOSE_ANSWER, ErpFaultKind.ERROR_AFTER_STORING):
            erp.faults.replace([ErpFault(kind=kind)])
            assert isinstance(await http.create(REQUEST), Unknown)

        assert len(erp.books.under("c-1")) == 2


@pytest.mark.parametrize("headers", [(), ("Content-Encoding: gzip",)])
async def test_an_answer_that_is_too_large_is_read_no_further(headers: tuple[str, ...]) -> None:
    content = b"{" + b" " * MAX_ANSWER_BYTES if not headers else gzip.compress(b"{" + b" " * 50_000_000)
    async with scripted_server(response_bytes(201, content, *headers)) as erp, connector(erp.url, 5) as http:
        answer = await http.create(REQUEST)
        assert isinstance(answer, Unknown)
        assert "cannot be used" in answer.message
        assert isinstance(await http.find("c-1"), Transient)


async def test_an_endless_answer_is_read_no_further() -> None:
    endless = b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * (4 * MAX_ANSWER_BYTES)
    async with scripted_server(endless) as erp, connector(erp.url, 5) as http:
        answer = await http.find("c-1")
    message = "Main answered, but its answer cannot be used: the answer has more than 1,048,576 bytes."
    assert answer == Transient(message, is_reached=True)


async def test_refusals_and_unavailability_store_nothing() -> None:
    async with running_erp(token=TOKEN) as erp, connector(erp.url, 5) as http:
        erp.faults.replace([ErpFault(kind=ErpFaultKind.REFUSE, code="3140", failure_class=FailureClass.FIX_SETUP)])
        refused = await http.create(REQUEST)
        assert isinstance(refused, Refused)
        assert (refused.failure_class, refused.code) == (FailureClass.FIX_SETUP, "3140")

        erp.faults.replace([ErpFault(kind=ErpFaultKind.UNAVAILABLE, retry_after_seconds=3)])
        unavailable = await http.create(REQUEST)
        assert isinstance(unavailable, Transient)
        assert unavailable.retry_after_seconds == 3
        assert erp.books.under("c-1") == []


async def test_a_refusal_names_the_line_and_means_what_the_connection_says() -> None:
    own = [
        {
            "code": "cost_code_closed",
            "class": "wait_for_dependency",
            "sentence": "{place}closed in {erp}. {text}",
            "next_step": "Open {value} again, then retry the export.",
        }
    ]
    rules = Rules(closed_cost_codes=frozenset({"03-300"}))
    async with running_erp(token=TOKEN, rules=rules) as erp, connector(erp.url, 5, failure=own) as http:
        refused = await http.create(REQUEST)

    assert isinstance(refused, Refused)
    assert refused.failure_class is FailureClass.WAIT_FOR_DEPENDENCY
    assert refused.message.startswith("SC-014, line 1, cost code 03-300: closed in Main. Closed cost code.")
    assert refused.next_step == "Open 03-300 again, then retry the export."


async def test_an_erp_with_unique_references_returns_the_existing_document() -> None:
    async with running_erp(token=TOKEN, rules=Rules(is_reference_unique=True)) as erp, connector(erp.url, 5) as http:
        created = await http.create(REQUEST)
        assert isinstance(created, Landed)

        assert await http.create(REQUEST) == Exists(created.documents[0])


async def test_a_wrong_token_and_a_missing_document_are_refused_as_fix_setup() -> None:
    async with running_erp(token=SecretStr("another")) as erp, connector(erp.url, 5) as http:
        found = await http.find("c-1")
        assert isinstance(found, Refused)
        assert found.failure_class is FailureClass.FIX_SETUP
    async with running_erp(token=TOKEN) as erp, connector(erp.url, 5) as http:
        missing = await http.update("4711", REQUEST)
        assert isinstance(missing, Refused)
        assert missing.failure_class is FailureClass.FIX_SETUP


async def test_a_request_has_the_token_the_idempotency_key_and_the_traceparent() -> None:
    async with scripted_server(response_bytes(201, b'{"id": "7"}')) as server, connector(server.url) as http:
        assert await http.create(REQUEST) == Landed((FoundDocument("7"),))

    (request,) = server.received
    head, _, body = request.partition(b"\r\n\r\n")
    lines = head.decode().lower().split("\r\n")
    assert "authorization: bearer s3cret" in lines
    assert f"idempotency-key: {MARKER}" in lines
    assert f"traceparent: {REQUEST.traceparent}" in lines
    assert orjson.loads(body)["marker"] == MARKER


async def test_special_characters_in_a_reference_or_id_are_escaped() -> None:
    async with scripted_server(response_bytes(200, b'{"documents": []}')) as server, connector(server.url) as http:
        await http.find("a/b&c=1?x#ä")
        await http.update("../7", REQUEST)
        await http.update("PO 17", REQUEST)

    assert server.received[0].startswith(b"GET /documents?reference=a%2Fb%26c%3D1%3Fx%23%C3%A4 ")
    assert server.received[1].startswith(b"PUT /documents/..%2F7 ")
    assert server.received[2].startswith(b"PUT /documents/PO%2017 ")


@pytest.mark.parametrize(
    "answer",
    [
        HANG,
        RESET,
        b"garbage\r\n\r\n",
        b"HTTP/1.1 201 Created\r\nContent-Length: 99\r\n\r\n{",
        response_bytes(201, b"<html>"),
    ],
)
async def test_a_sent_write_without_a_clear_answer_is_unknown(answer: bytes) -> None:
    async with scripted_server(answer) as server, connector(server.url) as http:
        assert isinstance(await http.create(REQUEST), Unknown)
        assert isinstance(await http.update("7", REQUEST), Unknown)
        assert isinstance(await http.find("c-1"), Transient)


@pytest.mark.alone
async def test_an_endless_response_ends_at_the_deadline() -> None:
    async with scripted_server(TRICKLE) as server, connector(server.url) as http, asyncio.timeout(30):
        assert isinstance(await http.create(REQUEST), Unknown)


async def test_a_request_that_was_never_sent_is_transient() -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    async with connector(f"http://127.0.0.1:{port}") as http:
        created = await http.create(REQUEST)
        assert isinstance(created, Transient)
        assert not created.is_reached
    async with scripted_server(b"not tls\r\n\r\n") as server, connector(server.url.replace("http:", "https:")) as http:
        assert isinstance(await http.create(REQUEST), Transient)


async def test_a_redirect_is_not_followed() -> None:
    async with (
        scripted_server(response_bytes(303, b"", "Location: http://127.0.0.1:1/")) as server,
        connector(server.url) as http,
    ):
        assert isinstance(await http.create(REQUEST), Unknown)
        assert len(server.received) == 1
