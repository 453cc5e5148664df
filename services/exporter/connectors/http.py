"""The `http` connector: writes to any ERP that implements the HTTP contract in `http.openapi.yaml`."""

from typing import ClassVar
from urllib.parse import quote

import httpx2
from pydantic import Field, SecretStr

from schemas.fields import Url
from services.exporter.connectors.http_call import HttpCalls
from services.exporter.connectors.http_request import request_body, request_headers
from services.exporter.connectors.http_response import find_answer, update_answer, write_answer
from services.exporter.connectors.protocol import ConnectionSettings
from services.exporter.connectors.tls import TlsSettings
from services.exporter.connectors.types import FindAnswer, Transient, Unknown, WriteAnswer, WriteRequest
from services.pipeline.bounded_answer import ASK_UNPACKED


class HttpSettings(TlsSettings):
    """A connection of kind `http`."""

    url: Url = Field(description="Base address of the ERP; /documents is appended.")
    enforces_reference: bool = Field(
        default=False, strict=True, description="The ERP itself refuses a second document with the same reference."
    )


class HttpConnector:
    """One ERP at `settings.url`, called with `token` as bearer token."""

    settings_type: ClassVar[type[ConnectionSettings]] = HttpSettings

    def __init__(self, settings: HttpSettings, token: SecretStr | None) -> None:
        self._settings = settings
        self._documents = f"{settings.url.rstrip('/')}/documents"
        authorization = {"Authorization": f"Bearer {token.get_secret_value()}"} if token else {}
        self._calls = HttpCalls(settings, ASK_UNPACKED | authorization)

    @property
    def enforces_reference(self) -> bool:
        """Whether the ERP itself refuses a second document with the same reference."""
        return self._settings.enforces_reference

    async def find(self, reference: str) -> FindAnswer:
        """Return every document with this reference; a lost answer is transient, since a search changes nothing."""
        response = await self._call("GET", f"{self._documents}?reference={quote(reference, safe='')}")
        if isinstance(response, Unknown):
            return Transient(response.message)
        return find_answer(response, reference) if isinstance(response, httpx2.Response) else response

    async def create(self, request: WriteRequest) -> WriteAnswer:
        """Write the commitment's first document."""
        response = await self._call("POST", self._documents, request)
        return write_answer(response) if isinstance(response, httpx2.Response) else response

    async def update(self, document_id: str, request: WriteRequest) -> WriteAnswer:
        """Replace the content of the commitment's document."""
        response = await self._call("PUT", f"{self._documents}/{quote(document_id, safe='')}", request)
        return update_answer(response) if isinstance(response, httpx2.Response) else response

    async def close(self) -> None:
        """Close network connections."""
        await self._calls.close()

    async def _call(
        self, method: str, url: str, request: WriteRequest | None = None
    ) -> httpx2.Response | Transient | Unknown:
        content = request_body(request) if request else None
        headers = request_headers(request) if request else {}
        return await self._calls.send(method, url, content=content, headers=headers)
