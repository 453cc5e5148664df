"""The `quickbooks_desktop` connector: commitments become purchase orders, by way of the Web Connector."""

from typing import ClassVar

from pydantic import SecretStr

from services.exporter.connectors.protocol import ConnectionSettings, Connector
from services.exporter.connectors.pull import Ask, ListPage, Occasion, Question, Reply
from services.exporter.connectors.quickbooks.failures import Failures
from services.exporter.connectors.quickbooks.lists import JOB, LISTS, list_page, list_question
from services.exporter.connectors.quickbooks.purchasing import Purchasing
from services.exporter.connectors.quickbooks.questions import Questions
from services.exporter.connectors.quickbooks.settings import QuickBooksDesktopSettings
from services.exporter.connectors.types import Refused, Transient


class QuickBooksDesktop:
    """Speaks qbXML for one connection. The token is for those who sign the Web Connector in; nothing here uses it."""

    settings_type: ClassVar[type[ConnectionSettings]] = QuickBooksDesktopSettings

    def __init__(self, settings: QuickBooksDesktopSettings, token: SecretStr | None) -> None:
        del token
        self._settings = settings
        self._failures = Failures(settings.failure)
        self._questions = Questions(settings.qbxml_version)

    def speaking(self, ask: Ask, occasion: Occasion) -> Connector:
        """Return a connector for one attempt, which asks with `ask`."""
        return Purchasing(self._settings, self._failures, ask, occasion)

    def unreached(self, reply: Reply) -> str | None:
        """Say why the Web Connector cannot reach QuickBooks; None if it can."""
        answer = self._failures.answers_in(reply) if reply.hresult.strip() else None
        return answer.message if isinstance(answer, Transient) and not answer.is_reached else None

    @property
    def lists(self) -> tuple[str, ...]:
        """The lists to read; not that of jobs, if no line names one."""
        return tuple(name for name in LISTS if name != JOB or self._settings.sends_job)

    def list_question(self, name: str, page: str | None) -> Question:
        """Return the question for a part of the list: the first one if `page` is None."""
        return list_question(self._questions, name, page)

    def list_page(self, name: str, reply: Reply) -> ListPage | Refused | Transient:
        """Read the reply to `list_question`."""
        return list_page(self._failures, name, reply)

    async def close(self) -> None:
        """Close nothing."""
