"""Calls the API of Lambda ERP; the calls that answer one question of the exporter share its deadline."""

import asyncio
from collections.abc import Mapping
from datetime import datetime
from typing import Any
from urllib.parse import quote, urlencode

import httpx2
import orjson
from pydantic import SecretStr

from services.exporter.connectors.http_call import HttpCalls
from services.exporter.connectors.tls import TlsSettings
from services.exporter.connectors.types import Transient, Unknown
from services.pipeline.bounded_answer import ASK_UNPACKED


class Calls:
    """The calls of one connection."""

    def __init__(self, settings: TlsSettings, url: str, token: SecretStr | None) -> None:
        self._url = f"{url.rstrip('/')}/api"
        self._seconds = settings.timeout_seconds
        authorization = {"Authorization": f"Bearer {token.get_secret_value()}"} if token else {}
        self._calls = HttpCalls(settings, ASK_UNPACKED | authorization)

    @property
    def certificate_expires_at(self) -> datetime | None:
        """Until when the certificate is valid that the ERP last showed; None without TLS, or before a call."""
        return self._calls.certificate_expires_at

    def deadline(self) -> float:
        """Return when calls for a question that is asked now must have ended, in the event loop's time."""
        return asyncio.get_running_loop().time() + self._seconds

    async def read(
        self, until: float, *path: str, params: Mapping[str, str] | None = None
    ) -> httpx2.Response | Transient:
        """Return the complete response; a lost answer is transient, since reading changes nothing."""
        query = f"?{urlencode(params)}" if params else ""
        answer = await self._calls.send("GET", f"{self._address(path)}{query}", deadline=until)
        return Transient(answer.message, is_reached=answer.is_reached) if isinstance(answer, Unknown) else answer

    async def write(
        self, until: float, method: str, *path: str, body: Mapping[str, Any]
    ) -> httpx2.Response | Transient | Unknown:
        """Return the complete response, whatever its status."""
        headers = {"Content-Type": "application/json"}
        return await self._calls.send(
            method, self._address(path), content=orjson.dumps(body), headers=headers, deadline=until
        )

    async def close(self) -> None:
        """Close network connections."""
        await self._calls.close()

    def _address(self, path: tuple[str, ...]) -> str:
        return "/".join((self._url, *(quote(part, safe="") for part in path)))
