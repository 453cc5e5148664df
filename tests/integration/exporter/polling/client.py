"""The client of a polled ERP: it begins a conversation, passes requests on and brings answers, and may die anywhere."""

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum

from services.exporter.polling.conversations import Conversations
from services.exporter.web_connector.conversing import BUSY, NOTHING_TO_DO, HostFacts

COMPANY_FILE = r"C:\Books\Main.QBW"


class Point(StrEnum):
    """Where a client can die, in the order of a request."""

    BEGUN = "begun"
    ASKED = "asked"
    STORED = "stored"
    REPLIED = "replied"
    BEFORE_END = "before_end"


class DiedError(Exception):
    """The client has died; nobody ends its conversation."""


@dataclass
class Client:
    """One client with its ERP.

    It dies once: when it has passed a point so many times (`dies_at`), or so many points (`dies_at_step`).
    """

    conversations: Conversations
    erp: Callable[[str], str]
    connection: str = "main"
    address: str = "10.0.0.1"
    company_file: str = COMPANY_FILE
    dies_at: tuple[Point, int] | None = None
    dies_at_step: int | None = None
    passed: list[Point] = field(default_factory=list)
    progress: list[int] = field(default_factory=list)
    said: str = ""

    async def poll(self) -> str:
        """Hold one conversation, and return what signing in was answered, or `died`."""
        try:
            return await self._converse()
        except DiedError:
            return "died"

    async def _converse(self) -> str:
        admission = await self.conversations.begin(self.connection, self.address)
        if admission.answer in (BUSY, NOTHING_TO_DO):
            return admission.answer
        self._pass(Point.BEGUN)
        while request := await self.conversations.next_request(admission.ticket, self.host):
            self._pass(Point.ASKED)
            answer = self.erp(request)
            self._pass(Point.STORED)
            self.progress.append(await self.conversations.take_reply(admission.ticket, answer, "", ""))
            self._pass(Point.REPLIED)
            if self.progress[-1] >= 100 or self.progress[-1] < 0:
                break
        self._pass(Point.BEFORE_END)
        self.said = await self.conversations.end(admission.ticket)
        return admission.answer

    @property
    def host(self) -> HostFacts:
        """What the client says of its ERP."""
        return HostFacts(self.company_file, "US", "13", "0", "")

    def _pass(self, point: Point) -> None:
        self.passed.append(point)
        is_there = self.dies_at == (point, self.passed.count(point))
        if is_there or len(self.passed) == self.dies_at_step:
            raise DiedError(point)
