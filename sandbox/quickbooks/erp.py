"""QuickBooks Desktop as the ERP of a demo: the program, its Web Connector, and the page with which both can fail."""

import asyncio
import secrets
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

from argon2 import PasswordHasher
from pydantic import SecretStr

from sandbox.configuration import TomlValue
from sandbox.faults import FaultInjector
from sandbox.pages import bare_app
from sandbox.quickbooks.books import company_file, other_file
from sandbox.quickbooks.faults import QuickBooksFault, QuickBooksFaultKind
from sandbox.quickbooks.journal import Journal
from sandbox.quickbooks.pages import add_pages
from sandbox.quickbooks.program import QuickBooks
from sandbox.quickbooks.web_connector import WebConnector
from sandbox.serving import listen, served, url_of

USER = "harbor-quickbooks"
PASSWORD_HASH_VARIABLE = "QUICKBOOKS_PASSWORD_HASH"  # noqa: S105 - a variable's name
ENDPOINT_PATH = "/quickbooks"
ANSWER_SECONDS = 15.0
"""The longest that the Web Connector takes for one request: a fault delays it by no more."""


class QuickBooksErp:
    """A running QuickBooks with a Web Connector: `url` serves its page; nobody can call QuickBooks itself."""

    title = "QuickBooks Desktop: purchase orders, Web Connector, faults"

    def __init__(self, url: str, service_url: str, interval_seconds: float) -> None:
        self.url = url
        self.faults: FaultInjector[QuickBooksFault] = FaultInjector()
        self.journal = Journal()
        files = [company_file(self.journal), other_file(self.journal)]
        self.quickbooks = QuickBooks(files, self.journal)
        password = SecretStr(secrets.token_urlsafe(16))
        self._password_hash = PasswordHasher().hash(password.get_secret_value())
        self.web_connector = WebConnector(
            service_url, self.quickbooks, self.faults, user=USER, password=password, interval_seconds=interval_seconds
        )

    @property
    def connection(self) -> Mapping[str, TomlValue]:
        """The members of its connection that are QuickBooks'; after a lost answer, nothing comes late."""
        return {
            "name": "quickbooks",
            "kind": "quickbooks_desktop",
            "title": "QuickBooks Desktop",
            "user": USER,
            "token_env": PASSWORD_HASH_VARIABLE,
            "limits": "quickbooks_desktop",
            "poll_minutes": 1,
            "timeout_seconds": ANSWER_SECONDS + 5.0,
            "settle_seconds": 0.0,
        }

    @property
    def secrets(self) -> Mapping[str, str]:
        """The variables to which its connection refers: the exporter gets only the hash of the password."""
        return {PASSWORD_HASH_VARIABLE: self._password_hash}

    def refuse_once(self, reference: str, message: str) -> None:
        """Let the next write of this commitment be refused in these words."""
        kind = QuickBooksFaultKind.REFUSE
        self.faults.switch_on(QuickBooksFault(kind=kind, times=1, reference=reference, message=message))

    def lose_answer_once(self, reference: str) -> None:
        """Let the next write of this commitment be carried out, and its answer be lost."""
        self.faults.switch_on(QuickBooksFault(kind=QuickBooksFaultKind.LOSE_ANSWER, times=1, reference=reference))

    async def created(self) -> Counter[str]:
        """Return how many purchase orders were created for each commitment, by the journal."""
        return self.journal.created()


@asynccontextmanager
async def served_quickbooks(
    service_url: str,
    *,
    port: int = 0,
    neighbours: Mapping[str, str] | None = None,
    interval_seconds: float = 1.0,
) -> AsyncIterator[QuickBooksErp]:
    """Run QuickBooks while the block runs; its Web Connector polls `service_url`, also before anybody answers there."""
    app = bare_app("QuickBooks Desktop")
    with listen(port) as listener:
        erp = QuickBooksErp(url_of(listener), service_url, interval_seconds)
        add_pages(app, erp.quickbooks, erp.web_connector, erp.faults, neighbours)
        polling = asyncio.create_task(erp.web_connector.run())
        try:
            async with served(app, listener):
                yield erp
        finally:
            polling.cancel()
            await asyncio.wait({polling})
