"""One caught mail: its envelope, its source byte for byte, and what a mail reader would make of it."""

import re
from dataclasses import dataclass
from datetime import datetime
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from functools import cached_property
from typing import Any

_HEAD = re.compile(r"<head\b[^>]*>", re.IGNORECASE)


@dataclass(frozen=True)
class CaughtMail:
    """A mail as it came in; `was_answered` is False where the connection was cut after the final dot."""

    id: str
    at: datetime
    sender: str
    recipients: tuple[str, ...]
    source: bytes
    was_answered: bool = True

    @cached_property
    def parsed(self) -> EmailMessage:
        """The mail with its headers decoded."""
        return message_from_bytes(self.source, policy=default)

    @property
    def subject(self) -> str:
        """The subject, empty where there is none."""
        return str(self.parsed["Subject"] or "")

    @property
    def headers(self) -> dict[str, str]:
        """Every header by name; the values of one that occurs more than once, each on its own line."""
        names = dict.fromkeys(self.parsed.keys())
        return {name: "\n".join(map(str, self.parsed.get_all(name, []))) for name in names}

    @property
    def text(self) -> str:
        """The plain text, empty where there is none."""
        return self._part("plain")

    @property
    def html(self) -> str:
        """The HTML, empty where there is none."""
        return self._part("html")

    def is_to(self, recipient: str) -> bool:
        """Whether the envelope names `recipient`, whatever the case."""
        return recipient.casefold() in map(str.casefold, self.recipients)

    def in_short(self) -> dict[str, Any]:
        """The mail's line in a list."""
        return {
            "id": self.id,
            "at": self.at,
            "from": self.sender,
            "to": self.recipients,
            "subject": self.subject,
            "message_id": str(self.parsed["Message-ID"] or ""),
            "was_answered": self.was_answered,
        }

    def in_full(self) -> dict[str, Any]:
        """The mail with its headers, text and HTML."""
        return self.in_short() | {"headers": self.headers, "text": self.text, "html": self.html}

    def _part(self, subtype: str) -> str:
        part = self.parsed.get_body((subtype,))
        return str(part.get_content()) if part else ""


def with_links_outside(html: str) -> str:
    """`html` whose links open in a new tab, since the frame that shows it can open nothing itself."""
    return _HEAD.sub(lambda head: f'{head.group()}<base target="_blank">', html, count=1)
