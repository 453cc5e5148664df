"""Tryton as the ERP of a demo: the server, the page that shows its purchases, and the proxy that can fail."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

import httpx2

from sandbox.configuration import TomlValue
from sandbox.faults import FaultInjector
from sandbox.pages import bare_app
from sandbox.servers.tryton import DATABASE
from sandbox.serving import listen, served, url_of
from sandbox.tryton.books import CONNECTOR_USER, DEFAULT_UNIT, UNIT_SYMBOLS
from sandbox.tryton.faults import TrytonFault, TrytonFaultKind
from sandbox.tryton.pages import add_pages
from sandbox.tryton.proxy import add_proxy
from sandbox.tryton.rpc import TrytonRpc
from sandbox.tryton.running import FilledTryton

UPSTREAM_SECONDS = 120
CALL_SECONDS = 15.0
PASSWORD_VARIABLE = "TRYTON_PASSWORD"  # noqa: S105 - a variable's name


class TrytonErp:
    """A running Tryton, seen from outside: `url` serves its page, and its JSON-RPC through a proxy with `faults`."""

    title = "Tryton: purchases, faults"

    def __init__(self, url: str, tryton: FilledTryton, rpc: TrytonRpc) -> None:
        self.url = url
        self.tryton = tryton
        self.faults: FaultInjector[TrytonFault] = FaultInjector()
        self._rpc = rpc

    @property
    def connection(self) -> Mapping[str, TomlValue]:
        """The members of its connection that are Tryton's; its first calls take seconds, since it loads as it goes."""
        return {
            "name": "tryton",
            "kind": "tryton",
            "title": "Tryton",
            "url": self.url,
            "database": DATABASE,
            "user": CONNECTOR_USER,
            "document_url": f"{self.url}/purchases/{{id}}",
            "token_env": PASSWORD_VARIABLE,
            "units": UNIT_SYMBOLS,
            "default_unit": DEFAULT_UNIT,
            "timeout_seconds": CALL_SECONDS,
        }

    @property
    def secrets(self) -> Mapping[str, str]:
        """The variables to which its connection refers."""
        return {PASSWORD_VARIABLE: self.tryton.connector_password.get_secret_value()}

    def refuse_once(self, reference: str, message: str) -> None:
        """Let the next write of this commitment be refused in these words."""
        refusal = TrytonFault(kind=TrytonFaultKind.REFUSE, times=1, reference=reference, message=message)
        self.faults.switch_on(refusal)

    def lose_answer_once(self, reference: str) -> None:
        """Let the next write of this commitment be carried out, and its answer be lost."""
        self.faults.switch_on(TrytonFault(kind=TrytonFaultKind.LOSE_ANSWER, times=1, reference=reference))

    async def created(self) -> Counter[str]:
        """Return the number of purchases with each reference, as Tryton itself tells it."""
        purchases = await asyncio.to_thread(
            self._rpc.search, "purchase.purchase", [["reference", "!=", None]], "reference"
        )
        return Counter(each["reference"] for each in purchases)


@asynccontextmanager
async def served_tryton(
    tryton: FilledTryton, *, port: int = 0, neighbours: Mapping[str, str] | None = None
) -> AsyncIterator[TrytonErp]:
    """Serve the page and the proxy of a running Tryton while the block runs."""
    upstream = httpx2.AsyncClient(base_url=tryton.server.base_url, timeout=UPSTREAM_SECONDS, trust_env=False)
    app = bare_app("Tryton")
    with listen(port) as listener, tryton.as_admin() as rpc:
        erp = TrytonErp(url_of(listener), tryton, rpc)
        add_pages(app, rpc, erp.faults, neighbours)
        add_proxy(app, upstream, erp.faults)
        async with upstream, served(app, listener):
            yield erp
