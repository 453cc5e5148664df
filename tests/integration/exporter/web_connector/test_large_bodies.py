"""Large requests hold neither memory nor the event loop: measured in a process of its own."""

import asyncio
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import httpx2
import pytest

from services.exporter.web_connector.app import REQUESTS_OF_ONE_NETWORK
from services.exporter.web_connector.bodies import MAX_BODY_BYTES
from tests.integration.exporter.web_connector.endpoint_process import Endpoint, endpoint_process
from tests.integration.exporter.web_connector.scripted_conversing import TICKET
from tests.unit.exporter.web_connector.soap_messages import reply

CHUNK = b"x" * 65_536
HEAD = "POST /quickbooks HTTP/1.1\r\nhost: x\r\ncontent-type: text/xml\r\n"
RESPONSE = "\U0001f600" + "<Vendor/>" * 900_000
"""Eight million characters that become some 13 MB when they are escaped, and 32 MB as Python keeps them."""


@pytest.fixture
async def endpoint(tmp_path: Path) -> AsyncIterator[Endpoint]:
    async with endpoint_process(tmp_path) as running:
        yield running


def told(figures: str) -> None:
    """Print figures, which pytest shows with -s."""
    sys.stdout.write(f"{figures}\n")


async def send_endlessly(endpoint: Endpoint, head: str, chunk: bytes, total_bytes: int) -> tuple[bytes, int]:
    """Send a body until it ends or the server has had enough; return the answer, and how much could be sent."""
    reader, writer = await asyncio.open_connection("127.0.0.1", endpoint.port)
    writer.write(head.encode())
    sent = 0
    try:
        while sent < total_bytes and not reader.at_eof():
            writer.write(chunk)
            await writer.drain()
            sent += len(CHUNK)
        answer = await reader.read(400)
    except ConnectionError:
        answer = b""
    writer.close()
    return answer, sent


async def test_a_hundred_megabytes_of_stated_length_are_refused_unread(endpoint: Endpoint) -> None:
    head = f"{HEAD}content-length: {100_000_000}\r\n\r\n"

    answer, _ = await send_endlessly(endpoint, head, b"", 0)

    assert answer.startswith(b"HTTP/1.1 413 ")
    more_megabytes, _ = await endpoint.measured()
    assert more_megabytes < 5
    assert "http.body_refused" in endpoint.logged()


async def test_a_hundred_megabytes_in_chunks_are_refused_at_the_limit(endpoint: Endpoint) -> None:
    chunk = b"%x\r\n%s\r\n" % (len(CHUNK), CHUNK)

    results = await asyncio.gather(
        *(send_endlessly(endpoint, f"{HEAD}transfer-encoding: chunked\r\n\r\n", chunk, 100_000_000) for _ in range(4))
    )

    more_megabytes, _ = await endpoint.measured()
    told(f"4 bodies of 100 MB in chunks: {more_megabytes:.0f} MB more, {max(sent for _, sent in results):,} bytes sent")
    assert all(answer.startswith(b"HTTP/1.1 413 ") or not answer for answer, _ in results)
    assert all(sent < 3 * MAX_BODY_BYTES for _, sent in results)
    assert more_megabytes < 80
    assert endpoint.logged().count("http.body_refused") == 1
    assert '"exception": ' not in endpoint.logged()


@pytest.mark.alone
async def test_large_replies_do_not_hold_the_event_loop_and_only_two_are_in_memory(endpoint: Endpoint) -> None:
    body = reply(RESPONSE, TICKET)
    assert 12_000_000 < len(body) < MAX_BODY_BYTES

    async with httpx2.AsyncClient(timeout=60) as client:
        posts = (post(client, endpoint, body) for _ in range(6))
        answers = await asyncio.gather(*posts)

    more_megabytes, held_ms = await endpoint.measured()
    told(f"6 replies of {len(body) / 1e6:.0f} MB: {more_megabytes:.0f} MB more, loop held {held_ms:.0f} ms")
    assert all(f">{len(RESPONSE)}<" in answer.text for answer in answers)
    assert more_megabytes < 250
    assert held_ms < 100


async def post(client: httpx2.AsyncClient, endpoint: Endpoint, body: bytes) -> httpx2.Response:
    url = f"http://127.0.0.1:{endpoint.port}/quickbooks"
    return await client.post(url, content=body, headers={"content-type": "text/xml"})


