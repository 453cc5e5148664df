"""Conformance: a request that never reached the ERP has stored nothing, and is tried again."""

import socket
import ssl

from services.exporter.connector_tests.bench import Bench, bench_at, on_bench
from services.exporter.connector_tests.dialect import Dialect
from services.exporter.connector_tests.expectations import expect, expect_answer
from services.exporter.connector_tests.faulty_server import HOST, Exchange, faulty_server
from services.exporter.connector_tests.surroundings import impostors_certificate, trusted_certificate
from services.exporter.connectors.types import Transient

UNKNOWN_HOST = "no-such-host.invalid"


async def expect_not_sent(bench: Bench, because: str) -> None:
    """Fail unless each call says that it stored nothing and did not reach the ERP."""
    for answer in (await bench.create(), await bench.update("1001"), await bench.find()):
        transient = expect_answer(answer, Transient, f"{because}, so nothing can have been stored")
        expect(not transient.is_reached, f"The ERP was not reached, since {because}.")


class NotSentTests:
    """An ERP that cannot be reached."""

    dialect: Dialect

    @on_bench()
    async def test_a_refused_connection_is_transient(self, bench: Bench) -> None:
        """An ERP that is being restarted is no reason to doubt."""
        with socket.create_server((HOST, 0)) as listener:
            port = listener.getsockname()[1]
        async with bench_at(bench, f"{self.dialect.scheme}://{HOST}:{port}") as unreachable:
            await expect_not_sent(unreachable, "the connection was refused")

    @on_bench()
    async def test_an_unknown_host_is_transient(self, bench: Bench) -> None:
        """A name server that fails is no reason to doubt."""
        async with bench_at(bench, bench.server.url.replace(HOST, UNKNOWN_HOST)) as unreachable:
            await expect_not_sent(unreachable, "there is no such host")

    @on_bench()
    async def test_a_server_that_speaks_no_tls_is_transient(self, bench: Bench) -> None:
        """Where TLS was asked for, nothing goes out in the clear."""
        bench.server.on_accept = _greet_in_the_clear
        if self.dialect.uses_tls:
            url = bench.server.url.replace(f"{self.dialect.scheme}:", f"{self.dialect.tls_scheme}:")
            async with bench_at(bench, url) as unreachable:
                await expect_not_sent(unreachable, "the server speaks no TLS")
        expect(not bench.server.received, "The server got a request in the clear.")

    @on_bench()
    async def test_a_certificate_that_nobody_vouches_for_gets_no_request(self, bench: Bench) -> None:
        """Whoever answers in the ERP's place gets neither token nor commitment."""
        await _expect_nothing_for(bench, impostors_certificate(HOST), "nobody vouches for the certificate")

    @on_bench()
    async def test_a_certificate_of_another_host_gets_no_request(self, bench: Bench) -> None:
        """A certificate that is right for somebody else proves nothing."""
        await _expect_nothing_for(bench, trusted_certificate("erp.example.com"), "the certificate is another host's")


async def _expect_nothing_for(bench: Bench, certificate: ssl.SSLContext, because: str) -> None:
    dialect = bench.server.dialect
    async with faulty_server(dialect, certificate) as impostor:
        if dialect.uses_tls:
            async with bench_at(bench, impostor.url) as unreachable:
                await expect_not_sent(unreachable, because)
        expect(not impostor.received, f"The server got a request, though {because}.")


async def _greet_in_the_clear(exchange: Exchange) -> None:
    await exchange.send(b"220 ready\r\n")
    exchange.cut()
