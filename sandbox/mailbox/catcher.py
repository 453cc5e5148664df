"""The SMTP server of the mailbox: accepts mails, keeps them with their envelopes, and injects faults."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from typing import cast

from aiosmtpd.smtp import SMTP, Envelope, Session

from sandbox.faults import Fault, FaultInjector
from sandbox.mailbox.message import CaughtMail


class MailFaultKind(StrEnum):
    """The ways in which accepting a mail can fail."""

    REFUSE_FOR_NOW = "refuse_for_now"
    REFUSE_FOR_GOOD = "refuse_for_good"
    REFUSE_TO_RELAY = "refuse_to_relay"
    REFUSE_AND_QUOTE = "refuse_and_quote"
    CUT_AFTER_DOT = "cut_after_dot"


class MailFault(Fault):
    """A fault that hits mails to `recipient`, or to anybody where that is None."""

    kind: MailFaultKind
    recipient: str | None = None


_REFUSALS = {
    MailFaultKind.REFUSE_FOR_NOW: "451 4.7.1 Try again later",
    MailFaultKind.REFUSE_FOR_GOOD: "550 5.1.1 No such mailbox",
    MailFaultKind.REFUSE_TO_RELAY: "554 5.7.1 Relay access denied",
    MailFaultKind.REFUSE_AND_QUOTE: "550 5.1.1 <{address}>: Recipient address rejected",
}


@dataclass
class Mailbox:
    """All mails caught so far, oldest first, and the faults that are switched on.

    With `takes_utf8`, it offers SMTPUTF8 (RFC 6531), and so accepts addresses that are not in ASCII.
    """

    url: str
    smtp_url: str
    takes_utf8: bool = True
    messages: list[CaughtMail] = field(default_factory=list)
    faults: FaultInjector[MailFault] = field(default_factory=FaultInjector)

    def to(self, recipient: str | None) -> list[CaughtMail]:
        """The mails to `recipient`; all mails where it is None."""
        return [message for message in self.messages if recipient is None or message.is_to(recipient)]

    def recipients(self) -> list[str]:
        """Everybody who has received a mail, in alphabetical order."""
        return sorted({recipient for message in self.messages for recipient in message.recipients})

    def keep(self, envelope: Envelope, *, was_answered: bool) -> None:
        """Keep the mail in `envelope`."""
        self.messages.append(
            CaughtMail(
                id=str(len(self.messages) + 1),
                at=datetime.now(UTC),
                sender=envelope.mail_from or "",
                recipients=tuple(envelope.rcpt_tos),
                source=envelope.original_content or b"",
                was_answered=was_answered,
            )
        )

    def fault(self, recipients: list[str], kinds: set[MailFaultKind]) -> MailFault | None:
        """Take the first fault of one of `kinds` that hits a mail to `recipients`; None if there is none."""
        return self.faults.take(
            lambda fault: fault.kind in kinds and (fault.recipient is None or fault.recipient in recipients)
        )


class _Catcher:
    """Handles the commands of an SMTP session."""

    def __init__(self, mailbox: Mailbox) -> None:
        self._mailbox = mailbox

    async def handle_RCPT(  # noqa: N802 - aiosmtpd calls it by this name
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        del server, session
        fault = self._mailbox.fault([address], set(_REFUSALS))
        if fault:
            return _REFUSALS[fault.kind].format(address=address)
        envelope.rcpt_tos.append(address)
        envelope.rcpt_options.extend(options)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802 - as above
        del session
        is_cut = self._mailbox.fault(envelope.rcpt_tos, {MailFaultKind.CUT_AFTER_DOT}) is not None
        self._mailbox.keep(envelope, was_answered=not is_cut)
        if is_cut:
            cast("asyncio.Transport", server.transport).abort()
        return "250 OK"


class _Connection(SMTP):
    """One SMTP connection, registered so that it can be closed with the server."""

    def __init__(self, catcher: _Catcher, connections: set[asyncio.BaseTransport], *, takes_utf8: bool) -> None:
        # Without a hostname, aiosmtpd would look ours up in the DNS.
        loop = asyncio.get_running_loop()
        super().__init__(catcher, hostname="mailbox.localhost", loop=loop, enable_SMTPUTF8=takes_utf8)
        self._connections = connections

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._connections.add(transport)
        super().connection_made(transport)

    def connection_lost(self, error: Exception | None) -> None:
        if self.transport is not None:
            self._connections.discard(self.transport)
        super().connection_lost(error)


@asynccontextmanager
async def catching(mailbox: Mailbox, listener: socket.socket) -> AsyncIterator[None]:
    """Accept mails on `listener` into `mailbox` while the block runs."""
    connections: set[asyncio.BaseTransport] = set()
    catcher = _Catcher(mailbox)
    server = await asyncio.get_running_loop().create_server(
        lambda: _Connection(catcher, connections, takes_utf8=mailbox.takes_utf8), sock=listener
    )
    try:
        yield
    finally:
        server.close()
        for connection in connections:
            connection.close()
        await server.wait_closed()
