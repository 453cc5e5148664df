"""The way to the mail server: a few kept connections, and every failure as a value."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import ExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Literal
from urllib.parse import unquote, urlsplit

from aiosmtplib import SMTP, SMTPDataError, SMTPException, SMTPRecipientRefused, SMTPResponseException

from services.notifier.rules.delivery import Delivery, SmtpAnswer
from services.notifier.rules.wording import one_line

SEND_SECONDS = 45.0
IDLE_SECONDS = 20.0
_MAX_ANSWER_CHARACTERS = 500
_FIRST_PERMANENT_CODE = 500
_FIRST_TEMPORARY_CODE = 400

Security = Literal["none", "starttls", "tls"]
_SCHEMES: dict[str, tuple[Security, int]] = {
    "smtp": ("none", 25),
    "smtp+starttls": ("starttls", 587),
    "smtps": ("tls", 465),
}


@dataclass(frozen=True, slots=True)
class SmtpServer:
    """Where the mail server is and how to talk to it."""

    host: str
    port: int
    security: Security
    username: str | None = None
    password: str | None = field(default=None, repr=False)

    @classmethod
    def from_url(cls, url: str) -> "SmtpServer":
        """The server that `url` names; ValueError says what a URL looks like."""
        parts = urlsplit(url)
        if parts.scheme not in _SCHEMES or not parts.hostname:
            raise ValueError("must be smtp://, smtp+starttls:// or smtps://, with user:password@ if needed, and a host")
        security, port = _SCHEMES[parts.scheme]
        return cls(parts.hostname, parts.port or port, security, _decoded(parts.username), _decoded(parts.password))


class SmtpGateway:
    """Hands mails to one server, one connection for each caller at a time; connections are kept for the next mail."""

    def __init__(
        self,
        server: SmtpServer,
        *,
        tls_context: ssl.SSLContext | None = None,
        send_seconds: float = SEND_SECONDS,
    ) -> None:
        self._server = server
        self._tls_context = tls_context or (None if server.security == "none" else ssl.create_default_context())
        self._send_seconds = send_seconds
        self._idle: list[SMTP] = []

    async def send(self, sender: str, recipient: str, message: bytes) -> SmtpAnswer:
        """Try once, for at most `send_seconds`, to hand `message` over for `recipient`."""
        is_under_way = False
        try:
            async with asyncio.timeout(self._send_seconds), self._connection() as client:
                await client.mail(sender)
                await client.rcpt(recipient)
                is_under_way = True  # from here on the server may have taken it, whatever happens to its answer
                response = await client.data(message)
        except SMTPResponseException as error:
            return SmtpAnswer(_meaning(error, is_under_way=is_under_way), _in_words(f"{error.code} {error.message}"))
        except (SMTPException, OSError) as error:
            delivery = Delivery.UNKNOWN if is_under_way else Delivery.DEFERRED
            return SmtpAnswer(delivery, _in_words(f"{type(error).__name__} {error}"))
        return SmtpAnswer(Delivery.ACCEPTED, _in_words(f"{response.code} {response.message}"))

    async def hang_up(self) -> None:
        """Close the connections that no mail is using."""
        while self._idle:
            client = self._idle.pop()
            with suppress(SMTPException, OSError):
                await client.quit()
            client.close()

    @asynccontextmanager
    async def _connection(self) -> AsyncIterator[SMTP]:
        """Lend a connection; it is kept for the next mail unless something went wrong on it."""
        client = self._kept_connection() or self._new_connection()
        with ExitStack() as failing:
            failing.callback(client.close)
            if not client.is_connected:
                await client.connect()
            yield client
            failing.pop_all()
            self._idle.append(client)

    def _kept_connection(self) -> SMTP | None:
        while self._idle:
            client = self._idle.pop()
            if client.is_connected:
                return client
        return None

    def _new_connection(self) -> SMTP:
        server = self._server
        return SMTP(
            hostname=server.host,
            port=server.port,
            username=server.username,
            password=server.password,
            use_tls=server.security == "tls",
            # said outright: left alone, the library would upgrade plain connections to whatever they offer
            start_tls=server.security == "starttls",
            tls_context=self._tls_context,
            timeout=self._send_seconds,
        )


def _meaning(error: SMTPResponseException, *, is_under_way: bool) -> Delivery:
    """What the server's answer means; only a refusal of the recipient or of the message itself is final."""
    is_about_mail = isinstance(error, SMTPRecipientRefused | SMTPDataError)
    if is_about_mail and error.code >= _FIRST_PERMANENT_CODE:
        return Delivery.REFUSED
    is_refusal = error.code >= _FIRST_TEMPORARY_CODE
    return Delivery.UNKNOWN if is_under_way and not is_refusal else Delivery.DEFERRED


def _in_words(answer: str) -> str:
    return one_line(answer, _MAX_ANSWER_CHARACTERS)


def _decoded(part: str | None) -> str | None:
    return None if part is None else unquote(part)
