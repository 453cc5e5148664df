"""Calls an ERP over HTTP: the response whatever its status, or that nothing was sent, or that the answer was lost."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime

import httpx2

from schemas.fields import FailureClass
from services.exporter.connectors.network_error import why_unreached
from services.exporter.connectors.tls import TlsSettings, tls_context
from services.exporter.connectors.types import Refused, Transient, Unknown
from services.exporter.connectors.wording import sentence
from services.pipeline.bounded_answer import AnswerTooLargeError, bound_answer
from services.pipeline.certificates import expiry_shown_with
from services.pipeline.errors import SettingsError

CONNECT_SECONDS = 5.0
KEEPALIVE_SECONDS = 2.0
"""Shorter than servers keep idle connections open, so that no request is sent on one that is just being closed."""

_NOT_SENT = (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.PoolTimeout, httpx2.ProxyError)
"""Errors before the first byte is sent: connection refused, unknown host, failed TLS handshake, no free connection."""

_WITHOUT_PROXY: dict[str, None] = {"all://localhost": None, "all://127.0.0.1": None, "all://[::1]": None}
"""Addresses that are called directly, whatever NO_PROXY says: a proxy could not reach a bridge on this machine."""

_WRONG_PROXY = (
    "HTTPS_PROXY, HTTP_PROXY, ALL_PROXY or NO_PROXY has an address that cannot be used. Write a proxy as "
    "http://user:password@host:port, beginning with http, https or socks5, with a port that is a number, and with "
    "characters such as # / ? @ in the password percent-encoded."
)

Bound = Callable[[httpx2.Response], Awaitable[None]]


class HttpCalls:
    """Calls of one connection; redirects are not followed, and no answer is read beyond its bound."""

    def __init__(self, settings: TlsSettings, headers: Mapping[str, str], bound: Bound = bound_answer) -> None:
        self._erp = settings.title
        self._timeout_seconds = settings.timeout_seconds
        self.certificate_expires_at: datetime | None = None
        """Until when the certificate is valid that the ERP last showed; None without TLS, or before a call."""
        self.client = _client(settings, headers, (self._note_certificate, bound))

    async def send(
        self,
        method: str,
        url: str,
        *,
        content: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        deadline: float | None = None,
    ) -> httpx2.Response | Transient | Unknown:
        """Return the complete response, whatever its status; the deadline covers the call from first to last byte.

        `deadline` is a time of the event loop; without it, the call has the connection's `timeout_seconds`.
        """
        until = asyncio.get_running_loop().time() + self._timeout_seconds if deadline is None else deadline
        try:
            async with asyncio.timeout_at(until):
                return await self.client.request(method, url, content=content, headers=headers)
        except _NOT_SENT as error:
            return Transient(sentence(f"{self._erp} could not be reached: {why_unreached(error, url)}"))
        except TimeoutError:
            return Unknown(f"{self._erp} did not answer within {self._timeout_seconds:g} seconds.")
        except AnswerTooLargeError as error:
            return self._unusable(str(error))
        except (httpx2.HTTPError, AttributeError):  # anyio raises the latter for a connection that is reset at once
            return Unknown(f"The connection to {self._erp} was lost before it had answered.")

    async def _note_certificate(self, response: httpx2.Response) -> None:
        self.certificate_expires_at = expiry_shown_with(response) or self.certificate_expires_at

    def _unusable(self, why: str) -> Unknown:
        message = sentence(f"{self._erp} answered, but its answer cannot be used: {why}")
        next_step = f"Let {self._erp} answer with less than 1 MB, unpacked, then retry the export."
        refusal = Refused(FailureClass.FIX_SETUP, message, "unusable_answer", next_step=next_step)
        return Unknown(message, refusal, is_reached=True)

    async def close(self) -> None:
        """Close network connections."""
        await self.client.aclose()


def _client(settings: TlsSettings, headers: Mapping[str, str], hooks: Sequence[Bound]) -> httpx2.AsyncClient:
    """Return the client of a connection, which uses the proxy that HTTPS_PROXY, HTTP_PROXY or ALL_PROXY names."""
    verify = tls_context(settings)
    try:
        return httpx2.AsyncClient(
            headers=headers,
            event_hooks={"response": list(hooks)},
            timeout=httpx2.Timeout(
                settings.timeout_seconds, connect=min(CONNECT_SECONDS, settings.timeout_seconds / 2)
            ),
            limits=httpx2.Limits(max_connections=settings.max_in_flight, keepalive_expiry=KEEPALIVE_SECONDS),
            verify=verify,
            mounts=_WITHOUT_PROXY,
        )
    except ImportError as error:
        raise SettingsError(f"HTTPS_PROXY, HTTP_PROXY or ALL_PROXY cannot be used: {error}") from error
    except (ValueError, httpx2.InvalidURL):
        raise SettingsError(_WRONG_PROXY) from None  # the error may have a part of the proxy's password
