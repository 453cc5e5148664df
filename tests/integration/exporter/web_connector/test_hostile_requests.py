"""Requests that are no calls, or mean harm: each is refused with a line in the log, and carries nothing out."""

import asyncio
import gzip
import logging
from pathlib import Path
from typing import Any

import pytest
import structlog

from services.exporter.web_connector.envelope import SPEAKS_SOAP_11
from services.pipeline.broker.messages import LIBRDKAFKA_LOG
from tests.integration.exporter.scripted_server import response_bytes, scripted_server
from tests.integration.exporter.web_connector.scripted_conversing import TICKET, ScriptedConversing
from tests.integration.exporter.web_connector.served_endpoint import PASSWORD, USER, Served, served_endpoint
from tests.unit.exporter.web_connector.soap_messages import enveloped, reply, request

LAUGHS = (
    "<!DOCTYPE a [" + '<!ENTITY l0 "ha">' + "".join(f'<!ENTITY l{n + 1} "{f"&l{n};" * 10}">' for n in range(9)) + "]>"
)
CALL = request("closeConnection", ticket=TICKET)


def with_doctype(doctype: str, entity: str) -> bytes:
    return enveloped(
        f'<closeConnection xmlns="http://developer.intuit.com/"><ticket>{entity}</ticket></closeConnection>',
        prolog=doctype,
    )


def unforeseen(caplog: pytest.LogCaptureFixture) -> list[logging.LogRecord]:
    """Return what a library has logged; a consumer of an earlier test may still look for its Kafka that was killed."""
    return [each for each in caplog.records if each.levelno >= logging.WARNING and each.name != LIBRDKAFKA_LOG.name]


async def refused(
    served: Served, caplog: pytest.LogCaptureFixture, body: bytes, **headers: str
) -> tuple[int, str, Any]:
    """Post `body`; return the status and text of the answer, and the reason in the log."""
    with structlog.testing.capture_logs() as lines, caplog.at_level(logging.WARNING):
        answer = await served.post(body, **headers)
    assert [line["event"] for line in lines] == ["web_connector.request_refused"]
    assert not unforeseen(caplog)
    assert served.conversing == ScriptedConversing()
    return answer.status_code, answer.text, lines[0]["reason"]


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (with_doctype(LAUGHS, "&l9;"), "doctype"),
        (with_doctype('<!DOCTYPE a [<!ENTITY q "' + "q" * 50_000 + '">]>', "&q;" * 50_000), "doctype"),
        (enveloped("<a>" * 100_000), "too_many_tags"),
        (enveloped("<a " + " ".join(f'a{n}=""' for n in range(100_000)) + "/>"), "malformed"),
        (request("closeConnection", namespace="http://developer.intuit.com/qb", ticket=TICKET), "unknown_method"),
        (enveloped("<a/>", soap="http://schemas.xmlsoap.org/soap/envelope"), "soap_version"),
        (request("closeConnection"), "missing_parameter"),
        (request("getInteractiveURL", wcTicket="t", sessionID="s"), "unknown_method"),
        (CALL.decode().encode("utf-16-le"), "encoding"),
        (CALL.decode().encode("utf-16"), "encoding"),
        (reply("caf\u00e9").decode().encode("latin-1"), "malformed"),
        (CALL.replace(b"ticket>", b"ticket>\x00", 1), "malformed"),
        (CALL[:-20], "malformed"),
        (CALL + CALL, "malformed"),
        (b"", "malformed"),
        (b'{"ticket": 1}', "malformed"),
        (b"ticket=1&response=2", "malformed"),
    ],
    ids=lambda value: value if isinstance(value, str) else repr(value[:30]),
)
async def test_it_is_answered_with_a_fault(body: bytes, reason: str, caplog: pytest.LogCaptureFixture) -> None:
    async with served_endpoint() as served:
        status, text, said = await refused(served, caplog, body)

    assert (status, said) == (500, reason)
    assert "<faultstring>The" in text or "<faultstring>T" in text
    assert "Traceback" not in text


