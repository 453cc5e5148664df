"""The ERP of a world: the small one, a real Tryton, or a simulated QuickBooks; a story treats them alike."""

import asyncio
import secrets
from collections import Counter
from collections.abc import Mapping
from contextlib import AsyncExitStack
from enum import StrEnum
from typing import Protocol

from pydantic import SecretStr

from sandbox.configuration import TomlValue
from sandbox.erp.running import running_erp
from sandbox.quickbooks.erp import ENDPOINT_PATH, served_quickbooks
from sandbox.servers import LocalPostgres
from sandbox.servers.local_server import Report
from sandbox.servers.tryton import LocalTryton
from sandbox.started import started
from sandbox.tryton.erp import TrytonErp, served_tryton
from sandbox.tryton.running import filled


class ErpKind(StrEnum):
    """Which ERP a world has."""

    SMALL = "small"
    TRYTON = "tryton"
    QUICKBOOKS = "quickbooks"

    @property
    def calls_the_exporter(self) -> bool:
        """Whether its client calls the exporter, whose address must then be known before it starts."""
        return self is ErpKind.QUICKBOOKS


class ErpUnderDemo(Protocol):
    """What a world and its story need of an ERP."""

    url: str
    title: str

    @property
    def connection(self) -> Mapping[str, TomlValue]:
        """The members of its connection that only this ERP has."""
        ...

    @property
    def secrets(self) -> Mapping[str, str]:
        """The variables to which its connection refers."""
        ...

    def refuse_once(self, reference: str, message: str) -> None:
        """Let the next write of this commitment be refused in these words."""
        ...

    def lose_answer_once(self, reference: str) -> None:
        """Let the next write of this commitment be carried out, and its answer be lost."""
        ...

    async def created(self) -> Counter[str]:
        """Return how many documents there are, or were, for each reference."""
        ...


async def start_erp(
    stack: AsyncExitStack,
    kind: ErpKind,
    postgres: LocalPostgres,
    *,
    port: int,
    exporter_url: str,
    neighbours: Mapping[str, str],
    report: Report,
) -> ErpUnderDemo:
    """Start the ERP of this kind; `stack` stops it.

    Tryton keeps its books on `postgres`, in a database of its own. QuickBooks' Web Connector polls `exporter_url`.
    """
    if kind is ErpKind.SMALL:
        token = SecretStr(secrets.token_urlsafe(16))
        return await stack.enter_async_context(running_erp(token=token, port=port, neighbours=neighbours))
    if kind is ErpKind.QUICKBOOKS:
        service_url = f"{exporter_url}{ENDPOINT_PATH}"
        return await stack.enter_async_context(served_quickbooks(service_url, port=port, neighbours=neighbours))
    server = await started(stack, LocalTryton(postgres, report=report))
    tryton = await asyncio.to_thread(filled, server, report)
    erp: TrytonErp = await stack.enter_async_context(served_tryton(tryton, port=port, neighbours=neighbours))
    return erp
