"""The Web Connector: a program beside QuickBooks that asks an application for work, again and again."""

import asyncio
from collections import deque
from datetime import UTC, datetime

import httpx2
from pydantic import SecretStr

from sandbox.faults import FaultInjector
from sandbox.quickbooks.conversation import Conversation, DiedError, Outcome, Session
from sandbox.quickbooks.faults import QuickBooksFault
from sandbox.quickbooks.program import QuickBooks
from sandbox.quickbooks.soap import SoapClient, SoapError

KEPT_SESSIONS = 200
CALL_SECONDS = 60.0


class WebConnector:
    """Asks the service at `url` every `interval_seconds`, signed in as `user`; it runs while `run` is awaited."""

    def __init__(
        self,
        url: str,
        quickbooks: QuickBooks,
        faults: FaultInjector[QuickBooksFault],
        *,
        user: str,
        password: SecretStr,
        interval_seconds: float = 1.0,
    ) -> None:
        self.url = url
        self.user = user
        self.password = password
        self.interval_seconds = interval_seconds
        self.is_paused = False
        self.sessions: deque[Session] = deque(maxlen=KEPT_SESSIONS)
        self._quickbooks = quickbooks
        self._faults = faults

    async def run(self) -> None:
        """Ask for work until cancelled; while it is paused, its computer is off."""
        while True:
            wait_seconds = 0 if self.is_paused else (await self.update()).wait_seconds
            await asyncio.sleep(max(self.interval_seconds, wait_seconds))

    async def update(self) -> Session:
        """Hold one conversation, and return what happened in it."""
        session = Session(datetime.now(UTC))
        async with httpx2.AsyncClient(timeout=CALL_SECONDS, trust_env=False) as client:
            service = SoapClient(client, self.url)
            conversation = Conversation(service, self._quickbooks, self._faults, session)
            try:
                await conversation.hold(self.user, self.password.get_secret_value())
            except DiedError:
                session.outcome = Outcome.DIED
            except (SoapError, ValueError) as error:
                session.outcome, session.message = Outcome.FAULT, str(error)
            except httpx2.TimeoutException:
                session.outcome, session.message = Outcome.UNREACHABLE, "It took too long."
            except httpx2.HTTPError:
                session.outcome, session.message = Outcome.UNREACHABLE, "Nobody was there."
        self._keep(session)
        return session

    def _keep(self, session: Session) -> None:
        """Remember a conversation; of those in a row in which nothing was asked, only the last."""
        if self.sessions and session.is_like(self.sessions[-1]):
            session.times += self.sessions.pop().times
        self.sessions.append(session)
