"""What the SOAP endpoint needs of conversations: one method for each call that carries a ticket."""

from dataclasses import dataclass
from typing import Protocol

NOTHING_TO_DO = "none"
BUSY = "busy"
INVALID_USER = "nvu"
OPEN_FILE = ""
"""The company file that is open in QuickBooks."""


@dataclass(frozen=True, slots=True)
class Admission:
    """The answer to `authenticate`: a ticket, and the path of a company file, OPEN_FILE, NOTHING_TO_DO or BUSY.

    `wait_seconds` is how long the Web Connector is to wait before it asks again.
    """

    ticket: str
    answer: str
    wait_seconds: int | None = None


@dataclass(frozen=True, slots=True)
class HostFacts:
    """What the Web Connector says of its QuickBooks with each request for work."""

    company_file: str
    country: str
    major_version: str
    minor_version: str
    response: str
    """HostQueryRs, CompanyQueryRs and PreferencesQueryRs with the first request, empty with the others."""


class Conversing(Protocol):
    """Conversations with Web Connectors; every method commits what it did before it returns, and raises nothing.

    An unknown, forged or ended ticket ends the conversation: there is no work for it, and its answers are refused.
    """

    async def begin(self, connection: str, client: str) -> Admission:
        """Admit a client that has signed in to `connection`; `client` is the address that it calls from."""
        ...

    async def refused(self, connection: str) -> None:
        """Note that somebody has tried to sign in to `connection` with a wrong password."""
        ...

    async def is_open(self, ticket: str) -> bool:
        """Return whether a conversation with `ticket` is under way; false while that cannot be found out."""
        ...

    async def next_request(self, ticket: str, host: HostFacts) -> str:
        """Return the next qbXML request; empty if there is none."""
        ...

    async def take_reply(self, ticket: str, response: str, hresult: str, message: str) -> int:
        """Take the answer to the last request; return the progress in per cent, 100 if all is done, -1 on an error."""
        ...

    async def connection_failed(self, ticket: str, hresult: str, message: str) -> str:
        """Note that QuickBooks could not be opened; return `done`: it is tried again with the next poll."""
        ...

    async def last_error(self, ticket: str) -> str:
        """Return why the last call answered -1 or nothing, for a person."""
        ...

    async def end(self, ticket: str) -> str:
        """End the conversation; return one sentence on it for the Web Connector's window."""
        ...
