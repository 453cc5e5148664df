"""Writes commitments to any ERP that speaks our documented HTTP contract, described in `http.openapi.yaml`."""

import asyncio
from typing import ClassVar
from urllib.parse import quote

import httpx2
from pydantic import Field, SecretStr

from schemas.fields import Url
from services.exporter.connectors.http_answers import read_found, read_written
from services.exporter.connectors.http_body import document_body
from services.exporter.connectors.protocol import ConnectionSettings
from services.exporter.connectors.types import FindAnswer, Transient, Unknown, WriteAnswer, WriteRequest

CONNECT_SECONDS = 5.0
KEEPALIVE_SECONDS = 2.0
"""Shorter than servers keep idle connections open, so that no write meets one that is just being closed."""

_NOT_SENT = (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.PoolTimeout, httpx2.ProxyError)
"""What happens before the first byte of a request leaves: refused, name not known, no TLS, no free connection."""


class HttpSettings(ConnectionSettings):
    """A connection of kind `http`."""

    url: Url = Field(description="Where the ERP answers; /documents follows.")
    enforces_reference: bool = Field(
        default=False, strict=True, description="The ERP refuses a second document with the same reference by itself."
    )


class HttpConnector:
    """One ERP behind `settings.url`, with `token` as its bearer token."""

    settings_type: ClassVar[type[ConnectionSettings]] = HttpSettings

    def __init__(self, settings: HttpSettings, token: SecretStr | None) -> None:
        self._settings = settings
        self._documents = f"{settings.url.rstrip('/')}/documents"
        self._client = httpx2.AsyncClient(
            headers={"Authorization": f"Bearer {token.get_secret_value()}"} if token else {},
            timeout=httpx2.Timeout(
                settings.timeout_seconds, connect=min(CONNECT_SECONDS, settings.timeout_seconds / 2)
            ),
            limits=httpx2.Limits(max_connections=settings.max_in_flight, keepalive_expiry=KEEPALIVE_SECONDS),
            trust_env=False,
        )

    @property
    def enforces_reference(self) -> bool:
        """Whether the ERP holds our reference as a unique key."""
        return self._settings.enforces_reference

    async def find(self, reference: str) -> FindAnswer:
        """Return every document that carries `reference`; asking changes nothing, so a lost answer is transient."""
        answer = await self._call("GET", f"{self._documents}?reference={quote(reference, safe='')}")
        return Transient(answer.message) if isinstance(answer, Unknown) else _found(answer, reference)

    async def create(self, request: WriteRequest) -> WriteAnswer:
        """Write the commitment's first document."""
        answer = await self._call("POST", self._documents, request)
        return read_written(answer) if isinstance(answer, httpx2.Response) else answer

    async def update(self, document_id: str, request: WriteRequest) -> WriteAnswer:
        """Replace the content of the commitment's document."""
        answer = await self._call("PUT", f"{self._documents}/{quote(document_id, safe='')}", request)
        return read_written(answer) if isinstance(answer, httpx2.Response) else answer

    async def close(self) -> None:
        """Give network connections back."""
        await self._client.aclose()

    async def _call(
        self, method: str, url: str, request: WriteRequest | None = None
    ) -> httpx2.Response | Transient | Unknown:
        """The ERP's answer in full, however it reads; the deadline covers the call from its first to its last byte."""
        content = document_body(request) if request else None
        headers = _headers(request) if request else {}
        try:
            async with asyncio.timeout(self._settings.timeout_seconds):
                return await self._client.request(method, url, content=content, headers=headers)
        except _NOT_SENT as error:
            return Transient(f"The ERP could not be reached ({type(error).__name__}).")
        except TimeoutError:
            return Unknown(f"The ERP did not answer {method} within {self._settings.timeout_seconds:g} seconds.")
        except httpx2.HTTPError as error:
            return Unknown(f"The ERP's answer to {method} was lost ({type(error).__name__}).")


def _found(answer: httpx2.Response | Transient, reference: str) -> FindAnswer:
    return answer if isinstance(answer, Transient) else read_found(answer, reference)


def _headers(request: WriteRequest) -> dict[str, str]:
    headers = {"Content-Type": "application/json", "Idempotency-Key": quote(request.marker, safe="/")}
    return headers | ({"traceparent": request.traceparent} if request.traceparent else {})
