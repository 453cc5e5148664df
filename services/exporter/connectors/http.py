"""The `http` connector: writes to any ERP that implements the HTTP contract in `http.openapi.yaml`."""

from datetime import datetime
from typing import ClassVar
from urllib.parse import quote

import httpx2
from pydantic import Field, SecretStr

from schemas.fields import Url
from services.exporter.connectors.http_call import HttpCalls
from services.exporter.connectors.http_check import checked
from services.exporter.connectors.http_copy import copy_answer, numbered_answer
from services.exporter.connectors.http_failure import HttpFailures
from services.exporter.connectors.http_request import request_body, request_headers
from services.exporter.connectors.http_response import find_answer, update_answer, write_answer
from services.exporter.connectors.protocol import ConnectionSettings
from services.exporter.connectors.tls import TlsSettings
from services.exporter.connectors.types import (
    Checked,
    FindAnswer,
    Gone,
    ReadAnswer,
    Transient,
    Unknown,
    WriteAnswer,
    WriteRequest,
)
from services.pipeline.bounded_answer import ASK_UNPACKED


class HttpSettings(TlsSettings):
    """A connection of kind `http`."""

    url: Url = Field(description="Base address of the ERP; /documents is appended.")
    enforces_reference: bool = Field(
        default=False, strict=True, description="The ERP itself refuses a second document with the same reference."
    )
    reads_documents: bool = Field(
        default=False, strict=True, description="The ERP shows a document by its id and by its number."
    )


class HttpConnector:
    """One ERP at `settings.url`, called with `token` as bearer token."""

    settings_type: ClassVar[type[ConnectionSettings]] = HttpSettings

    def __init__(self, settings: HttpSettings, token: SecretStr | None) -> None:
        self._settings = settings
        self._failures = HttpFailures(settings.failure, settings.title)
        self._documents = f"{settings.url.rstrip('/')}/documents"
        authorization = {"Authorization": f"Bearer {token.get_secret_value()}"} if token else {}
        self._calls = HttpCalls(settings, ASK_UNPACKED | authorization)

    @property
    def enforces_reference(self) -> bool:
        """Whether the ERP itself refuses a second document with the same reference."""
        return self._settings.enforces_reference

    @property
    def can_read(self) -> bool:
        """Whether the ERP shows a document by its id and by its number."""
        return self._settings.reads_documents

    @property
    def certificate_expires_at(self) -> datetime | None:
        """Until when the certificate is valid that the ERP last showed; None without TLS, or before a call."""
        return self._calls.certificate_expires_at

    async def find(self, reference: str) -> FindAnswer:
        """Return every document with this reference; a lost answer is transient, since a search changes nothing."""
        response = await self._get(f"{self._documents}?reference={quote(reference, safe='')}")
        return find_answer(response, reference, self._failures) if isinstance(response, httpx2.Response) else response

    async def create(self, request: WriteRequest) -> WriteAnswer:
        """Write the commitment's first document."""
        response = await self._call("POST", self._documents, request)
        if not isinstance(response, httpx2.Response):
            return response
        return write_answer(response, self._failures, request.commitment.number)

    async def update(self, document_id: str, request: WriteRequest) -> WriteAnswer:
        """Replace the content of the commitment's document."""
        response = await self._call("PUT", f"{self._documents}/{quote(document_id, safe='')}", request)
        if not isinstance(response, httpx2.Response):
            return response
        return update_answer(response, self._failures, request.commitment.number)

    async def check(self) -> tuple[Checked, ...]:
        """Reach the ERP, sign in, and search for a reference that no commitment has; up to the first problem."""
        return await checked(self._calls.client, self._settings, self._documents, self._failures)

    async def read(self, name: str) -> ReadAnswer:
        """Return the document with this id, or else with this number; a lost answer is transient."""
        by_id = await self._get(f"{self._documents}/{quote(name, safe='')}")
        answer = copy_answer(by_id, self._failures) if isinstance(by_id, httpx2.Response) else by_id
        if not isinstance(answer, Gone):
            return answer
        numbered = await self._get(f"{self._documents}?number={quote(name, safe='')}")
        if not isinstance(numbered, httpx2.Response):
            return numbered
        return numbered_answer(numbered, name, self._failures)

    async def close(self) -> None:
        """Close network connections."""
        await self._calls.close()

    async def _get(self, url: str) -> httpx2.Response | Transient:
        response = await self._call("GET", url)
        if isinstance(response, Unknown):
            return Transient(response.message, is_reached=response.is_reached)
        return response

    async def _call(
        self, method: str, url: str, request: WriteRequest | None = None
    ) -> httpx2.Response | Transient | Unknown:
        content = request_body(request) if request else None
        headers = request_headers(request) if request else {}
        return await self._calls.send(method, url, content=content, headers=headers)
