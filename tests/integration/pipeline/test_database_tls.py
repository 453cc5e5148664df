"""TLS to PostgreSQL, turned on as docs/operations.md says: no way back to plain text, and no server of another CA."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import trustme
from pydantic import SecretStr
from sqlalchemy import text

from services.pipeline.database import Database

SSL_REQUEST_BYTES = 8
VERIFIED = "?ssl=verify-full"


@asynccontextmanager
async def encrypted_server(authority: trustme.CA, greeted: list[bytes]) -> AsyncIterator[str]:
    """A server that does as PostgreSQL with TLS until it is spoken to; what it then hears goes to `greeted`."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(context)

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await reader.readexactly(SSL_REQUEST_BYTES)
            writer.write(b"S")
            await writer.start_tls(context)
            greeted.append(await reader.read(100))
        except (OSError, ssl.SSLError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield f"postgresql://us:secret@localhost:{server.sockets[0].getsockname()[1]}/db{VERIFIED}"


async def failure(url: str) -> str:
    """Return why no statement can be run at `url`; empty if one can."""
    database = Database(SecretStr(url), application_name="tests")
    try:
        async with database.begin() as db:
            await db.execute(text("select 1"))
    except Exception as error:  # noqa: BLE001 - of several libraries, and read by the test
        return f"{type(error).__name__}: {error}"
    finally:
        await database.close()
    return ""


def trust(authority: trustme.CA, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    authority.cert_pem.write_to_path(str(folder / "ca.pem"))
    monkeypatch.setenv("PGSSLROOTCERT", str(folder / "ca.pem"))


async def test_where_tls_is_demanded_nothing_is_said_in_plain_text(
    database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trust(trustme.CA(), tmp_path, monkeypatch)
    assert await failure(database_url) == ""
    assert "SSL" in await failure(f"{database_url}{VERIFIED}")


async def test_a_server_of_another_ca_hears_nothing_and_one_of_ours_does(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ours, another = trustme.CA(), trustme.CA()
    trust(ours, tmp_path, monkeypatch)
    heard: list[bytes] = []
    async with encrypted_server(another, heard) as url:
        assert "CERTIFICATE_VERIFY_FAILED" in await failure(url)
    assert heard == []
    async with encrypted_server(ours, heard) as url:
        assert "CERTIFICATE_VERIFY_FAILED" not in await failure(url)
    assert heard[0]
