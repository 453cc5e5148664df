"""The `http` connector against TLS servers with certificates of a private CA, and behind a proxy."""

import ssl
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from traceback import format_exception

import pytest
import trustme
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    PrivateFormat,
    load_pem_private_key,
)

from services.exporter.connectors.http import HttpConnector, HttpSettings
from services.exporter.connectors.protocol import ShowsCertificate
from services.exporter.connectors.types import Transient
from services.pipeline.errors import SettingsError
from tests.integration.exporter.scripted_server import ScriptedServer, response_bytes, scripted_server

NOTHING = response_bytes(200, b'{"documents": []}')


@dataclass
class Books:
    """An ERP with a certificate of a private CA, and the files that it has given us."""

    ca: trustme.CA
    folder: Path

    def server_context(self, *, asks_for_client: bool = False) -> ssl.SSLContext:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        self.ca.issue_cert("127.0.0.1").configure_cert(context)
        if asks_for_client:
            self.ca.configure_trust(context)
            context.verify_mode = ssl.CERT_REQUIRED
        return context

    def saved(self, name: str, content: bytes) -> Path:
        path = self.folder / name
        path.write_bytes(content)
        return path

    @property
    def ca_file(self) -> Path:
        return self.saved("ca.pem", self.ca.cert_pem.bytes())


@pytest.fixture
def books(tmp_path: Path) -> Books:
    return Books(trustme.CA(), tmp_path)


@pytest.fixture
def client(books: Books) -> trustme.LeafCert:
    return books.ca.issue_cert("countersign@example.com")


@asynccontextmanager
async def connector(url: str, **files: Path | None) -> AsyncIterator[HttpConnector]:
    settings = HttpSettings.model_validate(
        {"name": "main", "kind": "http", "title": "Main", "companies": ["co-1"], "url": url, "timeout_seconds": 5}
        | files
    )
    http = HttpConnector(settings, None)
    yield http
    await http.close()


async def test_an_erp_with_a_certificate_of_a_private_ca_is_not_trusted_by_default(books: Books) -> None:
    async with scripted_server(NOTHING, tls=books.server_context()) as erp, connector(erp.url) as http:
        answer = await http.find("c-1")

    assert isinstance(answer, Transient)
    assert not answer.is_reached
    assert erp.received == []


async def test_an_erp_with_a_certificate_of_a_private_ca_is_trusted_through_ca_file(books: Books) -> None:
    async with (
        scripted_server(NOTHING, tls=books.server_context()) as erp,
        connector(erp.url, ca_file=books.ca_file) as http,
    ):
        assert await http.find("c-1") == ()


async def test_the_expiry_of_the_certificate_that_the_erp_showed_is_known_after_a_call(books: Books) -> None:
    expires_at = datetime.now(UTC).replace(microsecond=0) + timedelta(days=9)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    books.ca.issue_cert("127.0.0.1", not_after=expires_at).configure_cert(context)
    async with scripted_server(NOTHING, tls=context) as erp, connector(erp.url, ca_file=books.ca_file) as http:
        before = http.certificate_expires_at
        await http.find("c-1")
        assert (before, http.certificate_expires_at) == (None, expires_at)
        assert isinstance(http, ShowsCertificate)


async def test_an_erp_without_tls_shows_no_certificate() -> None:
    async with scripted_server(NOTHING) as erp, connector(erp.url) as http:
        assert await http.find("c-1") == ()
        assert http.certificate_expires_at is None


async def test_another_ca_is_not_trusted_through_ca_file(books: Books) -> None:
    other = books.saved("other.pem", trustme.CA().cert_pem.bytes())
    async with scripted_server(NOTHING, tls=books.server_context()) as erp, connector(erp.url, ca_file=other) as http:
        assert isinstance(await http.find("c-1"), Transient)


async def test_an_erp_under_another_name_than_its_certificates_is_not_trusted(books: Books) -> None:
    async with (
        scripted_server(NOTHING, tls=books.server_context()) as erp,
        connector(erp.url.replace("127.0.0.1", "localhost"), ca_file=books.ca_file) as http,
    ):
        assert isinstance(await http.find("c-1"), Transient)


async def test_a_private_ca_is_trusted_through_the_variable_of_the_system(
    books: Books, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(books.ca_file))
    async with scripted_server(NOTHING, tls=books.server_context()) as erp, connector(erp.url) as http:
        assert await http.find("c-1") == ()


async def test_we_identify_ourselves_with_a_client_certificate(books: Books, client: trustme.LeafCert) -> None:
    certificate = books.saved("client.pem", client.cert_chain_pems[0].bytes())
    key = books.saved("client.key", client.private_key_pem.bytes())
    both = books.saved("both.pem", client.private_key_and_cert_chain_pem.bytes())
    encrypted = books.saved("encrypted.key", _encrypted(client.private_key_pem.bytes(), b"s3cret"))
    password = books.saved("password", b"s3cret\n")
    async with scripted_server(NOTHING, tls=books.server_context(asks_for_client=True)) as erp:
        async with connector(erp.url, ca_file=books.ca_file) as http:
            assert isinstance(await http.find("c-1"), Transient)
        for files in (
            {"client_certificate_file": certificate, "client_key_file": key},
            {"client_certificate_file": both},
            {
                "client_certificate_file": certificate,
                "client_key_file": encrypted,
                "client_key_password_file": password,
            },
        ):
            async with connector(erp.url, ca_file=books.ca_file, **files) as http:
                assert await http.find("c-1") == ()


