"""The `tryton` connector: writes commitments as draft purchases to a Tryton server, through its JSON-RPC."""

import asyncio
from collections.abc import Awaitable
from datetime import datetime
from typing import ClassVar

from pydantic import SecretStr

from schemas.commitment import document_name
from services.exporter.connectors.problem import refusal_of
from services.exporter.connectors.protocol import ConnectionSettings
from services.exporter.connectors.tryton_answer import FAILURES, Stopped
from services.exporter.connectors.tryton_check import checked
from services.exporter.connectors.tryton_company import Companies
from services.exporter.connectors.tryton_lookup import look_up, names_of
from services.exporter.connectors.tryton_mapping import Mapped, mapped
from services.exporter.connectors.tryton_purchase import created_values, document_of, marker_in, updated_values
from services.exporter.connectors.tryton_read import document_read, is_id
from services.exporter.connectors.tryton_rows import PurchaseRow
from services.exporter.connectors.tryton_rpc import Domain, TrytonRpc
from services.exporter.connectors.tryton_settings import TrytonSettings
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
from services.pipeline.errors import SettingsError

CLOSE_SECONDS = 2.0
_PURCHASE = "model.purchase.purchase"


class TrytonConnector:
    """One company's books in Tryton; `token` is the password of `settings.user`."""

    settings_type: ClassVar[type[ConnectionSettings]] = TrytonSettings
    enforces_reference = False
    """Tryton takes any number of purchases with one reference."""

    can_read = True

    def __init__(self, settings: TrytonSettings, token: SecretStr | None) -> None:
        if token is None:
            raise SettingsError("give token_env or token_file: the password of the user in Tryton.")
        self._settings = settings
        self._table = FAILURES.after(settings.failure, erp=settings.title)
        self._rpc = TrytonRpc(settings, token, self._table)
        self._companies = Companies(self._rpc, settings, self._table)

    @property
    def certificate_expires_at(self) -> datetime | None:
        """Until when the certificate is valid that the ERP last showed; None without TLS, or before a call."""
        return self._rpc.certificate_expires_at

    async def find(self, reference: str) -> FindAnswer:
        """Return every purchase with this reference; also cancelled ones, which people can reopen."""
        try:
            purchases = await self._purchases([["reference", "=", reference]], self._deadline())
        except Stopped as stopped:
            return _of_reading(stopped)
        return tuple(
            document_of(each.id, self._settings, each.number, marker_in(each.comment, reference)) for each in purchases
        )

    async def create(self, request: WriteRequest) -> WriteAnswer:
        """Create a draft with all lines, in one transaction."""
        return await _answered(self._created(request, self._deadline()))

    async def update(self, document_id: str, request: WriteRequest) -> WriteAnswer:
        """Replace the content of a draft, in one transaction; any other state is refused, as is a change in between."""
        return await _answered(self._updated(document_id, request, self._deadline()))

    async def read(self, name: str) -> ReadAnswer:
        """Return the purchase whose id is `name`, or else its number, or else its reference."""
        try:
            return await document_read(self._rpc, self._settings, self._table, name, self._deadline())
        except Stopped as stopped:
            return _of_reading(stopped)

    async def check(self) -> tuple[Checked, ...]:
        """Sign in, and look at the company, the rights, and every record that the settings name."""
        return await checked(self._rpc, self._companies, self._settings, self._deadline())

    async def close(self) -> None:
        """Sign out and close network connections."""
        await self._rpc.close(asyncio.get_running_loop().time() + CLOSE_SECONDS)

    def _deadline(self) -> float:
        return asyncio.get_running_loop().time() + self._settings.timeout_seconds

    async def _created(self, request: WriteRequest, deadline: float) -> Landed:
        company = await self._companies.ours(deadline)
        mapping = await self._mapped(request, company.id, deadline)
        values = created_values(request, mapping, company.id)
        made = await self._rpc.write(f"{_PURCHASE}.create", [[values]], deadline, {"company": company.id})
        if not isinstance(made, list) or len(made) != 1 or not isinstance(made[0], int):
            raise Stopped(Unknown("Tryton created a purchase and did not say which.", is_reached=True))
        return Landed((document_of(made[0], self._settings, None, request.marker),))

    async def _updated(self, document_id: str, request: WriteRequest, deadline: float) -> Landed | Gone:
        purchase = await self._purchase(document_id, deadline)
        if isinstance(purchase, Gone):
            return purchase
        self._check_is_draft(purchase)
        company = await self._companies.ours(deadline)
        mapping = await self._mapped(request, company.id, deadline)
        values = updated_values(request, mapping, purchase)
        context = {"company": company.id, "_timestamp": {f"purchase.purchase,{purchase.id}": purchase.timestamp}}
        await self._rpc.write(f"{_PURCHASE}.write", [[purchase.id], values], deadline, context)
        return Landed((document_of(purchase.id, self._settings, purchase.number, request.marker),))

    async def _mapped(self, request: WriteRequest, company: int, deadline: float) -> Mapped:
        """Return the records that the commitment names; raises Stopped if one of them is missing or does not fit."""
        found = await look_up(self._rpc, names_of(request.commitment, self._settings), company, deadline)
        mapping = mapped(request.commitment, self._settings, found)
        if isinstance(mapping, Mapped):
            return mapping
        raise Stopped(refusal_of(mapping, self._table))

    async def _purchase(self, document_id: str, deadline: float) -> PurchaseRow | Gone:
        found = await self._purchases([["id", "=", int(document_id)]], deadline) if is_id(document_id) else ()
        if found:
            return found[0]
        refusal = self._table.refusal("document_gone", "", {"value": document_id})
        return Gone(refusal.failure_class, refusal.message, refusal.code, refusal.owner, refusal.next_step)

    def _check_is_draft(self, purchase: PurchaseRow) -> None:
        """Raise Stopped unless the purchase can be changed."""
        if purchase.state == "draft":
            return
        values = {"value": document_name(purchase.number, str(purchase.id)), "state": purchase.state}
        raise Stopped(self._table.refusal(f"state_{purchase.state}", "", values))

    async def _purchases(self, domain: Domain, deadline: float) -> tuple[PurchaseRow, ...]:
        return await self._rpc.rows(PurchaseRow, domain, deadline)


async def _answered(work: Awaitable[Landed | Gone]) -> WriteAnswer:
    try:
        return await work
    except Stopped as stopped:
        return stopped.answer


def _of_reading(stopped: Stopped) -> Refused | Transient:
    answer = stopped.answer
    return Transient(answer.message, is_reached=answer.is_reached) if isinstance(answer, Unknown) else answer
