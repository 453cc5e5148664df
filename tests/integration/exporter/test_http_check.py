"""The check of a connection of kind `http`, against servers that lack one thing after the other."""

import asyncio
import ssl
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from socket import SO_LINGER, SOL_SOCKET
from typing import Any

import pytest
import trustme
from pydantic import SecretStr

from sandbox.erp.faults import Calls, ErpFault, ErpFaultKind
from sandbox.erp.running import running_erp
from services.exporter.connectors.http import HttpConnector, HttpSettings
from services.exporter.connectors.protocol import ChecksItself
from services.exporter.connectors.types import Checked
from tests.integration.exporter.scripted_server import HANG, RESET, response_bytes, scripted_server

NOTHING = response_bytes(200, b'{"documents": []}')
TOKEN = SecretStr("s3cret")


@asynccontextmanager
async def connector(url: str, token: SecretStr | None = TOKEN, **more: Any) -> AsyncIterator[HttpConnector]:
    settings = {"name": "main", "kind": "http", "title": "Main books", "companies": ["co-1"], "url": url}
    settings |= {"token_env": "ERP_TOKEN", "timeout_seconds": 5} | more
    http = HttpConnector(HttpSettings.model_validate(settings), token)
    yield http
    await http.close()


async def check(url: str, token: SecretStr | None = TOKEN, **more: Any) -> tuple[Checked, ...]:
    async with connector(url, token, **more) as http:
        assert isinstance(http, ChecksItself)
        return await http.check()


async def problem(*responses: bytes, **more: Any) -> Checked:
    """The only problem that is found with a server that answers so."""
    async with scripted_server(*responses) as server:
        checks = await check(server.url, **more)
    assert all(each.problem is None for each in checks[:-1])
    return checks[-1]


async def test_an_erp_that_has_everything_has_no_problem_and_gets_no_document() -> None:
    async with running_erp(token=TOKEN) as erp:
        checks = await check(erp.url)

    assert checks == tuple(map(Checked, ("address", "token", "documents", "answer")))
    assert [entry.method for entry in erp.journal.entries] == ["GET"]


@pytest.mark.parametrize(
    ("response", "what", "said"),
    [
        (response_bytes(401, b'{"title": "No"}'), "token", "does not accept the token in ERP_TOKEN. Put a valid one"),
        (response_bytes(403), "token", "The token in ERP_TOKEN has no right to read documents. Give its user"),
        (response_bytes(404), "documents", "Main books has nothing at the address of this connection."),
        (response_bytes(404), "documents", "Correct the url of the connection (/documents is appended to it)."),
        (response_bytes(405), "documents", "Let Main books answer GET and POST"),
        (response_bytes(429), "documents", "takes no more calls for now; check again later."),
        (
            response_bytes(500, b"Oops"),
            "documents",
            "Oops (HTTP 500). Find out from the log of Main books why it failed",
        ),
        (response_bytes(503), "documents", "Find out from the log of Main books why it failed, mend that."),
        (
            response_bytes(302, b"", "Location: https://new.example/api/documents?t=s3cret"),
            "documents",
            "that is the ERP, set the url of the connection to https://new.example/api; if it is a page for signing in",
        ),
        (
            response_bytes(200, b"<html><body>Please sign in</body></html>"),
            "documents",
            "perhaps a page for people. It begins: Please sign in. Correct the url",
        ),
        (response_bytes(200, b""), "documents", "The answer is no JSON"),
        (response_bytes(200, b'{"items": []}'), "documents", "The answer is no list of documents"),
        (
            response_bytes(200, b'{"documents": [], "error": "No"}'),
            "documents",
            "The answer is no list of documents: No",
        ),
        (
            response_bytes(200, b'{"documents": [{"id": 1}, {"id": 2}]}'),
            "documents",
            "no commitment has found 2 documents. Let the ERP list only those with the reference that is asked for",
        ),
        (response_bytes(200, b"x" * 2_000_000), "documents", "The answer cannot be used: "),
        (RESET, "answer", "The connection was lost before an answer came"),
    ],
)
async def test_what_is_wrong_with_an_answer_is_said_with_what_to_do(response: bytes, what: str, said: str) -> None:
    found = await problem(response)

    assert found.what == what
    assert found.problem is not None
    assert said in found.problem
    assert "s3cret" not in found.problem
    assert "retry the export" not in found.problem


