"""The settings that all services share, read once from the environment."""

import os
from ipaddress import ip_network
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal, TypeVar

from pydantic import AfterValidator, AliasChoices, Field, SecretStr, ValidationError
from pydantic_core import ErrorDetails
from pydantic_settings import BaseSettings, SettingsConfigDict

from services.pipeline.database import POOL_SIZE
from services.pipeline.errors import SettingsError

MIN_KEPT_DAYS = 60
"""Rows that make a repeat harmless outlive every repeat: a backup of 14 days ago is restored, publishes again what then
stays on its topic for 14 days, and is read from there by a service that is restored as well; and something to spare."""
MAX_KEPT_DAYS = 36_500

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
    http_trusted_proxies: Annotated[str | None, AfterValidator(_networks)] = Field(
        default=None,
        description="Addresses or networks, separated by commas, of proxies whose X-Forwarded-For is believed.",
    )
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
    return problem["msg"]


def _revealed(secret: SecretStr | None) -> str | None:
    return None if secret is None else secret.get_secret_value()


def _text(path: Path | None) -> str | None:
    return None if path is None else str(path)
