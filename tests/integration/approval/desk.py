"""The whole web application of approval on a real database, in this process, told of events without a broker."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

from httpx2 import ASGITransport, AsyncClient
from pydantic import SecretStr
from sqlalchemy import select

from schemas.events import DirectoryPerson, DirectoryPersonRemoved, ErpConnection, EventData
from services.approval.decisions import Decisions
from services.approval.handlers import CONNECTION_HANDLERS, HANDLERS, PEOPLE_HANDLERS
from services.approval.identity.identity import SESSION, Identity
from services.approval.settings import ApprovalSettings
from services.approval.storage import tables
from services.approval.storage.migrations import MIGRATIONS
from services.approval.storage.store import CONNECTIONS, PEOPLE, CommitmentStore
from services.approval.web.app import build_app
from services.pipeline.database import Database
from services.pipeline.fold import fold
from services.pipeline.migrations import migrate
from services.pipeline.outbox import Outbox
from tests.integration.approval import company

URL = "http://desk.example"
LINK_SECRET = SecretStr("a secret for links in the tests")
NOBODY = "http://127.0.0.1:9"


class Desk:
    """A running desk; `tell` it what happened, and `browser` it as somebody."""

    def __init__(self, settings: ApprovalSettings) -> None:
        self.settings = settings
        self.database = Database(settings.database_url, application_name="tests", pool_size=4)
        self.outbox = Outbox(tables.KERNEL)
        self.identity = Identity(settings, self.database)
        decisions = Decisions(self.database, self.outbox)
        self.app = build_app(settings, self.database, self.outbox, decisions, self.identity)

    async def tell(self, *happened: EventData, at: datetime = company.START) -> None:
        """Let approval hear of `happened`, one after the other, a minute apart."""
        for place, each in enumerate(happened):
            await self._hear(each, at + timedelta(minutes=place))

    async def _hear(self, happened: EventData, at: datetime) -> None:
        handlers, store = _listening(happened)
        event = company.event(happened, at)
        async with self.database.begin() as db:
            folded = fold(handlers, await store.load(db, [event.subject]), [event], datetime.now(UTC))
            assert not folded.refused, folded.refused
            if folded.changes:
                folded.publish.extend(await store.save(db, folded.changes) or ())
            await self.outbox.add(db, folded.publish)

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
        """What waits in the outbox for `topic`, as JSON."""
        table = tables.KERNEL.outbox
        async with self.database.begin() as db:
            rows = await db.execute(select(table.c.value).where(table.c.topic == topic).order_by(table.c.id))
            return [row.value.decode() for row in rows]


def _listening(happened: EventData) -> tuple[Any, Any]:
    match happened:
        case DirectoryPerson() | DirectoryPersonRemoved():
            return PEOPLE_HANDLERS, PEOPLE
        case ErpConnection():
            return CONNECTION_HANDLERS, CONNECTIONS
        case _:
            return HANDLERS, CommitmentStore()


def settings(database_url: str, *, public_url: str = URL, issuer: str = NOBODY) -> ApprovalSettings:
    return ApprovalSettings(
        kafka_bootstrap_servers="127.0.0.1:9",
        database_url=SecretStr(database_url),
        public_url=public_url,
        oidc_issuer=issuer,
        oidc_client_id="countersign",
        oidc_client_secret=SecretStr("of the tests"),
        oidc_audience="countersign-api",
        link_secret=LINK_SECRET,
    )


@asynccontextmanager
async def running_desk(wanted: ApprovalSettings) -> AsyncIterator[Desk]:
    """A desk on a migrated database with the company's people and its ERP."""
    await migrate(wanted.database_url, MIGRATIONS)
    desk = Desk(wanted)
    await desk.tell(*company.PEOPLE, company.QUICKBOOKS)
    yield desk
    await desk.database.close()