def millions(part: bytes) -> bytes:
    return b"<a>" + part * (16_000_000 // len(part)) + b"</a>"


@pytest.mark.parametrize(
    "body",
    [
        lambda: millions(b"<b/>"),
        lambda: millions(b"<b>"),
        lambda: b"<a " + b" ".join(b'a%d=""' % n for n in range(1_400_000)) + b"/>",
        lambda: millions(b"&lt;"),
        lambda: millions(b"<![CDATA[]]>"),
        lambda: millions(b"<!-- -->"),
        lambda: millions(b"x"),
    ],
    ids=["elements", "depth", "attributes", "escapes", "cdata", "comments", "text"],
)
async def test_sixteen_megabytes_that_would_become_much_more_do_not(
    endpoint: Endpoint, body: Callable[[], bytes]
) -> None:
    made = body()
    assert len(made) < MAX_BODY_BYTES

    async with httpx2.AsyncClient(timeout=60) as client:
        answers = await asyncio.gather(*(post(client, endpoint, made) for _ in range(4)))

    more_megabytes, held_ms = await endpoint.measured()
    told(f"4 bodies of {len(made) / 1e6:.0f} MB: {more_megabytes:.0f} MB more, loop held {held_ms:.0f} ms")
    assert [answer.status_code for answer in answers] == [500] * 4
    assert more_megabytes < 120
    assert held_ms < 1_000
    assert "web_connector.request_refused" in endpoint.logged()
    assert '"exception": ' not in endpoint.logged()


async def test_four_hundred_bodies_of_a_megabyte_are_never_in_memory_together(endpoint: Endpoint) -> None:
    """Each comes but for its last byte, from forty networks."""
    size = 1_000_000
    opened = [
        await asyncio.open_connection("127.0.0.1", endpoint.port, local_addr=(f"127.0.1.{number % 40 + 1}", 0))
        for number in range(380)
    ]
    for _, writer in opened:
        writer.write(f"{HEAD}content-length: {size}\r\n\r\n".encode() + b"x" * (size - 1))
    await asyncio.sleep(8)  # as long as it takes to read what can be read

    more_megabytes, _ = await endpoint.measured()
    told(f"380 bodies of 1 MB: {more_megabytes:.0f} MB more")
    for _, writer in opened:
        writer.transport.abort()
    assert more_megabytes < 180


@pytest.mark.parametrize("size", [100_000, 2_000_000])
async def test_slow_strangers_do_not_hold_up_the_reply_of_a_web_connector(endpoint: Endpoint, size: int) -> None:
    """Theirs come but for their last byte, from eight networks; its own is longer than a megabyte."""
    made_up = reply("x" * size, "made-up")
    opened = [
        await asyncio.open_connection("127.0.0.1", endpoint.port, local_addr=(f"127.0.1.{number % 8 + 1}", 0))
        for number in range(64)
    ]
    for _, writer in opened:
        writer.write(f"{HEAD}content-length: {len(made_up)}\r\n\r\n".encode() + made_up[:-1])
    await asyncio.sleep(2)
    async with asyncio.timeout(5), httpx2.AsyncClient(timeout=5) as client:
        answer = await post(client, endpoint, reply("<Vendor/>" * 100_000, TICKET))
    for _, writer in opened:
        writer.transport.abort()
    assert f">{len('<Vendor/>' * 100_000)}<" in answer.text


async def test_a_network_that_sends_too_many_requests_is_asked_to_wait(endpoint: Endpoint) -> None:
    for _ in range(REQUESTS_OF_ONE_NETWORK // 50):
        assert set(await asyncio.gather(*(status_from("127.0.1.1", endpoint) for _ in range(50)))) == {b"415"}
    assert await status_from("127.0.1.1", endpoint) == b"429"
    assert await status_from("127.0.1.2", endpoint) == b"415"
    assert "too_many" in endpoint.logged()


async def status_from(address: str, endpoint: Endpoint) -> bytes:
    """Send what is no call from `address`; return the status of the answer."""
    reader, writer = await asyncio.open_connection("127.0.0.1", endpoint.port, local_addr=(address, 0))
    writer.write(b"POST /quickbooks HTTP/1.1\r\nhost: x\r\ncontent-length: 0\r\n\r\n")
    status = (await reader.readline()).split(b" ")[1]
    writer.close()
    return status
