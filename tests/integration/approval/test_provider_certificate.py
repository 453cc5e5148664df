"""Approval shows until when the certificate of the sign-in provider is valid."""

import asyncio
import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import trustme
from prometheus_client import REGISTRY

from services.approval.identity.sign_in.errors import ProviderUnavailableError
from services.approval.identity.sign_in.provider import Provider

EXPIRES_AT = datetime.now(UTC).replace(microsecond=0) + timedelta(days=10)


async def refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.readuntil(b"\r\n\r\n")
    writer.write(b"HTTP/1.1 503 Away\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")
    writer.close()


async def test_the_certificate_of_a_provider_is_shown_whatever_it_answers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ca, context = trustme.CA(), ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    ca.issue_cert("localhost", not_after=EXPIRES_AT).configure_cert(context)
    ca.cert_pem.write_to_path(tmp_path / "ca.pem")
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
    async with await asyncio.start_server(refuse, "127.0.0.1", 0, ssl=context) as server:
        provider = Provider(f"https://localhost:{server.sockets[0].getsockname()[1]}", leeway_seconds=0)
        with pytest.raises(ProviderUnavailableError):
            await provider.count_keys()
        await provider.close()

    shown = REGISTRY.get_sample_value("server_certificate_expiry_timestamp_seconds", {"server": "sign_in"})
    assert shown == EXPIRES_AT.timestamp()
