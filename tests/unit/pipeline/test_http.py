"""Clients that send too much, too slowly or from everywhere at once: real connections to a server on loopback."""

import asyncio
import re
import resource
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
import structlog
from fastapi import FastAPI, Request
from prometheus_client import REGISTRY
from starlette.responses import Response, StreamingResponse

from services.pipeline.body_limit import MAX_BODY_BYTES
from services.pipeline.counted_responses import CLASSES
from services.pipeline.errors import SettingsError
from services.pipeline.http import Server, add_metrics_and_health, listen, new_app
from services.pipeline.http_protocol import MAX_CONNECTIONS, bounded_protocol
from services.pipeline.request_head import MAX_FIRST_LINE_BYTES, MAX_HEAD_BYTES, MAX_HEAD_LINES
from services.pipeline.safe_headers import SAFE_HEADERS
from tests.waiting import eventually

Connection = tuple[asyncio.StreamReader, asyncio.StreamWriter]
HEAD = b"GET /who HTTP/1.1\r\nhost: desk.example\r\n"


async def is_ready() -> bool:
    return True


def app() -> FastAPI:
    made = new_app("tests", {"/long": 3 * MAX_BODY_BYTES})
    add_metrics_and_health(made, lambda: True, is_ready)

    @made.get("/who")
    async def who(request: Request) -> dict[str, str]:
        return {"client": request.client.host if request.client else "", "scheme": request.url.scheme}

    @made.post("/length")
    @made.post("/long")
    async def length(request: Request) -> int:
        return len(await request.body())

    @made.get("/defect")
    async def defect() -> None:
        raise ZeroDivisionError

    @made.get("/too-much")
    async def too_much() -> Response:
        return Response(status_code=429)

    @made.get("/pages")
    async def pages() -> list[str]:
        return ["x" * 1_000_000] * 8

    @made.get("/huge")
    async def huge() -> Response:
        return Response(b"x" * 20_000_000)

    @made.get("/many")
    async def many() -> StreamingResponse:
        return StreamingResponse("x" * 50_000 for _ in range(1_000))

    return made


class Served:
    """A server whose limits are low; `connect` opens a connection to it."""

    def __init__(self, port: int, server: Server) -> None:
        self.port = port
        self._state = server.server_state
        self._writers: list[asyncio.StreamWriter] = []

    async def connect(self, source: str = "127.0.0.1") -> Connection:
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port, local_addr=(source, 0))
        self._writers.append(writer)
        return reader, writer

    async def ask(self, request: bytes, source: str = "127.0.0.1") -> bytes:
        reader, writer = await self.connect(source)
        writer.write(request)
        return await answer_from(reader)

    def connections(self) -> int:
        return len(self._state.connections)

    def has_answered(self, count: int) -> bool:
        return self._state.total_requests >= count

    def hang_up(self) -> None:
        for writer in self._writers:
            writer.close()


@asynccontextmanager
async def served(
    trusted_proxies: str | None = None, public_url: str | None = None, **limits: float
) -> AsyncIterator[Served]:
    server, listening = listen(app(), "127.0.0.1", 0, trusted_proxies, public_url=public_url)
    server.config.http = bounded_protocol(**limits)
    serving = asyncio.create_task(server.serve(sockets=[listening]))
    running = Served(listening.getsockname()[1], server)
    try:
        yield running
    finally:
        running.hang_up()
        server.leave()
        await serving


def post(*chunks: bytes, headers: bytes = b"", path: bytes = b"/length") -> bytes:
    head = b"POST " + path + b" HTTP/1.1\r\nhost: desk.example\r\n" + headers
    if headers:
        return head + b"\r\n" + b"".join(chunks)
    chunked = b"".join(b"%x\r\n%s\r\n" % (len(chunk), chunk) for chunk in (*chunks, b""))
    return head + b"transfer-encoding: chunked\r\n\r\n" + chunked


