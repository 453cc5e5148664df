"""Says in words why no broker can be used, and what to do: librdkafka itself only says that its transport failed."""

import socket
import ssl
from collections.abc import Callable, Iterator

from confluent_kafka import KafkaError

from services.pipeline.settings import KafkaSettings

HANDSHAKE_SECONDS = 2.0
_CALLS = 20
"""librdkafka passes on what happened one by one, the cause often after its consequences."""
_TELLING = (KafkaError._AUTHENTICATION, KafkaError._SSL, KafkaError._RESOLVE, KafkaError._TRANSPORT)  # noqa: SLF001
_REMEDIES = {
    KafkaError._AUTHENTICATION: (  # noqa: SLF001 - librdkafka's local codes begin with _
        "check KAFKA_SASL_USERNAME, KAFKA_SASL_PASSWORD and KAFKA_SASL_MECHANISM"
    ),
    KafkaError._RESOLVE: "check the names in KAFKA_BOOTSTRAP_SERVERS",  # noqa: SLF001
}
_REFUSED_BY_BROKER = " alert "
"""In what TLS calls the message by which the other side refuses us."""


class Troubles:
    """What one client had trouble with last; `callback` is its `error_cb`."""

    def __init__(self, settings: KafkaSettings) -> None:
        self._settings = settings
        self._seen: dict[int, str] = {}

    def callback(self, error: KafkaError) -> None:
        """Remember `error`."""
        if error.code() in _TELLING:
            self._seen[error.code()] = error.str()

    def explain(self, error: KafkaError, serve: Callable[[], object]) -> str:
        """Return why `error` happened and what to do; `serve` lets librdkafka call back."""
        if error.code() > 0:
            return error.str()  # a broker has said it, so the way to it is fine
        self._seen.clear()
        for _ in range(_CALLS):
            serve()
        for code in _TELLING:  # the first one says most
            if code in self._seen:
                return self._worded(code, self._seen[code])
        return self._silence(error.str())

    def _worded(self, code: int, text: str) -> str:
        if _REFUSED_BY_BROKER in text:
            return f"{text}: check KAFKA_SSL_CERTIFICATE_LOCATION and KAFKA_SSL_KEY_LOCATION"
        if code == KafkaError._SSL:  # noqa: SLF001 - as above
            return self._tls_trouble(text)
        return f"{text}: {_REMEDIES[code]}" if code in _REMEDIES else text

    def _silence(self, text: str) -> str:
        """Return `text`, and what it may mean that librdkafka was told nothing although a port is open."""
        for server, host, port in self._servers():
            try:
                socket.create_connection((host, port), HANDSHAKE_SECONDS).close()
            except OSError:
                continue
            protocol = self._settings.kafka_security_protocol
            return f"{text}: {server} accepts connections only; check KAFKA_SECURITY_PROTOCOL, which is {protocol}"
        return text

    def _tls_trouble(self, text: str) -> str:
        """Return what TLS did not accept; OpenSSL's words about a certificate do not reach us through librdkafka."""
        for server, host, port in self._servers():
            try:
                _shake_hands(host, port, self._settings.ssl_context())
            except ssl.SSLCertVerificationError as error:
                return f"{server} shows a certificate that is not accepted: {_advice(error)}"
            except OSError:
                continue
        return f"{text}: check KAFKA_SECURITY_PROTOCOL and KAFKA_SSL_CA_LOCATION"

    def _servers(self) -> Iterator[tuple[str, str, int]]:
        """The addresses that were given, each with its host and its port."""
        for server in map(str.strip, self._settings.kafka_bootstrap_servers.split(",")):
            host, _, port = server.rpartition(":")
            if port.isdecimal():
                yield server, host.strip("[]"), int(port)


def _shake_hands(host: str, port: int, context: ssl.SSLContext) -> None:
    with (
        socket.create_connection((host, port), HANDSHAKE_SECONDS) as connection,
        context.wrap_socket(connection, server_hostname=host),
    ):
        return


def _advice(error: ssl.SSLCertVerificationError) -> str:
    """Return OpenSSL's words, and what to do."""
    words = error.verify_message.rstrip(".")
    if "mismatch" in words:
        return f"{words}: use a name that is in it, in KAFKA_BOOTSTRAP_SERVERS and in advertised.listeners"
    if "expired" in words or "not yet valid" in words:
        return f"{words}: renew it on the broker, or set the clocks right"
    return f"{words}: KAFKA_SSL_CA_LOCATION must hold the CA that signed it"
