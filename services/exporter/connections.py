"""Reads the file of ERP connections: which ERPs there are, and which company's commitments go to which."""

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any, cast

from pydantic import SecretStr, ValidationError

from schemas.message import wording
from services.exporter.connectors.protocol import ConnectionSettings, Connector, ConnectorType
from services.pipeline.errors import SettingsError

ENTRY_POINT_GROUP = "countersign.connectors"


@dataclass(frozen=True, slots=True)
class Connection:
    """One configured ERP."""

    settings: ConnectionSettings
    connector: Connector

    @property
    def name(self) -> str:
        """The connection's name."""
        return self.settings.name

    @property
    def max_leases(self) -> int:
        """How many exports may be leased at a time by all processes: each makes one call after the other."""
        return self.settings.max_in_flight

    @property
    def lease_seconds(self) -> float:
        """How long one attempt may take: a probe, two writes, and some time to settle."""
        return 3 * self.settings.timeout_seconds + 5


@dataclass(frozen=True, slots=True)
class Connections:
    """All configured connections, by name."""

    by_name: Mapping[str, Connection] = field(default_factory=dict)

    @property
    def routes(self) -> Mapping[str, str]:
        """The name of each company's connection."""
        return {company: name for name, each in self.by_name.items() for company in each.settings.companies}

    @property
    def max_leases(self) -> int:
        """How many exports of all connections may be leased at a time; none takes another's share."""
        return sum(each.max_leases for each in self.by_name.values())


def load_connections(path: Path, environ: Mapping[str, str]) -> Connections:
    """Read the connections from the TOML file `path`; SettingsError says what is wrong with it."""
    tables = _tables(path)
    connections = [_connection(path, number, table, environ) for number, table in enumerate(tables, start=1)]
    _check_unique("the name", path, (each.name for each in connections))
    _check_unique("the company", path, (company for each in connections for company in each.settings.companies))
    return Connections({each.name: each for each in connections})


def _tables(path: Path) -> list[dict[str, Any]]:
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"ERP_CONNECTIONS: {path} cannot be read: {error}") from error
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(f"ERP_CONNECTIONS: {path} is not valid TOML: {error}") from error
    tables = content.get("connection", [])
    if set(content) - {"connection"} or not isinstance(tables, list):
        raise SettingsError(f"ERP_CONNECTIONS: {path} may contain only [[connection]] tables.")
    return tables


def _connection(path: Path, number: int, table: dict[str, Any], environ: Mapping[str, str]) -> Connection:
    where = f"ERP_CONNECTIONS: {path}, connection {table.get('name', number)}"
    connector_type = _connector_type(where, table.get("kind"))
    try:
        settings = connector_type.settings_type.model_validate(table)
    except ValidationError as error:
        errors = error.errors(include_url=False, include_input=False)
        problems = "; ".join(f"{'.'.join(map(str, each['loc'])) or 'it'}: {wording(each)}" for each in errors)
        raise SettingsError(f"{where}: {problems}") from None
    token = _token(where, settings, environ)
    try:
        return Connection(settings, connector_type(settings, token))
    except SettingsError as error:
        raise SettingsError(f"{where}: {error}") from error


def _connector_type(where: str, kind: object) -> ConnectorType:
    installed = {each.name: each for each in entry_points(group=ENTRY_POINT_GROUP)}
    if not isinstance(kind, str) or kind not in installed:
        raise SettingsError(f"{where}: kind is {kind!r}; known kinds are {', '.join(sorted(installed))}.")
    return cast("ConnectorType", installed[kind].load())


def _token(where: str, settings: ConnectionSettings, environ: Mapping[str, str]) -> SecretStr | None:
    if settings.token_env is not None:
        if not (secret := environ.get(settings.token_env)):
            raise SettingsError(f"{where}: set the variable {settings.token_env} to the ERP's token.")
        return _checked_token(where, secret)
    if settings.token_file is not None:
        try:
            return _checked_token(where, settings.token_file.read_text(encoding="utf-8").strip())
        except (OSError, UnicodeDecodeError) as error:
            raise SettingsError(f"{where}: the token file cannot be read: {error}") from error
    return None


def _checked_token(where: str, token: str) -> SecretStr:
    """Return `token`; SettingsError if no request could carry it."""
    if not token or not token.isascii() or not token.isprintable():
        raise SettingsError(f"{where}: the token is empty, or has characters other than printable ASCII.")
    return SecretStr(token)


def _check_unique(what: str, path: Path, values: Iterable[str]) -> None:
    seen: set[str] = set()
    for value in values:
        if value in seen:
            raise SettingsError(f"ERP_CONNECTIONS: {path} has {what} {value} more than once; remove one of them.")
        seen.add(value)
