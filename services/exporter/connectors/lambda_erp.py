"""The `lambda_erp` connector: writes a commitment as a purchase order of Lambda ERP, over its REST API."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar

import httpx2
from pydantic import Field, SecretStr

from schemas.fields import Name, Url
from services.exporter.connectors.lambda_erp_answer import (
    Order,
    codes_in,
    order_in,
    orders_in,
)
from services.exporter.connectors.lambda_erp_call import Calls
from services.exporter.connectors.lambda_erp_check import check
from services.exporter.connectors.lambda_erp_failure import LambdaErpFailures
from services.exporter.connectors.lambda_erp_order import identity_of, order_of, references, unfit
from services.exporter.connectors.protocol import ConnectionSettings
from services.exporter.connectors.tls import TlsSettings
from services.exporter.connectors.types import (
    Checked,
    Exists,
    FindAnswer,
    FoundDocument,
    Gone,
    Landed,
    ReadAnswer,
    Refused,
    Transient,
    Unknown,
    UnreadableDocument,
    WriteAnswer,
    WriteRequest,
)

ORDERS = ("documents", "purchase-order")
_LISTED = "name,external_source,external_reference,remarks,docstatus,discarded"


class LambdaErpSettings(TlsSettings):
    """A connection of kind `lambda_erp`."""

    url: Url = Field(description="Address of Lambda ERP; /api is appended.")
    company: Name = Field(description="The company in Lambda ERP whose purchase orders these are.")


@dataclass(frozen=True, slots=True)
class Trail:
    """A commitment's orders, living and dead, and the first reference that none of ours has taken, if all are dead."""

    orders: tuple[Order, ...]
    free: str | None

    @property
    def living(self) -> tuple[Order, ...]:
        """The orders that are neither cancelled nor discarded."""
        return tuple(order for order in self.orders if not order.is_dead)

    def former(self, marker: str) -> Order | None:
        """Return the dead order of ours that holds exactly this revision, if there is one."""
        return next((each for each in self.orders if each.is_dead and each.is_ours and each.marker == marker), None)


