"""The settings that all services share, read once from the environment."""

import os
import ssl
from ipaddress import ip_network
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal, Self, TypeVar

from pydantic import AfterValidator, AliasChoices, BeforeValidator, Field, SecretStr, ValidationError, model_validator
from pydantic_core import ErrorDetails
from pydantic_settings import BaseSettings, SettingsConfigDict

from schemas.fields import IN_WORDS, URL_PATTERN
from services.pipeline.database import POOL_SIZE
from services.pipeline.errors import SettingsError

MIN_KEPT_DAYS = 60
"""Rows that make a repeat harmless outlive every repeat: a backup of 14 days ago is restored, publishes again what then
stays on its topic for 14 days, and is read from there by a service that is restored as well; and something to spare."""
MAX_KEPT_DAYS = 36_500
_MECHANISMS_WITH_PASSWORD = ("PLAIN", "SCRAM")

SettingsT = TypeVar("SettingsT", bound=BaseSettings)


class KafkaSettings(BaseSettings):
    """How to connect to Kafka."""

    model_config = SettingsConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True, populate_by_name=True)

    kafka_bootstrap_servers: str = Field(description="Kafka bootstrap servers, host:port, separated by commas.")
    kafka_security_protocol: Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"] = Field(
        default="PLAINTEXT", description="Security protocol: PLAINTEXT, SSL, SASL_PLAINTEXT or SASL_SSL."
    )
    kafka_sasl_mechanism: str | None = Field(default=None, description="SASL mechanism, for example SCRAM-SHA-512.")
    kafka_sasl_username: str | None = Field(default=None, description="SASL user name.")
    kafka_sasl_password: SecretStr | None = Field(default=None, description="SASL password.")
    kafka_ssl_ca_location: Path | None = Field(default=None, description="File with the CA certificates to trust.")
    kafka_ssl_certificate_location: Path | None = Field(default=None, description="File with the client certificate.")
    kafka_ssl_key_location: Path | None = Field(default=None, description="File with the client's private key.")
    kafka_ssl_key_password: SecretStr | None = Field(default=None, description="Password of the client's private key.")
    kafka_group_protocol: Literal["consumer", "classic"] = Field(
        default="consumer", description="consumer needs Kafka 4 or newer; classic works with older brokers."
    )

    @model_validator(mode="after")
    def _is_usable(self) -> Self:
        """Refuse at start what no client could sign in with; OpenSSL's own words do not name a variable."""
        if self.kafka_security_protocol.startswith("SASL"):
            _require(self, "kafka_sasl_mechanism")
            if str(self.kafka_sasl_mechanism).startswith(_MECHANISMS_WITH_PASSWORD):
                _require(self, "kafka_sasl_username", "kafka_sasl_password")
        if self.kafka_security_protocol.endswith("SSL"):
            try:
                self.ssl_context()
            except (OSError, ValueError) as error:  # an SSLError is an OSError
                raise ValueError(f"The files in KAFKA_SSL_* cannot be used: {error}") from error
        return self

    def ssl_context(self) -> ssl.SSLContext:
        """Return how a client of Python's own checks the brokers' certificates, and which one it shows."""
        context = ssl.create_default_context(cafile=_existing("KAFKA_SSL_CA_LOCATION", self.kafka_ssl_ca_location))
        certificate = _existing("KAFKA_SSL_CERTIFICATE_LOCATION", self.kafka_ssl_certificate_location)
        key = _existing("KAFKA_SSL_KEY_LOCATION", self.kafka_ssl_key_location)
        if certificate is not None:
            # without a password, OpenSSL would ask for one at the terminal
            context.load_cert_chain(certificate, key, _revealed(self.kafka_ssl_key_password) or "")
        return context

    def client_config(self) -> dict[str, Any]:
        """Return the connection part of a librdkafka configuration."""
        given = {
            "bootstrap.servers": self.kafka_bootstrap_servers,
            "security.protocol": self.kafka_security_protocol,
            "sasl.mechanism": self.kafka_sasl_mechanism,
            "sasl.username": self.kafka_sasl_username,
            "sasl.password": _revealed(self.kafka_sasl_password),
            "ssl.ca.location": _text(self.kafka_ssl_ca_location),
            "ssl.certificate.location": _text(self.kafka_ssl_certificate_location),
            "ssl.key.location": _text(self.kafka_ssl_key_location),
            "ssl.key.password": _revealed(self.kafka_ssl_key_password),
        }
        return {name: value for name, value in given.items() if value is not None}


def database_url_field(service: str) -> Any:
    """Return the settings field for the PostgreSQL of `service`: its own variable, or DATABASE_URL."""
    return Field(
        validation_alias=AliasChoices(*_database_variables(service)),
        description=f"PostgreSQL of the {service} service; overrides DATABASE_URL.",
    )


def database_url(service: str) -> SecretStr:
    """Return the address of the PostgreSQL of `service`; SettingsError says which variable to set."""
    own, shared = _database_variables(service)
    environ = {name.upper(): value for name, value in os.environ.items()}  # as the other settings are read
    url = environ.get(own) or environ.get(shared)
    if not url:
        raise SettingsError(f"Set {shared}, or {own} for {service} alone.")
    return SecretStr(url)


def _database_variables(service: str) -> tuple[str, str]:
    return f"{service.upper()}_DATABASE_URL", "DATABASE_URL"


def days_field(default: int, description: str, *, at_least: int = MIN_KEPT_DAYS) -> Any:
    """Return the settings field for a number of days for which something is kept."""
    return Field(default=default, ge=at_least, le=MAX_KEPT_DAYS, description=f"{description} At least {at_least}.")


