"""Calls the API of Lambda ERP, and tells apart whether a call was not sent, was answered, or lost its answer."""

import asyncio
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

import httpx2
import orjson
from pydantic import SecretStr

from schemas.fields import FailureClass
from services.exporter.connectors.tls import TlsSettings, tls_context
from services.exporter.connectors.types import Refused, Transient, Unknown
from services.pipeline.bounded_answer import ASK_UNPACKED, AnswerTooLargeError, bound_answer
from services.pipeline.errors import SettingsError

CONNECT_SECONDS = 5.0
KEEPALIVE_SECONDS = 2.0
"""Shorter than uvicorn, which runs the ERP, keeps idle connections open."""

_NOT_SENT = (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.PoolTimeout, httpx2.ProxyError)
_WITHOUT_PROXY: dict[str, None] = {"all://localhost": None, "all://127.0.0.1": None, "all://[::1]": None}


class Calls:
    """The calls of one connection; those that answer one question of the exporter share its deadline."""

    def __init__(self, settings: TlsSettings, url: str, token: SecretStr | None) -> None:
        self._url = f"{url.rstrip('/')}/api"
        self._seconds = settings.timeout_seconds
        self._client = _client(settings, token)

    def deadline(self) -> float:
        """Return when calls for a question that is asked now must have ended, in the event loop's time."""
        return asyncio.get_running_loop().time() + self._seconds

    async def read(
        self, until: float, *path: str, params: Mapping[str, str] | None = None
    ) -> httpx2.Response | Transient:
        """Return the complete response; a lost answer is transient, since reading changes nothing."""
        answer = await self._call(until, "GET", path, params=params)
        return Transient(answer.message, is_reached=answer.is_reached) if isinstance(answer, Unknown) else answer

    async def write(
        self, until: float, method: str, *path: str, body: Mapping[str, Any]
    ) -> httpx2.Response | Transient | Unknown:
        """Return the complete response, whatever its status."""
        return await self._call(until, method, path, content=orjson.dumps(body))

    async def close(self) -> None:
        """Close network connections."""
        await self._client.aclose()

    async def _call(
        self,
        until: float,
        method: str,
        path: tuple[str, ...],
        params: Mapping[str, str] | None = None,
        content: bytes | None = None,
    ) -> httpx2.Response | Transient | Unknown:
        url = "/".join((self._url, *(quote(part, safe="") for part in path)))
        headers = {"Content-Type": "application/json"} if content else {}
        try:
            async with asyncio.timeout_at(until):
                return await self._client.request(method, url, params=params, content=content, headers=headers)
        except _NOT_SENT as error:
            return Transient(f"Lambda ERP could not be reached ({type(error).__name__}).")
        except TimeoutError:
            return Unknown(f"Lambda ERP did not answer {method} within {self._seconds:g} seconds.")
        except AnswerTooLargeError as error:
            message = f"Lambda ERP's answer to {method} cannot be used: {error}."
            return Unknown(message, Refused(FailureClass.FIX_SETUP, message), is_reached=True)
        except httpx2.HTTPError as error:
            return Unknown(f"Lambda ERP's answer to {method} was lost ({type(error).__name__}).")


def _client(settings: TlsSettings, token: SecretStr | None) -> httpx2.AsyncClient:
    verify = tls_context(settings)
    try:
        return httpx2.AsyncClient(
            headers=ASK_UNPACKED | ({"Authorization": f"Bearer {token.get_secret_value()}"} if token else {}),
            event_hooks={"response": [bound_answer]},
            timeout=httpx2.Timeout(
                settings.timeout_seconds, connect=min(CONNECT_SECONDS, settings.timeout_seconds / 2)
            ),
            limits=httpx2.Limits(max_connections=settings.max_in_flight, keepalive_expiry=KEEPALIVE_SECONDS),
            verify=verify,
            mounts=_WITHOUT_PROXY,
        )
    except (ImportError, ValueError, httpx2.InvalidURL) as error:
        raise SettingsError(f"HTTPS_PROXY, HTTP_PROXY or ALL_PROXY cannot be used: {error}") from error
