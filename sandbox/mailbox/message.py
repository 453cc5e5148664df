"""One caught mail: its envelope, its raw source, and its parsed headers and bodies."""

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
    """A mail as it arrived; `was_answered` is False if the connection was cut after the final dot."""

    id: str
    at: datetime
    sender: str
    recipients: tuple[str, ...]
    source: bytes
    was_answered: bool = True

    @cached_property
    def parsed(self) -> EmailMessage:
        """The parsed mail, with decoded headers."""
        return message_from_bytes(self.source, policy=default)

    @property
    def subject(self) -> str:
        """The subject; empty if there is none."""
        return str(self.parsed["Subject"] or "")

    @property
    def headers(self) -> dict[str, str]:
        """Every header by name; the values of a repeated header are joined by line breaks."""
        names = dict.fromkeys(self.parsed.keys())
        return {name: "\n".join(map(_utf8, self.parsed.get_all(name, []))) for name in names}

    @property
    def text(self) -> str:
        """The plain text; empty if there is none."""
        return self._part("plain")

    @property
    def html(self) -> str:
        """The HTML; empty if there is none."""
        return self._part("html")

    def is_to(self, recipient: str) -> bool:
        """Whether `recipient` is in the envelope, ignoring case."""
        return recipient.casefold() in map(str.casefold, self.recipients)

    def summary(self) -> dict[str, Any]:
        """The mail as the API lists it."""
        return {
            "id": self.id,
            "at": self.at,
            "from": self.sender,
            "to": self.recipients,
            "subject": self.subject,
            "message_id": str(self.parsed["Message-ID"] or ""),
            "was_answered": self.was_answered,
        }

    def details(self) -> dict[str, Any]:
        """The summary with headers, text and HTML."""
        return self.summary() | {"headers": self.headers, "text": self.text, "html": self.html}

    def _part(self, subtype: str) -> str:
        part = self.parsed.get_body((subtype,))
        return str(part.get_content()) if part else ""


def _utf8(field: object) -> str:
    """The text of a field whose bytes are UTF-8 (RFC 6532), which the parser does not read by itself."""
    return str(field).encode(errors="surrogateescape").decode(errors="replace")


def with_links_in_new_tabs(html: str) -> str:
    """Make the links in `html` open in new tabs, since the frame that shows it cannot navigate."""
    return _HEAD.sub(lambda head: f'{head.group()}<base target="_blank">', html, count=1)