FINISHED_DAYS_FIELD = days_field(
    90, "Days to keep details of what is finished: superseded contents, exports in the ERP, lines of the summary."
)


def _networks(value: str | None) -> str | None:
    """Return `value`; ValueError unless it lists addresses or networks."""
    try:
        for each in value.split(",") if value else ():
            ip_network(each.strip())
    except ValueError:
        raise ValueError("must list addresses or networks, such as 10.0.0.0/8") from None
    return value


def _sendable(token: SecretStr | None) -> SecretStr | None:
    if token is not None and not (token.get_secret_value().isascii() and token.get_secret_value().isprintable()):
        raise ValueError("must have letters, digits and signs of ASCII only, since it is sent in a header")
    return token


OPERATIONS_TOKEN_FIELD: Any = Field(
    default=None,
    min_length=16,
    description="Secret with which operators ask the services about a commitment; the same for all, none: no answers.",
)
OperationsToken = Annotated[SecretStr | None, BeforeValidator(lambda given: given or None), AfterValidator(_sendable)]
OptionalPort = Annotated[int | None, BeforeValidator(lambda given: None if given == "" else given)]
OptionalUrl = Annotated[str | None, BeforeValidator(lambda given: given or None)]


def service_url_field(service: str) -> Any:
    """Return the settings field for the address at which `service` can be asked about a commitment."""
    return Field(
        default=None,
        pattern=URL_PATTERN,
        description=f"Address of the {service} service inside your network, to ask it about a commitment.",
    )


class OperationsSettings(BaseSettings):
    """How the `countersign` command asks the running services; what is not set is not asked."""

    model_config = SettingsConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)

    operations_token: OperationsToken = OPERATIONS_TOKEN_FIELD
    approval_url: OptionalUrl = service_url_field("approval")
    exporter_url: OptionalUrl = service_url_field("exporter")
    notifier_url: OptionalUrl = service_url_field("notifier")
    digest_url: OptionalUrl = service_url_field("digest")

    def url_of(self, service: str) -> str | None:
        """Return the address of `service`; None if it is not set."""
        url: str | None = getattr(self, f"{service}_url")
        return url


class ServiceSettings(KafkaSettings):
    """What every service needs; each service has a subclass, with `database_url` from its own variable."""

    pool_size: ClassVar[int] = POOL_SIZE
    """The connections that one process opens to its database at most."""

    database_url: SecretStr = Field(
        description="PostgreSQL of all services, postgresql://user:password@host/database; "
        "APPROVAL_DATABASE_URL and the like override it for one service."
    )
    http_host: str = Field(default="127.0.0.1", description="Listen address for pages, metrics and health checks.")
    http_port: int = Field(default=8000, ge=0, le=65535, description="Port to listen on; 0 picks a free one.")
    metrics_port: OptionalPort = Field(
        default=None,
        ge=0,
        le=65535,
        description="Port for /metrics and /operations, which HTTP_PORT then lacks; without it, HTTP_PORT serves them.",
    )
    http_trusted_proxies: Annotated[str | None, AfterValidator(_networks)] = Field(
        default=None,
        description="Addresses or networks, separated by commas, of proxies whose X-Forwarded-For is believed.",
    )
    otel_exporter_otlp_endpoint: str | None = Field(
        default=None, description="Where to send traces (OTLP over HTTP); without it, there are none."
    )
    operations_token: OperationsToken = OPERATIONS_TOKEN_FIELD
    keep_dead_letters_days: int = days_field(90, "Days to keep a dead letter after it was redriven or discarded.")
    log_format: Literal["json", "console"] = Field(default="json", description="json for machines, console for people.")


def load(settings_type: type[SettingsT], **given: Any) -> SettingsT:
    """Read settings from the environment; SettingsError names every missing or wrong variable."""
    try:
        return settings_type(**given)
    except ValidationError as error:
        problems = "; ".join(
            f"{str(problem['loc'][0]).upper() if problem['loc'] else 'settings'}: {_wording(problem)}"
            for problem in error.errors(include_url=False, include_input=False)
        )
        raise SettingsError(f"Settings are missing or wrong. {problems}. See .env.example.") from None


def _wording(problem: ErrorDetails) -> str:
    """Return pydantic's words; it speaks of the items of a secret that is too short."""
    if problem["type"] == "too_short":
        return f"needs at least {problem['ctx']['min_length']} characters"
    if problem["type"] == "string_pattern_mismatch" and problem["ctx"]["pattern"] in IN_WORDS:
        return IN_WORDS[problem["ctx"]["pattern"]]
    if problem["type"] == "value_error":
        return str(problem["ctx"]["error"])  # as raised; pydantic would put "Value error" before it
    return problem["msg"]


def _require(settings: BaseSettings, *fields: str) -> None:
    """Raise ValueError that names those of `fields` that are not set, by their variables."""
    if missing := [name.upper() for name in fields if not getattr(settings, name)]:
        raise ValueError(f"KAFKA_SECURITY_PROTOCOL needs {', '.join(missing)} as well")


def _existing(variable: str, path: Path | None) -> Path | None:
    """Return `path`; OSError names the variable if there is no such file, or if we may not read it."""
    if path is not None:
        try:
            path.open("rb").close()
        except OSError as error:
            raise OSError(f"{variable}={path}: {error.strerror}") from error
    return path


def _revealed(secret: SecretStr | None) -> str | None:
    return None if secret is None else secret.get_secret_value()


def _text(path: Path | None) -> str | None:
    return None if path is None else str(path)