def test_files_that_cannot_be_used_are_named(books: Books, client: trustme.LeafCert) -> None:
    certificate = books.saved("client.pem", client.cert_chain_pems[0].bytes())
    encrypted = books.saved("encrypted.key", _encrypted(client.private_key_pem.bytes(), b"s3cret"))
    others_key = books.saved("other.key", books.ca.issue_cert("other@example.com").private_key_pem.bytes())
    missing, garbage = books.folder / "missing.pem", books.saved("garbage.pem", b"-----BEGIN NOTHING-----")
    wrong = books.saved("wrong", b"")
    for files, message in (
        ({"ca_file": missing}, "ca_file: .*missing.pem cannot be read: No such file"),
        ({"ca_file": books.folder}, "ca_file: .* cannot be read: Is a directory"),
        ({"ca_file": garbage}, "ca_file: .*garbage.pem contains no certificate"),
        ({"client_certificate_file": missing}, "client_certificate_file: .* cannot be read"),
        ({"client_certificate_file": certificate}, "client_certificate_file: .* cannot be used"),
        ({"client_certificate_file": certificate, "client_key_file": missing}, "client_key_file: .* cannot be read"),
        ({"client_certificate_file": certificate, "client_key_file": garbage}, "client_key_file: .* cannot be used"),
        ({"client_certificate_file": certificate, "client_key_file": others_key}, "key is not that of"),
        ({"client_certificate_file": certificate, "client_key_file": encrypted}, "client_key_password_file holds"),
        (
            {
                "client_certificate_file": certificate,
                "client_key_file": encrypted,
                "client_key_password_file": wrong,
            },
            "client_key_file: .* cannot be used",
        ),
        ({"client_key_file": others_key}, "give client_certificate_file as well"),
    ):
        with pytest.raises((SettingsError, ValueError), match=message):
            HttpConnector(
                HttpSettings.model_validate(
                    {"name": "m", "kind": "http", "title": "M", "companies": ["co-1"], "url": "https://erp.example.com"}
                    | files
                ),
                None,
            )


@pytest.fixture
def no_proxies(monkeypatch: pytest.MonkeyPatch) -> Iterator[pytest.MonkeyPatch]:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)
    return monkeypatch


async def test_the_proxy_that_the_system_names_is_used_except_for_what_no_proxy_names(
    no_proxies: pytest.MonkeyPatch,
) -> None:
    async with scripted_server(response_bytes(502)) as proxy, scripted_server(NOTHING) as erp:
        no_proxies.setenv("HTTPS_PROXY", proxy.url)
        no_proxies.setenv("HTTP_PROXY", proxy.url)
        async with connector("https://erp.invalid") as http:
            assert isinstance(await http.find("c-1"), Transient)
        async with connector("http://erp.invalid") as http:
            assert isinstance(await http.find("c-1"), Transient)
        assert _first_lines(proxy) == [b"CONNECT erp.invalid:443", b"GET http://erp.invalid/documents?reference=c-1"]

        async with connector(erp.url) as http:
            assert await http.find("c-1") == ()
        no_proxies.setenv("NO_PROXY", "erp.invalid")
        async with connector("https://erp.invalid") as http:
            assert isinstance(await http.find("c-1"), Transient)
        assert len(proxy.received) == 2


def test_a_proxy_that_cannot_be_used_is_named(no_proxies: pytest.MonkeyPatch) -> None:
    no_proxies.setenv("HTTPS_PROXY", "gopher://proxy.example.com")
    with pytest.raises(SettingsError, match="HTTPS_PROXY"):
        HttpConnector(
            HttpSettings(name="m", kind="http", title="M", companies=("co-1",), url="https://erp.example.com"), None
        )


@pytest.mark.parametrize("password", ["hunter2#4711", "hunter2/4711", "hunter2@4711:x", "hunter2?4711"])
def test_a_proxy_that_cannot_be_used_keeps_its_password(no_proxies: pytest.MonkeyPatch, password: str) -> None:
    settings = HttpSettings(name="m", kind="http", title="M", companies=("co-1",), url="https://erp.example.com")
    for scheme in ("http", "gopher"):
        no_proxies.setenv("HTTPS_PROXY", f"{scheme}://kim:{password}@proxy.example.com:port")
        with pytest.raises(SettingsError, match=r"percent-encoded\.$") as raised:
            HttpConnector(settings, None)
        assert "hunter" not in str(raised.value)
        assert "4711" not in "".join(format_exception(raised.value))


def _first_lines(server: ScriptedServer) -> list[bytes]:
    return [request.partition(b" HTTP/1.1")[0] for request in server.received]


def _encrypted(key: bytes, password: bytes) -> bytes:
    private = load_pem_private_key(key, None)
    return private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(password))