@pytest.mark.parametrize("scheme", ["http", "https"])
async def test_a_connection_that_is_reset_is_no_matter_of_the_firewall(scheme: str) -> None:
    async def reset(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        writer.get_extra_info("socket").setsockopt(SOL_SOCKET, SO_LINGER, struct.pack("ii", 1, 0))
        writer.close()

    async with await asyncio.start_server(reset, "127.0.0.1", 0) as server:
        checks = await check(f"{scheme}://127.0.0.1:{server.sockets[0].getsockname()[1]}")

    assert [each.what for each in checks] == ["address", "answer"]
    assert (checks[-1].problem or "").startswith(
        "The connection was lost before an answer came. See the log of the ERP."
    )


async def test_a_connection_without_a_token_is_told_to_name_one() -> None:
    found = await problem(response_bytes(401), token=None, token_env=None)

    assert found == Checked(
        "token",
        "The connection has no token. Name one in token_env or token_file. The ERP gave no reason (HTTP 401).",
    )


async def test_a_list_of_others_documents_is_fine() -> None:
    listed = response_bytes(200, b'{"documents": [{"id": 1, "reference": "c-1"}]}')

    assert (await problem(listed)).problem is None


async def test_an_erp_that_does_not_answer_in_time_is_named_so() -> None:
    found = await problem(HANG, timeout_seconds=0.3)

    assert found.problem is not None
    assert found.problem.startswith("No answer to a search within 0.3 seconds.")


async def test_an_answer_that_takes_most_of_its_time_is_slow() -> None:
    async with running_erp(token=TOKEN) as erp:
        erp.faults.switch_on(ErpFault(kind=ErpFaultKind.SLOW, calls=Calls.SEARCHES, seconds=1.2))
        checks = await check(erp.url, timeout_seconds=2)

    assert [each.what for each in checks if each.problem is None] == ["address", "token", "documents"]
    assert "of the 2 seconds that a call may take. Raise timeout_seconds" in (checks[-1].problem or "")


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])  # localhost often has two addresses, which are both tried
async def test_nothing_that_listens_is_told_from_a_name_that_is_not_known(host: str) -> None:
    (refused,) = await check(f"http://{host}:9")
    (unknown,) = await check("http://erp.invalid")

    assert refused.problem == (
        f"Nothing listens on {host}, port 9. Start the ERP, or correct the url. "
        f"In a container, {host} is the container: its machine is host.docker.internal."
    )
    assert unknown.problem == "The name erp.invalid is not known. Correct the url, or the DNS of this machine."


@pytest.mark.parametrize("url", ["http://erp.invalid", "https://erp.invalid"])
async def test_a_proxy_that_does_not_let_us_through_is_named_and_not_the_erp(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:9")

    (address,) = await check(url)

    assert address.problem is not None
    assert "erp.invalid cannot be reached through the proxy that HTTPS_PROXY, HTTP_PROXY" in address.problem
    async with running_erp(token=TOKEN) as erp:
        assert all(each.problem is None for each in await check(erp.url))


async def test_what_is_wrong_with_tls_is_said_with_what_to_do(tmp_path: Path) -> None:
    ca, other = trustme.CA(), trustme.CA()
    ca_file, other_file = tmp_path / "ca.pem", tmp_path / "other.pem"
    ca_file.write_bytes(ca.cert_pem.bytes())
    other_file.write_bytes(other.cert_pem.bytes())
    async with scripted_server(NOTHING, tls=server_context(ca)) as erp:
        trusted = await check(erp.url, ca_file=ca_file)
        untrusted = await check(erp.url, ca_file=other_file)
        misnamed = await check(erp.url.replace("127.0.0.1", "localhost"), ca_file=ca_file)
    async with scripted_server(NOTHING) as plain:
        not_tls = await check(plain.url.replace("http:", "https:"), ca_file=ca_file)

    assert [each.what for each in trusted if each.problem is None] == ["address", "TLS", "token", "documents", "answer"]
    assert "Name the file of its CA in ca_file" in said_of_tls(untrusted)
    assert said_of_tls(misnamed).startswith("The certificate is not for localhost.")
    assert "if it speaks no TLS there, correct the url" in said_of_tls(not_tls)


async def test_an_erp_that_asks_for_a_client_certificate_is_told_from_one_that_is_down(tmp_path: Path) -> None:
    ca = trustme.CA()
    (tmp_path / "ca.pem").write_bytes(ca.cert_pem.bytes())
    context = server_context(ca)
    ca.configure_trust(context)
    context.verify_mode = ssl.CERT_REQUIRED
    async with scripted_server(NOTHING, tls=context) as erp:
        checks = await check(erp.url, ca_file=tmp_path / "ca.pem")

    assert "client_certificate_file" in (checks[-1].problem or "")


def server_context(ca: trustme.CA) -> ssl.SSLContext:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    ca.issue_cert("127.0.0.1").configure_cert(context)
    return context


def said_of_tls(checks: tuple[Checked, ...]) -> str:
    address, tls = checks
    assert (address, tls.what) == (Checked("address"), "TLS")
    return tls.problem or ""
