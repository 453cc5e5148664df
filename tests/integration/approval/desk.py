"""Approval's web application in this process, on a real database and without Kafka."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta

from httpx2 import ASGITransport, AsyncClient
from pydantic import SecretStr

from schemas.events import DirectoryPerson, EventData
from services.approval.identity.identity import SESSION, Identity
from services.approval.rules.approval_rules import DEFAULTS, ApprovalRules
from services.approval.settings import ApprovalSettings
from services.approval.storage import tables
from services.approval.web.app import build_app
from services.pipeline.database import Database
from services.pipeline.errors import CatchingUpError
from services.pipeline.lateness import Lateness
from tests.integration.approval import company
from tests.integration.approval.consumer import ApprovalConsumer

URL = "http://desk.example"
LINK_SECRET = SecretStr("a secret for links in the tests")
UNREACHABLE = "http://127.0.0.1:9"


class DeskUnderTest:
    """The desk and the API: `receive` events, and open a `browser` as somebody."""

    def __init__(self, settings: ApprovalSettings, rules: ApprovalRules = DEFAULTS) -> None:
        self.settings = settings
        self.database = Database(settings.database_url, application_name="tests", pool_size=4)
        self.consumer = ApprovalConsumer(self.database)
        self.identity = Identity(settings, self.database)
        self.is_caught_up = True
        self.lateness = Lateness(self.database, tables.KERNEL)
        outbox = self.consumer.outbox
        self.app = build_app(settings, self.database, outbox, self.require_caught_up, self.lateness, rules)

    def require_caught_up(self) -> None:
        if not self.is_caught_up:
            raise CatchingUpError("Countersign is catching up after a restart; try again in a moment.")

    async def receive(self, *events: EventData, at: datetime = company.START) -> None:
        """Process `events` one by one; they happened a minute apart, from `at` on."""
        for place, each in enumerate(events):
            await self.consumer.process(company.event(each, at + timedelta(minutes=place)))
        assert not await self.consumer.rows(tables.KERNEL.dead_letter)

    async def receive_company(self) -> None:
        """Process the company's people and its ERP as one batch."""
        await self.consumer.process(*map(company.event, (*company.PEOPLE, company.QUICKBOOKS)))

    @asynccontextmanager
    async def browser(self, who: DirectoryPerson | None = None, **headers: str) -> AsyncIterator[AsyncClient]:
        """A browser on our own pages, in which `who` is signed in."""
        sent = {"sec-fetch-site": "same-origin"} | {name.replace("_", "-"): text for name, text in headers.items()}
        async with AsyncClient(
            transport=ASGITransport(self.app), base_url=self.settings.public_url, headers=sent
        ) as opened:
            if who:
                token = await self.identity.sessions.begin(who.person_id, timedelta(hours=1))
                opened.cookies.set(self.identity.cookies.name(SESSION), token)
            yield opened

    async def published(self, topic: str) -> list[str]:
        """The events that were published on `topic`, as JSON."""
        rows = await self.consumer.rows(tables.KERNEL.outbox)
        return [row["value"].decode() for row in rows if row["topic"] == topic]


def settings(
    database_url: str, *, public_url: str = URL, issuer: str = UNREACHABLE, undo_seconds: int = 0
) -> ApprovalSettings:
    return ApprovalSettings(
        kafka_bootstrap_servers="127.0.0.1:9",
        database_url=SecretStr(database_url),
        public_url=public_url,
        oidc_issuer=issuer,
        oidc_client_id="countersign",
        oidc_client_secret=SecretStr("of the tests"),
        oidc_audience="countersign-api",
        link_secret=LINK_SECRET,
        undo_seconds=undo_seconds,
    )


@asynccontextmanager
async def running_desk(wanted: ApprovalSettings, rules: ApprovalRules = DEFAULTS) -> AsyncIterator[DeskUnderTest]:
    """A desk with the company's people and its ERP, on a database that has the tables."""
    desk = DeskUnderTest(wanted, rules)
    await desk.receive_company()
    yield desk
    await desk.database.close()
