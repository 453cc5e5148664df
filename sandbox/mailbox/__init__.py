"""A mail server that keeps what it is given instead of delivering it, with a page and an API to read the mails."""

from sandbox.mailbox.catcher import Mailbox, MailFault, MailFaultKind
from sandbox.mailbox.message import CaughtMail
from sandbox.mailbox.running import running_mailbox

__all__ = ["CaughtMail", "MailFault", "MailFaultKind", "Mailbox", "running_mailbox"]