async def answer_from(reader: asyncio.StreamReader) -> bytes:
    """Return the next answer, whose length is stated, or which ends with the connection."""
    head = await reader.readuntil(b"\r\n\r\n")
    stated = [line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")]
    return head + (await reader.readexactly(int(stated[0][15:])) if stated else await reader.read())


async def is_closed(connection: Connection) -> bool:
    try:
        return await asyncio.wait_for(connection[0].read(), 0.05) == b""
    except (ConnectionError, TimeoutError) as error:
        return isinstance(error, ConnectionError)


async def test_a_body_whose_stated_length_is_too_large_is_refused_before_it_arrives() -> None:
    async with served() as server:
        answer = await server.ask(post(headers=b"content-length: %d\r\n" % (MAX_BODY_BYTES + 1)))
    assert answer.startswith(b"HTTP/1.1 413 ")
    assert b"larger than 1,048,576 bytes" in answer


async def test_a_chunked_body_that_is_too_large_is_refused() -> None:
    async with served() as server:
        answer = await server.ask(post(b"x" * MAX_BODY_BYTES, b"x"))
    assert answer.startswith(b"HTTP/1.1 413 ")
    assert b"larger than 1,048,576 bytes" in answer


async def test_a_body_of_the_largest_size_is_read() -> None:
    async with served() as server:
        assert (await server.ask(post(b"x" * MAX_BODY_BYTES))).endswith(b"1048576")


async def test_a_path_may_take_larger_bodies_up_to_its_own_limit() -> None:
    async with served() as server:
        taken = await server.ask(post(b"x" * 3 * MAX_BODY_BYTES, path=b"/long"))
        refused = await server.ask(post(b"x" * 3 * MAX_BODY_BYTES, b"x", path=b"/long"))
        announced = await server.ask(post(headers=b"content-length: 3145729\r\n", path=b"/long"))
        elsewhere = await server.ask(post(b"x" * MAX_BODY_BYTES, b"x", path=b"/length"))
    assert taken.endswith(b"3145728")
    assert [each.split(b" ")[1] for each in (refused, announced, elsewhere)] == [b"413"] * 3
    assert b"larger than 3,145,728 bytes" in refused


async def test_the_limit_of_a_path_is_also_that_of_what_is_below_it() -> None:
    announced = b"content-length: 3145728\r\n"
    async with served() as server:
        paths = (b"/long/below", b"/longer", b"/lon")
        below, longer, shorter = [await server.ask(post(headers=announced, path=each)) for each in paths]
    assert [each.split(b" ")[1] for each in (below, longer, shorter)] == [b"404", b"413", b"413"]


@pytest.mark.parametrize(
    "head",
    [
        b"GET /who HTTP/1.1\r\nhost: desk.example\r\nx: " + b"y" * MAX_HEAD_BYTES,
        b"GET /who HTTP/1.1\r\nhost: desk.example\r\n" + b"a:b\r\n" * 40_000,
        b"GET /who HTTP/1.1\nhost: desk.example\n" + b"a:b\n" * MAX_HEAD_LINES,
        b"GET /who?" + b"a&" * (MAX_FIRST_LINE_BYTES // 2) + b" HTTP/1.1\r\nhost: desk.example\r\n",
        b"GET /" + b"x" * 1_000_000,
        b"GET /who HTTP/1.1\r\nhost: desk.example\r\ncookie: " + b"a=b;" * 20_000,
    ],
)
async def test_a_request_with_a_large_head_is_refused_before_it_is_read(head: bytes) -> None:
    async with served() as server:
        began = time.process_time()
        for ending in (b"", b"\r\n\r\n"):
            assert (await server.ask(head + ending)).startswith(b"HTTP/1.1 400 ")
        assert time.process_time() - began < 0.2
        assert await server.ask(post(b"x")) != b""


async def test_a_large_head_is_refused_also_behind_another_request() -> None:
    async with served() as server:
        reader, writer = await server.connect()
        writer.write(HEAD + b"\r\n" + HEAD + b"a:b\r\n" * MAX_HEAD_LINES + b"\r\n")
        first, second = await answer_from(reader), await answer_from(reader)
    assert first.startswith(b"HTTP/1.1 200 ")
    assert second.startswith(b"HTTP/1.1 400 ")


async def test_a_request_with_a_head_of_a_usual_size_is_read() -> None:
    lines = b"".join(b"x-%d: %s\r\n" % (n, b"y" * 300) for n in range(MAX_HEAD_LINES - 3))
    async with served() as server:
        assert (await server.ask(HEAD + lines + b"\r\n")).startswith(b"HTTP/1.1 200 ")
        assert (await server.ask(HEAD + b"\r\n" + b"a\n" * 50_000)).startswith(b"HTTP/1.1 200 ")


async def test_refused_bodies_leave_a_line_in_the_log_once_a_minute() -> None:
    with structlog.testing.capture_logs() as lines:
        async with served() as server:
            for _ in range(3):
                await server.ask(post(headers=b"content-length: 3145729\r\n", path=b"/long"))
    assert [(line["event"], line["path"]) for line in lines] == [("http.body_refused", "/long")]


def counted() -> dict[str, float]:
    return {each: REGISTRY.get_sample_value("http_responses_total", {"status": each}) or 0.0 for each in CLASSES}


async def test_answers_are_counted_by_their_class_also_of_a_defect_but_not_those_to_probes() -> None:
    async with served() as server:
        before = counted()
        for path in (b"/who", b"/nowhere", b"/too-much", b"/defect", b"/metrics", b"/health/live"):
            await server.ask(HEAD.replace(b"/who", path) + b"connection: close\r\n\r\n")
        after = counted()
    assert {each: after[each] - before[each] for each in CLASSES} == {"2xx": 1, "3xx": 0, "4xx": 1, "429": 1, "5xx": 1}


@pytest.mark.parametrize("beginning", [b"", b"G", HEAD, post(headers=b"content-length: 9\r\n")])
async def test_an_incomplete_request_is_cut_off(beginning: bytes) -> None:
    async with served(request_seconds=0.2) as server:
        connection = await server.connect()
        connection[1].write(beginning)
        await eventually(lambda: is_closed(connection))


async def test_bytes_that_trickle_in_do_not_prolong_a_request() -> None:
    async with served(request_seconds=0.3) as server:
        connection = await server.connect()

        async def is_cut_off_after_another_byte() -> bool:
            connection[1].write(b"G")
            return await is_closed(connection)

        await eventually(is_cut_off_after_another_byte)


async def test_the_next_request_on_a_connection_has_a_deadline_too() -> None:
    async with served(request_seconds=0.3) as server:
        reader, writer = await server.connect()
        writer.write(HEAD + b"\r\n")
        assert (await reader.read(4_000)).startswith(b"HTTP/1.1 200 ")
        writer.write(b"GET /who")
        await eventually(lambda: is_closed((reader, writer)))


async def test_a_client_that_reads_nothing_is_cut_off() -> None:
    async with served(read_seconds=0.2) as server:
        reader, writer = await server.connect()
        reader._transport.pause_reading()  # type: ignore[attr-defined] # the stream would read ahead
        writer.write(b"GET /pages HTTP/1.1\r\nhost: desk.example\r\n\r\n")
        await eventually(lambda: server.has_answered(1) and not server.connections())


async def test_a_request_is_answered_while_others_hold_all_connections() -> None:
    async with served(max_connections=20) as server:
        held = [await server.connect() for _ in range(60)]
        for _, writer in held:
            writer.write(HEAD)
        assert (await server.ask(HEAD + b"\r\n")).startswith(b"HTTP/1.1 200 ")


async def test_half_a_request_makes_room_before_a_connection_that_idles() -> None:
    async with served(max_connections=3) as server:
        idle = await server.connect()
        idle[1].write(HEAD + b"\r\n")
        assert (await idle[0].read(4_000)).startswith(b"HTTP/1.1 200 ")
        half = await server.connect()
        half[1].write(HEAD)
        await asyncio.sleep(0.01)  # timers count milliseconds, so what came in the same one is equally old
        await server.connect()
        await server.connect()
        await eventually(lambda: is_closed(half))
        assert not await is_closed(idle)


async def unread(server: Served, path: bytes = b"/pages", source: str = "127.0.0.1") -> Connection:
    """Ask for a large page, and read nothing of it."""
    reader, writer = await server.connect(source)
    reader._transport.pause_reading()  # type: ignore[attr-defined] # the stream would read ahead
    writer.write(HEAD.replace(b"/who", path) + b"\r\n")
    return reader, writer


async def test_clients_that_read_nothing_keep_nobody_out() -> None:
    async with served(max_connections=20) as server:
        for _ in range(40):
            await unread(server)
        assert (await server.ask(HEAD + b"\r\n")).startswith(b"HTTP/1.1 200 ")


@pytest.mark.parametrize("path", [b"/pages", b"/many"])
async def test_a_client_that_reads_slowly_has_no_longer_than_one_that_reads_nothing(path: bytes) -> None:
    async with served(read_seconds=0.5) as server:
        reader, _ = await unread(server, path)

        async def is_cut_off_after_some_more() -> bool:
            reader._transport.resume_reading()  # type: ignore[attr-defined]
            await asyncio.sleep(0)
            reader._transport.pause_reading()  # type: ignore[attr-defined]
            await asyncio.sleep(0.05)
            return not server.connections()

        await eventually(is_cut_off_after_some_more)


async def test_the_network_with_most_connections_makes_room_for_another_one() -> None:
    async with served(max_connections=20) as server:
        first = await server.connect("127.0.0.2")
        first[1].write(HEAD)
        for _ in range(60):
            _, writer = await server.connect()
            writer.write(HEAD)
        first[1].write(b"\r\n")
        assert (await first[0].read(4_000)).startswith(b"HTTP/1.1 200 ")
        assert (await server.ask(HEAD + b"\r\n", "127.0.0.3")).startswith(b"HTTP/1.1 200 ")


async def test_connections_of_a_trusted_proxy_do_not_count_together() -> None:
    async with served("127.0.0.2", max_connections=40) as server:
        behind_proxy = [await server.connect("127.0.0.2") for _ in range(30)]
        for _ in range(60):
            await server.connect()
        assert not any([await is_closed(each) for each in behind_proxy])


async def test_unfinished_bodies_are_not_kept_beyond_their_limit() -> None:
    body = b"x" * (MAX_BODY_BYTES - 1)
    async with served(max_kept_bytes=5 * MAX_BODY_BYTES) as server:
        other = await server.connect("127.0.0.2")
        other[1].write(post(headers=b"content-length: %d\r\n" % MAX_BODY_BYTES) + body)
        halves = [await server.connect() for _ in range(8)]
        for _, writer in halves:
            writer.write(post(headers=b"content-length: %d\r\n" % MAX_BODY_BYTES) + body)
        await eventually(lambda: server.connections() <= 5)
        other[1].write(b"x")
        assert (await answer_from(other[0])).endswith(b"1048576")


async def test_unread_answers_are_not_kept_beyond_their_limit() -> None:
    async with served(max_kept_bytes=30_000_000) as server:
        for _ in range(5):
            await unread(server, b"/huge")
        await eventually(lambda: server.has_answered(5) and server.connections() <= 3, 20)


async def test_half_a_request_that_came_with_another_one_has_a_deadline_too() -> None:
    async with served(request_seconds=0.3) as server:
        connection = await server.connect()
        connection[1].write(HEAD + b"\r\n" + post(headers=b"content-length: 9\r\n") + b"x")
        await eventually(lambda: is_closed(connection), 10)


@pytest.mark.parametrize("chunk", [b"1\r\nx\r\n", b"1;" + b"x" * 9_000 + b"\r\nx\r\n"])
async def test_a_body_in_very_many_small_pieces_is_refused(chunk: bytes) -> None:
    head = b"POST /length HTTP/1.1\r\nhost: desk.example\r\ntransfer-encoding: chunked\r\n\r\n"
    async with served() as server:
        assert (await server.ask(head + 1_000 * chunk + b"0\r\n\r\n")).endswith(b"1000")
        assert (await server.ask(head + 1_001 * chunk + b"0\r\n\r\n")).startswith(b"HTTP/1.1 400 ")


@pytest.mark.parametrize("odd", [b"1;" + b"x" * 40_000, b"no number\r\n"])
async def test_a_body_that_is_no_http_is_refused_and_ends_the_connection(odd: bytes) -> None:
    head = b"POST /%s HTTP/1.1\r\nhost: desk.example\r\ntransfer-encoding: chunked\r\n\r\n"
    async with served() as server:
        assert (await server.ask(head % b"length" + odd)).startswith(b"HTTP/1.1 400 ")
        reader, writer = await server.connect()
        writer.write(head % b"nowhere")
        assert (await reader.read(4_000)).startswith(b"HTTP/1.1 404 ")
        writer.write(odd)
        await eventually(lambda: is_closed((reader, writer)))


async def test_a_client_that_waits_to_be_told_to_continue_is_told_so() -> None:
    async with served() as server:
        reader, writer = await server.connect()
        writer.write(post(headers=b"content-length: 2\r\nexpect: 100-continue\r\n"))
        assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 100 ")
        writer.write(b"xx")
        assert (await answer_from(reader)).endswith(b"2")


@pytest.mark.parametrize("protocol", [b"websocket", b"h2c"])
async def test_whoever_wants_another_protocol_gets_an_answer_in_http(protocol: bytes) -> None:
    async with served() as server:
        wish = b"connection: upgrade\r\nupgrade: " + protocol + b"\r\n\r\n"
        assert (await server.ask(HEAD + wish)).startswith(b"HTTP/1.1 200 ")


@pytest.mark.parametrize(("open_files", "connections"), [(256, 53), (64, 16), (1_024, MAX_CONNECTIONS)])
def test_a_process_that_may_open_few_files_takes_fewer_connections(open_files: int, connections: int) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (open_files, hard))
    try:
        assert bounded_protocol().max_connections == connections
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_a_port_in_use_is_named_with_its_variable() -> None:
    _, listening = listen(app(), "127.0.0.1", 0)
    with listening, pytest.raises(SettingsError, match=r"HTTP_PORT=[0-9]+: Address already in use"):
        listen(app(), "127.0.0.1", listening.getsockname()[1])


async def test_only_a_trusted_proxy_may_name_the_client() -> None:
    forwarded = HEAD + b"x-forwarded-for: 203.0.113.9\r\nx-forwarded-proto: https\r\n\r\n"
    async with served() as server:
        assert (await server.ask(forwarded)).endswith(b'{"client":"127.0.0.1","scheme":"http"}')
    async with served("10.0.0.0/8,127.0.0.1") as server:
        assert (await server.ask(forwarded)).endswith(b'{"client":"203.0.113.9","scheme":"https"}')


ANSWERS = {
    b"GET /who HTTP/1.1": 200,
    b"GET /metrics HTTP/1.1": 200,
    b"GET /health/live HTTP/1.1": 200,
    b"GET /nowhere HTTP/1.1": 404,
    b"POST /who HTTP/1.1": 405,
    b"TRACE /who HTTP/1.1": 405,
    b"POST /length HTTP/1.1\r\ncontent-length: 99999999": 413,
    b"GET /defect HTTP/1.1": 500,
    b"this is no request": 400,
}


@pytest.mark.parametrize(("request_line", "status"), ANSWERS.items())
async def test_every_answer_has_safe_headers_also_where_no_app_gives_it(request_line: bytes, status: int) -> None:
    async with served(public_url="https://desk.example") as server:
        answer = await server.ask(request_line + b"\r\nhost: desk.example\r\n\r\n")
    head = answer.partition(b"\r\n\r\n")[0].decode().lower()
    assert head.startswith(f"http/1.1 {status} ")
    for name, value in SAFE_HEADERS.items():
        assert head.count(f"{name}: {value}") == 1, name
    assert re.search(r"^content-type: (application/json|text/plain; .*charset=utf-8)\r?$", head, re.MULTILINE)
    assert (status == 400) or "strict-transport-security: max-age=31536000; includesubdomains" in head


async def test_a_body_in_chunks_is_not_measured_by_a_length_that_is_stated_beside_it() -> None:
    smuggled = b"GET /nowhere HTTP/1.1\r\nhost: desk.example\r\n\r\n"
    async with served() as server:
        answer = await server.ask(post(smuggled, b"x").replace(b"\r\n\r\n", b"\r\ncontent-length: 4\r\n\r\n", 1))
    assert answer.startswith(b"HTTP/1.1 200 ")
    assert answer.endswith(str(len(smuggled) + 1).encode())
    assert b"404" not in answer


async def test_over_plain_http_nothing_promises_tls() -> None:
    async with served(public_url="http://desk.example") as server:
        assert b"strict-transport" not in await server.ask(HEAD + b"\r\n")


async def test_a_path_with_another_slash_is_not_redirected_to_a_foreign_host() -> None:
    async with served() as server:
        answer = await server.ask(b"GET /who/ HTTP/1.1\r\nhost: evil.example\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 404 ")
    assert b"evil" not in answer
