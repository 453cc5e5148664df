"""The configuration of our services in the sandbox: environment variables, ERP connection, and sign-in client."""

import json
import secrets
from collections.abc import Mapping
from pathlib import Path

from pydantic import SecretStr

from sandbox.erp.faults import SLOWEST_SECONDS
from sandbox.mailbox import Mailbox
from sandbox.servers import LocalKafka, LocalPostgres
from sandbox.sign_in import Client, Provider
from schemas.examples.cast import COMPANY
from services.pipeline.names import SERVICES
from services.pipeline.settings import KafkaSettings

DATABASE = "countersign"
KEPT_OUT = (
    *map(str.upper, KafkaSettings.model_fields),
    *("DATABASE_URL", *(f"{service.upper()}_DATABASE_URL" for service in SERVICES)),
    *("MIGRATION_DATABASE_URL", *(f"{service.upper()}_MIGRATION_DATABASE_URL" for service in SERVICES)),
    *("METRICS_PORT", "APPROVAL_RULES"),
)
"""Variables of the shell that would lead services of the sandbox, or commands beside it, to servers or files that are
not its own: whoever has loaded a `.env` has those of real ones."""

TomlValue = float | bool | str | list[str] | Mapping[str, str]


def service_environment(
    kafka: LocalKafka, postgres: LocalPostgres, mailbox: Mailbox, sign_in: Provider
) -> dict[str, str]:
    """The variables with which our services reach the servers around them."""
    return {
        "KAFKA_BOOTSTRAP_SERVERS": kafka.bootstrap_servers,  # where Kafka knows users, each service has its own
        "DATABASE_URL": postgres.url_of(DATABASE),
        "SMTP_URL": mailbox.smtp_url,
        "MAIL_FROM": "Countersign <erp@desk.example>",
        "LINK_SECRET": secrets.token_urlsafe(32),
        "OPERATIONS_TOKEN": secrets.token_urlsafe(32),
        "OIDC_ISSUER": sign_in.issuer,
        "OIDC_CLIENT_ID": sign_in.client.id,
        "OIDC_CLIENT_SECRET": sign_in.client.secret.get_secret_value(),
        "OIDC_AUDIENCE": sign_in.client.audience,
        "LOG_FORMAT": "console",
    }


def kafka_settings(kafka: LocalKafka, user: str) -> KafkaSettings:
    """How `user` connects to `kafka`, whatever KAFKA_* are set."""
    defaults = {name: each.default for name, each in KafkaSettings.model_fields.items() if not each.is_required()}
    return KafkaSettings(**defaults | {name.lower(): value for name, value in kafka.access(user).items()})


def desk_client(desk_url: str) -> Client:
    """The approval desk as an application of the sign-in provider."""
    return Client(
        id="countersign-desk",
        secret=SecretStr(secrets.token_urlsafe(16)),
        redirect_uris=(f"{desk_url}/sign-in/callback",),
        audience="countersign-api",
        post_logout_redirect_uris=(f"{desk_url}/",),
    )


def write_connections(folder: Path, erp: Mapping[str, TomlValue], overrides: Mapping[str, TomlValue]) -> Path:
    """Write the file for ERP_CONNECTIONS: one connection to the sandbox's ERP, with short timeouts."""
    connection: dict[str, TomlValue] = {
        "companies": [COMPANY],
        "timeout_seconds": 5.0,
        "settle_seconds": SLOWEST_SECONDS,  # counted from the time-out, so that the slowest answer is awaited
        "first_probe_seconds": 1.0,
    }
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "erp-connections.toml"
    lines = [f"{name} = {_toml(value)}" for name, value in (connection | dict(erp) | dict(overrides)).items()]
    path.write_text("\n".join(["[[connection]]", *lines, ""]))
    return path


def _toml(value: TomlValue) -> str:
    """Return a value as TOML, which is JSON but for its tables."""
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{json.dumps(name)} = {_toml(each)}" for name, each in value.items()) + "}"
    return json.dumps(value)
