"""Sends messages to the mail server over reused connections, and returns every failure as a value."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import ExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Literal
from urllib.parse import unquote, urlsplit

from aiosmtplib import SMTP, SMTPException, SMTPHeloError, SMTPResponseException

from services.notifier.rules.addresses import Address
from services.notifier.rules.delivery import Delivery, SmtpAnswer
from services.notifier.rules.smtp_replies import Stage, delivery_of
from services.notifier.rules.wording import one_line
from services.pipeline.certificates import show_server_certificate, shown_expiry
from services.pipeline.logs import FailureLog
from services.pipeline.metrics import MAIL_SERVER

SEND_SECONDS = 45.0
IDLE_SECONDS = 20.0
_MAX_ANSWER_CHARACTERS = 500
_UTF8_OPTIONS = ("SMTPUTF8", "BODY=8BITMIME")
NO_SMTPUTF8 = "Not sent: the mail server does not offer SMTPUTF8, which this address needs."

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

    async def send(self, sender: str, recipient: Address, message: bytes) -> SmtpAnswer:
        """Try once, for at most `send_seconds`, to send `message` to `recipient`."""
        stage = Stage.OPENING
        try:
            async with asyncio.timeout(self.send_seconds), self._connection() as client:
                if not (recipient.is_ascii or client.supports_extension("smtputf8")):
                    return SmtpAnswer(Delivery.REFUSED, NO_SMTPUTF8)
                stage = Stage.MAIL
                await client.mail(sender, options=() if recipient.is_ascii else _UTF8_OPTIONS)
                stage = Stage.RCPT
                await client.rcpt(str(recipient), encoding="utf-8")
                stage = Stage.DATA  # from here on the server may accept it and its answer may still get lost
                response = await client.data(message)
        except SMTPResponseException as error:
            return SmtpAnswer(
                delivery_of(error.code, error.message, stage), _answer_text(f"{error.code} {error.message}")
            )
        except Exception as error:  # noqa: BLE001 - the library also raises what Python does about an odd value
            if not isinstance(error, SMTPException | OSError):
                self._failures.defect("mail.send_failed", error)
            return SmtpAnswer(_delivery_without_reply(error, stage), _answer_text(f"{type(error).__name__} {error}"))
        return SmtpAnswer(Delivery.ACCEPTED, _answer_text(f"{response.code} {response.message}"))

    async def problem(self) -> str | None:
        """Connect, greet, encrypt and sign in as for a mail, and send nothing; return what fails, if anything."""
        try:
            async with asyncio.timeout(self.send_seconds), self._connection():
                pass
        except (SMTPException, OSError, TimeoutError) as error:
            return _answer_text(str(error) and f"{type(error).__name__} {error}") or "it does not answer in time"
        await self.hang_up()
        return None

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
            if client.is_ehlo_or_helo_needed:
                await _greet(client)
            show_server_certificate(MAIL_SERVER, shown_expiry(client.get_transport_info("ssl_object")))
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


async def _greet(client: SMTP) -> None:
    """Learn what the server offers; a very old one offers nothing, and knows HELO only."""
    try:
        await client.ehlo()
    except SMTPHeloError:
        await client.helo()


def _delivery_without_reply(error: Exception, stage: Stage) -> Delivery:
    """The outcome of an attempt that ended with something else than a reply."""
    if stage is Stage.DATA:
        return Delivery.UNKNOWN
    # a plain SMTPException says that the server does not offer the encryption or the sign-in that SMTP_URL wants
    is_set_up_wrong = type(error) is SMTPException or any(
        isinstance(each, ssl.SSLCertVerificationError) for each in (error, error.__cause__)
    )
    return Delivery.BLOCKED if is_set_up_wrong else Delivery.DEFERRED


def _answer_text(answer: str) -> str:
    return one_line(answer, _MAX_ANSWER_CHARACTERS)


def _decoded(part: str | None) -> str | None:
    return None if part is None else unquote(part)