async def test_external_entities_are_neither_fetched_nor_read(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    secret = tmp_path / "secret"
    secret.write_text("the secret")
    async with scripted_server(response_bytes(200, b"the secret")) as canary:
        for doctype, entity in (
            (f'<!DOCTYPE a SYSTEM "{canary.url}/x.dtd">', TICKET),
            (f'<!DOCTYPE a [<!ENTITY x SYSTEM "{canary.url}/x">]>', "&x;"),
            (f'<!DOCTYPE a [<!ENTITY x SYSTEM "file://{secret}">]>', "&x;"),
            (f'<!DOCTYPE a [<!ENTITY % p SYSTEM "{canary.url}/p"> %p;]>', TICKET),
        ):
            async with served_endpoint() as served:
                status, text, reason = await refused(served, caplog, with_doctype(doctype, entity))
            assert (status, reason) == (500, "doctype")
            assert "the secret" not in text
        xinclude = f'<i:include xmlns:i="http://www.w3.org/2001/XInclude" href="{canary.url}/x" parse="text"/>'
        async with served_endpoint() as served:
            assert (await refused(served, caplog, enveloped(xinclude)))[2] == "unknown_method"
    assert canary.received == []


async def test_a_schema_location_is_not_fetched() -> None:
    async with scripted_server(response_bytes(200)) as canary, served_endpoint() as served:
        body = CALL.replace(b"<soap:Body>", f'<soap:Body xsi:schemaLocation="urn:x {canary.url}/x.xsd">'.encode())
        assert (await served.post(body)).status_code == 200
    assert canary.received == []


async def test_a_soap_12_client_is_told_to_speak_soap_11(caplog: pytest.LogCaptureFixture) -> None:
    body = enveloped("<a/>", soap="http://www.w3.org/2003/05/soap-envelope")
    async with served_endpoint() as served:
        first = await refused(served, caplog, body, content_type="application/soap+xml; action=x")
    async with served_endpoint() as served:
        second = await refused(served, caplog, body)
    for status, text, reason in (first, second):
        assert (status, reason) == (500, "soap_version")
        assert f"<faultcode>soap:VersionMismatch</faultcode><faultstring>{SPEAKS_SOAP_11}</faultstring>" in text


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "br", "GZIP", "identity, gzip"])
async def test_a_compressed_request_is_refused_unread(encoding: str, caplog: pytest.LogCaptureFixture) -> None:
    bomb = gzip.compress(b"x" * 100_000_000, 1)
    async with served_endpoint() as served:
        status, text, reason = await refused(served, caplog, bomb, content_encoding=encoding)
    assert (status, reason) == (415, "content_encoding")
    assert text == "The request is compressed. Send it without a Content-Encoding.\n"


@pytest.mark.parametrize("content_type", ["", "text/plain", "application/x-www-form-urlencoded", "multipart/form-data"])
async def test_what_a_web_page_could_send_is_refused(content_type: str, caplog: pytest.LogCaptureFixture) -> None:
    async with served_endpoint() as served:
        status, _, reason = await refused(served, caplog, CALL, content_type=content_type)
    assert (status, reason) == (415, "content_type")


async def test_another_charset_in_the_header_is_a_fault(caplog: pytest.LogCaptureFixture) -> None:
    async with served_endpoint() as served:
        status, _, reason = await refused(served, caplog, CALL, content_type='text/xml; charset="iso-8859-1"')
    assert (status, reason) == (500, "encoding")


async def test_an_action_of_another_call_is_a_fault(caplog: pytest.LogCaptureFixture) -> None:
    async with served_endpoint() as served:
        action = '"http://developer.intuit.com/authenticate"'
        assert (await refused(served, caplog, CALL, soapaction=action))[2] == "action_mismatch"


async def test_a_flood_of_refusals_leaves_one_line_of_each_kind() -> None:
    async with served_endpoint() as served:
        with structlog.testing.capture_logs() as lines:
            for _ in range(20):
                await served.post(b"")
                await served.post(b"<a/>")
    assert [line["reason"] for line in lines] == ["malformed", "no_envelope"]


async def test_a_client_that_goes_away_in_the_middle_leaves_no_exception(caplog: pytest.LogCaptureFixture) -> None:
    async with served_endpoint() as served:
        for length in (len(CALL), 5_000_000):
            _, writer = await asyncio.open_connection("127.0.0.1", served.port)
            head = f"POST /quickbooks HTTP/1.1\r\nhost: x\r\ncontent-type: text/xml\r\ncontent-length: {length}\r\n\r\n"
            writer.write(head.encode() + CALL[:50])
            await writer.drain()
            await asyncio.sleep(0.05)
            writer.close()
            await writer.wait_closed()
        assert (await served.post(CALL)).status_code == 200
    assert not unforeseen(caplog)


async def test_a_client_may_wait_for_leave_to_send_its_body() -> None:
    async with served_endpoint() as served:
        reader, writer = await asyncio.open_connection("127.0.0.1", served.port)
        head = "POST /quickbooks HTTP/1.1\r\nhost: x\r\ncontent-type: text/xml\r\nexpect: 100-continue\r\n"
        writer.write(f"{head}content-length: {len(CALL)}\r\n\r\n".encode())
        assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 100 ")
        writer.write(CALL)
        assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 200 ")
        writer.close()


async def test_a_reload_is_seen_by_the_next_sign_in() -> None:
    signing_in = request("authenticate", strUserName=USER, strPassword=PASSWORD)
    async with served_endpoint("<QBXML/>") as served:
        assert TICKET in (await served.post(signing_in)).text
        await served.connections.replace({})
        assert "<string>nvu</string>" in (await served.post(signing_in)).text


async def test_a_sign_in_from_elsewhere_works_while_one_address_is_shut_out() -> None:
    right = request("authenticate", strUserName=USER, strPassword=PASSWORD)
    wrong = request("authenticate", strUserName=USER, strPassword="wrong")
    attacker, office = {"x_forwarded_for": "203.0.113.66"}, {"x_forwarded_for": "198.51.100.7"}
    async with served_endpoint("<QBXML/>", trusted_proxies="127.0.0.1") as served:
        with structlog.testing.capture_logs() as lines:
            for _ in range(12):
                assert "<string>nvu</string>" in (await served.post(wrong, **attacker)).text
            assert "<string>nvu</string>" in (await served.post(right, **attacker)).text
            assert TICKET in (await served.post(right, **office)).text
    assert [line["reason"] for line in lines] == ["wrong_password", "too_many_from_network"]
    assert "203.0.113.66" not in str(lines)
