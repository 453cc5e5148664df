"""Runs the mailbox in the current event loop: SMTP and HTTP on the loopback."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

from sandbox.mailbox.app import build_mailbox
from sandbox.mailbox.catcher import Mailbox, catching
from sandbox.serving import LOOPBACK, listen, port_of, served, url_of


@asynccontextmanager
async def running_mailbox(
    *, smtp_port: int = 0, http_port: int = 0, neighbours: Mapping[str, str] | None = None
) -> AsyncIterator[Mailbox]:
    """A mailbox that accepts mails while the block runs. Raises OSError if a port is taken."""
    with listen(smtp_port) as smtp, listen(http_port) as http:
        mailbox = Mailbox(url=url_of(http), smtp_url=f"smtp://{LOOPBACK}:{port_of(smtp)}")
        async with catching(mailbox, smtp), served(build_mailbox(mailbox, neighbours), http):
            yield mailbox
