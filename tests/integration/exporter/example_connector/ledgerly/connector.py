"""Writes commitments to Ledgerly as purchase orders."""

import asyncio
from typing import Any, ClassVar
from urllib.parse import quote

import httpx2
from pydantic import Field, SecretStr

from ledgerly.answers import failure, found, list_of, order_in, searched
from schemas.fields import Url
from services.exporter.connectors.protocol import ConnectionSettings
from services.exporter.connectors.tls import TlsSettings, tls_context
from services.exporter.connectors.types import (
    Checked,
    FindAnswer,
    Gone,
    Landed,
    ReadAnswer,
    Refused,
    Transient,
    Unknown,
    WriteAnswer,
    WriteRequest,
)
from services.pipeline.bounded_answer import ASK_UNPACKED, bound_answer

NOT_SENT = (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.PoolTimeout, httpx2.ProxyError)


class LedgerlySettings(TlsSettings):
    """A connection of kind `ledgerly`: what every connection has, TLS, and two members of its own."""

    url: Url = Field(description="Address of Ledgerly, without a path.")
    ledger: str = Field(default="main", description="The ledger that orders are written to.")


class LedgerlyConnector:
    """One Ledgerly at `settings.url`; the token is a user's API key."""

    settings_type: ClassVar[type[ConnectionSettings]] = LedgerlySettings
    enforces_reference = False  # Ledgerly takes a second order with the same reference
    can_read = True  # every Ledgerly shows its orders

    def __init__(self, settings: LedgerlySettings, token: SecretStr | None) -> None:
        self._settings = settings
        self._client = httpx2.AsyncClient(
            base_url=settings.url,
            headers=ASK_UNPACKED | {"X-Key": token.get_secret_value() if token else ""},
            event_hooks={"response": [bound_answer]},
            timeout=httpx2.Timeout(settings.timeout_seconds, connect=settings.timeout_seconds / 2),
            limits=httpx2.Limits(max_connections=settings.max_in_flight, keepalive_expiry=2.0),
            verify=tls_context(settings),
        )

    async def find(self, reference: str) -> FindAnswer:
        """Return every order with this reference."""
        orders = await self._search(ref=reference)
        return tuple(map(found, orders)) if isinstance(orders, list) else orders

    async def create(self, request: WriteRequest) -> WriteAnswer:
        """Write a new order."""
        return await self._write("POST", "/orders", request)

    async def update(self, document_id: str, request: WriteRequest) -> WriteAnswer:
        """Replace the content of an order."""
        answer = await self._write("PUT", f"/orders/{quote(document_id, safe='')}", request)
        is_gone = isinstance(answer, Refused) and answer.code == "no_such_order"
        return Gone(answer.failure_class, answer.message, answer.code) if is_gone else answer

    async def read(self, name: str) -> ReadAnswer:
        """Return the order with this key, or else with this number."""
        orders = await self._search(name=name)
        return searched(orders, name) if isinstance(orders, list) else orders

    async def check(self) -> tuple[Checked, ...]:
        """Sign in, and look for the ledger."""
        response = await self._call("GET", "/me")
        ledgers = list_of(response, "ledgers")
        if ledgers is None:
            problem = failure(response).message if isinstance(response, httpx2.Response) else response.message
            return (Checked("Sign-in", problem),)
        ledger = self._settings.ledger
        missing = None if ledger in ledgers else f"Create the ledger {ledger}, or name another one as `ledger`."
        return (Checked("Sign-in"), Checked(f"Ledger {ledger}", missing))

    async def close(self) -> None:
        """Close network connections."""
        await self._client.aclose()

    async def _search(self, **by: str) -> list[Any] | Refused | Transient:
        """Return the listed orders; what is unclear is Transient, since a search stores nothing."""
        response = await self._call("GET", "/orders", params=by)
        if (orders := list_of(response, "orders")) is not None:
            return orders
        answer = failure(response) if isinstance(response, httpx2.Response) else response
        return Transient(answer.message, is_reached=answer.is_reached) if isinstance(answer, Unknown) else answer

    async def _write(self, method: str, path: str, request: WriteRequest) -> WriteAnswer:
        response = await self._call(method, path, json=self._order(request))
        if not isinstance(response, httpx2.Response):
            return response
        document = order_in(response)
        return Landed((document,)) if document else failure(response, {"vendor": request.commitment.vendor.name})

    async def _call(self, method: str, path: str, **content: Any) -> httpx2.Response | Transient | Unknown:
        """Return the complete response, whatever its status; the deadline covers the whole call."""
        try:
            async with asyncio.timeout(self._settings.timeout_seconds):
                return await self._client.request(method, path, **content)
        except NOT_SENT as error:
            return Transient(f"Ledgerly could not be reached ({type(error).__name__}).")
        except (TimeoutError, httpx2.HTTPError) as error:
            return Unknown(f"Ledgerly's answer was lost ({type(error).__name__}).")

    def _order(self, request: WriteRequest) -> dict[str, Any]:
        """Return the order as Ledgerly wants it; the marker is the first line of its memo."""
        commitment = request.commitment
        return {
            "ledger": self._settings.ledger,
            "ref": request.reference,
            "memo": f"{request.marker}\n{request.note or ''}",
            "supplier": commitment.vendor.erp_code,
            "currency": commitment.currency,
            "lines": [
                {"pos": line.position, "text": line.description, "amount": line.amount} for line in commitment.lines
            ],
        }
