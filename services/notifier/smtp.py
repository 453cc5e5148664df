"""Sends messages to the mail server over reused connections, and returns every failure as a value."""

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
from services.pipeline.logs import FailureLog

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
    """Address, encryption and credentials of the mail server."""

    host: str
    port: int
    security: Security
    username: str | None = None
    password: str | None = field(default=None, repr=False)

    @classmethod
    def from_url(cls, url: str) -> "SmtpServer":
        """The server at `url`; ValueError says what the URL should look like."""
        parts = urlsplit(url)
        if parts.scheme not in _SCHEMES or not parts.hostname:
            raise ValueError("must be smtp://, smtp+starttls:// or smtps://, with user:password@ if needed, and a host")
        security, port = _SCHEMES[parts.scheme]
        return cls(parts.hostname, parts.port or port, security, _decoded(parts.username), _decoded(parts.password))


class SmtpGateway:
    """Sends messages to one server; each call has a connection to itself, which is kept for later calls."""

    def __init__(
        self,
        server: SmtpServer,
        *,
        tls_context: ssl.SSLContext | None = None,
        send_seconds: float = SEND_SECONDS,
    ) -> None:
        self._server = server
        self._tls_context = tls_context or (None if server.security == "none" else ssl.create_default_context())
        self.send_seconds = send_seconds
        self._idle: list[SMTP] = []
        self._failures = FailureLog()

    async def send(self, sender: str, recipient: str, message: bytes) -> SmtpAnswer:
        """Try once, for at most `send_seconds`, to send `message` to `recipient`."""
        may_be_delivered = False
        try:
            async with asyncio.timeout(self.send_seconds), self._connection() as client:
                await client.mail(sender)
                await client.rcpt(recipient)
                may_be_delivered = True  # from here on the server may accept it and its answer may still get lost
                response = await client.data(message)
        except SMTPResponseException as error:
            delivery = _delivery_of(error, may_be_delivered=may_be_delivered)
            return SmtpAnswer(delivery, _answer_text(f"{error.code} {error.message}"))
        except Exception as error:  # noqa: BLE001 - the library also raises what Python does about an odd value
            if not isinstance(error, SMTPException | OSError):
                self._failures.defect("mail.send_failed", error)
            delivery = Delivery.UNKNOWN if may_be_delivered else Delivery.DEFERRED
            return SmtpAnswer(delivery, _answer_text(f"{type(error).__name__} {error}"))
        return SmtpAnswer(Delivery.ACCEPTED, _answer_text(f"{response.code} {response.message}"))

    async def hang_up(self) -> None:
        """Close all idle connections."""
        while self._idle:
            client = self._idle.pop()
            try:
                with suppress(SMTPException, OSError):
                    await client.quit()
            finally:
                client.close()

    @asynccontextmanager
    async def _connection(self) -> AsyncIterator[SMTP]:
        """Yield a connection; it is kept for the next mail unless an error occurred on it."""
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
            # explicit, because by default the library would upgrade a plain connection where the server offers it
            start_tls=server.security == "starttls",
            tls_context=self._tls_context,
            timeout=self.send_seconds,
        )


def _delivery_of(error: SMTPResponseException, *, may_be_delivered: bool) -> Delivery:
    """The outcome that an error reply means; only a rejected recipient or message is final."""
    is_about_this_mail = isinstance(error, SMTPRecipientRefused | SMTPDataError)
    if is_about_this_mail and error.code >= _FIRST_PERMANENT_CODE:
        return Delivery.REFUSED
    is_refusal = error.code >= _FIRST_TEMPORARY_CODE
    return Delivery.UNKNOWN if may_be_delivered and not is_refusal else Delivery.DEFERRED


def _answer_text(answer: str) -> str:
    return one_line(answer, _MAX_ANSWER_CHARACTERS)


def _decoded(part: str | None) -> str | None:
    return None if part is None else unquote(part)
