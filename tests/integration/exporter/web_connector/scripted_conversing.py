"""Conversations as a script: the requests to send one after the other, and a record of what came."""

from dataclasses import dataclass, field

from services.exporter.web_connector.conversing import NOTHING_TO_DO, OPEN_FILE, Admission, HostFacts

TICKET = "0e4a39c7-aaaa-4a5e-9d0c-6a1f0c0b7b52"


@dataclass
class ScriptedConversing:
    """Follows `Conversing`: one conversation with TICKET; any other ticket is an ended one."""

    requests: list[str] = field(default_factory=list)
    wait_seconds: int | None = None
    began: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    hosts: list[HostFacts] = field(default_factory=list)
    replies: list[tuple[str, str, str, str]] = field(default_factory=list)
    failures: list[tuple[str, str, str]] = field(default_factory=list)
    ended: list[str] = field(default_factory=list)

    async def begin(self, connection: str, client: str) -> Admission:  # noqa: ARG002 - follows the protocol
        self.began.append(connection)
        return Admission(TICKET, OPEN_FILE if self.requests else NOTHING_TO_DO, self.wait_seconds)

    async def refused(self, connection: str) -> None:
        self.wrong.append(connection)

    async def is_open(self, ticket: str) -> bool:
        return ticket == TICKET

    async def next_request(self, ticket: str, host: HostFacts) -> str:
        self.hosts.append(host)
        return self.requests.pop(0) if ticket == TICKET and self.requests else ""

    async def take_reply(self, ticket: str, response: str, hresult: str, message: str) -> int:
        self.replies.append((ticket, response, hresult, message))
        if ticket != TICKET:
            return -1
        return 50 if self.requests else 100

    async def connection_failed(self, ticket: str, hresult: str, message: str) -> str:
        self.failures.append((ticket, hresult, message))
        return "done"

    async def last_error(self, ticket: str) -> str:
        return "Nothing is wrong." if ticket == TICKET else "This conversation is over. It begins anew by itself."

    async def end(self, ticket: str) -> str:
        self.ended.append(ticket)
        return "OK"