class LambdaErpConnector:
    """One company in the Lambda ERP at `settings.url`, called with `token` as API key."""

    settings_type: ClassVar[type[ConnectionSettings]] = LambdaErpSettings
    enforces_reference = True
    can_read = True

    def __init__(self, settings: LambdaErpSettings, token: SecretStr | None) -> None:
        self._company = settings.company
        self._failures = LambdaErpFailures(settings.failure, settings.title)
        self._calls = Calls(settings, settings.url, token)

    @property
    def certificate_expires_at(self) -> datetime | None:
        """Until when the certificate is valid that the ERP last showed; None without TLS, or before a call."""
        return self._calls.certificate_expires_at

    async def find(self, reference: str) -> FindAnswer:
        """Return every living order with this reference, of whatever source; cancelled and discarded ones are gone."""
        trail = await self._follow(reference, self._calls.deadline())
        return tuple(order.found() for order in trail.living) if isinstance(trail, Trail) else trail

    async def create(self, request: WriteRequest) -> WriteAnswer:
        """Write the commitment's first order, or one in place of those that were cancelled."""
        until = self._calls.deadline()
        content = await self._content(request, until)
        if not isinstance(content, dict):
            return content
        answer = await self._post(request, content, request.reference, until)
        if isinstance(answer, httpx2.Response) and answer.status_code == httpx2.codes.CONFLICT:
            return await self._after_conflict(request, content, answer, until)
        return self._written(answer, request)

    async def update(self, document_id: str, request: WriteRequest) -> WriteAnswer:
        """Replace the content of the commitment's order while it is a draft."""
        until = self._calls.deadline()
        order = await self._draft(document_id, until)
        if not isinstance(order, Order):
            return order
        content = await self._content(request, until)
        if not isinstance(content, dict):
            return content
        identity = await self._adopted(order, request.reference, until)
        if not isinstance(identity, dict):
            return identity
        answer = await self._calls.write(until, "PUT", *ORDERS, document_id, body={**content, **identity})
        return self._written(answer, request)

    async def read(self, name: str) -> ReadAnswer:
        """Return the order `name`; an order's name is its number, too."""
        order = await self._order(name, self._calls.deadline())
        if not isinstance(order, Order):
            return order
        document = order.found()
        if order.is_dead or isinstance(document, UnreadableDocument):
            return self._failures.gone(name)
        return order.copy_of(document)

    async def check(self) -> tuple[Checked, ...]:
        """Look whether the API key, the company and the orders are as a write needs them."""
        return await check(self._calls, self._company, self._failures)

    async def close(self) -> None:
        """Close network connections."""
        await self._calls.close()

    async def _content(self, request: WriteRequest, until: float) -> dict[str, Any] | Refused | Transient:
        """Return the order to write, which names the vendor as the ERP does."""
        if reason := unfit(request):
            return self._failures.refusal(reason.code, value=reason.value)
        vendor = request.commitment.vendor
        supplier = vendor.erp_code or await self._supplier_named(vendor.name, until)
        return order_of(request, self._company, supplier) if isinstance(supplier, str) else supplier

    async def _supplier_named(self, name: str, until: float) -> str | Refused | Transient:
        """Return the code of the only supplier with this name."""
        answer = await self._calls.read(until, "masters", "supplier", params={"supplier_name": name, "limit": "2"})
        if isinstance(answer, Transient):
            return answer
        if (codes := codes_in(answer)) is None:
            return self._failures.of_read(answer)
        if len(codes) != 1:
            return self._failures.refusal("vendor_ambiguous" if codes else "vendor_missing", value=name)
        return codes[0]

    async def _post(
        self, request: WriteRequest, content: Mapping[str, Any], reference: str, until: float
    ) -> httpx2.Response | Transient | Unknown:
        number = {"name": request.erp_code} if request.erp_code else {}
        return await self._calls.write(until, "POST", *ORDERS, body={**content, **number, **identity_of(reference)})

    async def _after_conflict(
        self, request: WriteRequest, content: Mapping[str, Any], conflict: httpx2.Response, until: float
    ) -> WriteAnswer:
        """Find out what the ERP has in place of the order that it refused, and write it anew beside a dead one.

        A dead order with exactly this revision is one that somebody undid before we knew of it: nobody asked us to
        write it once more.
        """
        trail = await self._follow(request.reference, until)
        if not isinstance(trail, Trail):
            return trail
        existing = [order.found() for order in trail.living if order.is_ours]
        if existing and isinstance(existing[0], FoundDocument):
            return Exists(existing[0])
        if trail.free in (None, request.reference):
            return self._written(conflict, request)
        if former := trail.former(request.marker):
            return self._failures.refusal("order_cancelled", value=former.name or "")
        return self._written(await self._post(request, content, trail.free, until), request)

    async def _follow(self, reference: str, until: float) -> Trail | Refused | Transient:
        """Look for orders under each reference of the commitment, until one that none of ours has taken."""
        orders: tuple[Order, ...] = ()
        for candidate in references(reference):
            listed = await self._listed(candidate, until)
            if not isinstance(listed, tuple):
                return listed
            orders += listed
            ours = [order for order in listed if order.is_ours]
            if not ours:
                return Trail(orders, candidate)
            if not all(order.is_dead for order in ours):
                break
        return Trail(orders, None)

    async def _listed(self, reference: str, until: float) -> tuple[Order, ...] | Refused | Transient:
        params = {"external_reference": reference, "include_discarded": "true", "limit": "500", "fields": _LISTED}
        answer = await self._calls.read(until, *ORDERS, params=params)
        if isinstance(answer, Transient):
            return answer
        orders = orders_in(answer)
        return self._failures.of_read(answer) if orders is None else orders

    async def _order(self, name: str, until: float) -> Order | Gone | Refused | Transient:
        if "/" in name:
            return self._failures.refusal("number_with_slash", value=name)
        answer = await self._calls.read(until, *ORDERS, name)
        if isinstance(answer, Transient):
            return answer
        if answer.status_code == httpx2.codes.NOT_FOUND:
            return self._failures.gone(name)
        return order_in(answer) or self._failures.of_read(answer)

    async def _draft(self, name: str, until: float) -> Order | Gone | Refused | Transient:
        """Return the order if it can still be changed, else why not."""
        order = await self._order(name, until)
        if not isinstance(order, Order):
            return order
        if order.is_dead:
            return self._failures.gone(name)
        return self._failures.refusal("order_submitted", value=name) if order.is_submitted else order

    async def _adopted(self, order: Order, reference: str, until: float) -> dict[str, str] | Refused | Transient:
        """Return the reference for an order that somebody else created, so that it is found as the commitment's."""
        if order.reference:
            return {}
        trail = await self._follow(reference, until)
        if not isinstance(trail, Trail):
            return trail
        return identity_of(trail.free) if trail.free else {}

    def _written(self, answer: httpx2.Response | Transient | Unknown, request: WriteRequest) -> WriteAnswer:
        if not isinstance(answer, httpx2.Response):
            return answer
        order = order_in(answer) if answer.is_success else None
        document = order.found() if order else None
        if isinstance(document, FoundDocument):
            return Landed((document,))
        commitment = request.commitment
        vendor = f"{commitment.vendor.name} ({commitment.vendor.erp_code})" if commitment.vendor.erp_code else ""
        values = {"vendor": vendor or commitment.vendor.name, "company": self._company, "currency": commitment.currency}
        return self._failures.of_write(
            answer, values | {"number": request.erp_code or "", "document": commitment.number}
        )
