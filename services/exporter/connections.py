"""Reads which ERP connections exist, and which company's commitments go where."""

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any, cast

from pydantic import SecretStr, ValidationError

from services.exporter.connectors.protocol import ConnectionSettings, Connector, ConnectorType
from services.pipeline.errors import SettingsError

GROUP = "countersign.connectors"


@dataclass(frozen=True, slots=True)
class Connection:
    """An ERP that we are configured to write to."""

    settings: ConnectionSettings
    connector: Connector

    @property
    def name(self) -> str:
        """The connection's name."""
        return self.settings.name

    @property
    def max_leases(self) -> int:
        """How many exports are held at a time: as many again as are called, so that no call waits for a claim."""
        return 2 * self.settings.max_in_flight

    @property
    def lease_seconds(self) -> float:
        """How long one attempt may take: asking, writing and writing once more, with room to settle."""
        return 3 * self.settings.timeout_seconds + 5


@dataclass(frozen=True, slots=True)
class Connections:
    """All configured connections by name, and the route of each company."""

    by_name: Mapping[str, Connection] = field(default_factory=dict)

    @property
    def routes(self) -> Mapping[str, str]:
        """The connection of each company."""
        return {company: name for name, each in self.by_name.items() for company in each.settings.companies}

    @property
    def max_leases(self) -> int:
        """How many exports are held at a time over all connections, so that none of them keeps another waiting."""
        return sum(each.max_leases for each in self.by_name.values())

    async def close(self) -> None:
        """Close every connector."""
        for each in self.by_name.values():
            await each.connector.close()


def load_connections(path: Path, environ: Mapping[str, str]) -> Connections:
    """Read the connections of the TOML file `path`; SettingsError says what to mend."""
    given = _tables(path)
    connections = [_connection(path, number, table, environ) for number, table in enumerate(given, start=1)]
    _check_unique("the name", path, (each.name for each in connections))
    _check_unique("the company", path, (company for each in connections for company in each.settings.companies))
    return Connections({each.name: each for each in connections})


def _tables(path: Path) -> list[dict[str, Any]]:
    try:
        read = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"ERP_CONNECTIONS: {path} cannot be read: {error}") from error
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(f"ERP_CONNECTIONS: {path} is not TOML: {error}") from error
    tables = read.get("connection", [])
    if set(read) - {"connection"} or not isinstance(tables, list):
        raise SettingsError(f"ERP_CONNECTIONS: {path} may hold nothing but [[connection]] tables.")
    return tables


def _connection(path: Path, number: int, table: dict[str, Any], environ: Mapping[str, str]) -> Connection:
    where = f"ERP_CONNECTIONS: {path}, connection {table.get('name', number)}"
    connector_type = _connector_type(where, table.get("kind"))
    try:
        settings = connector_type.settings_type.model_validate(table)
    except ValidationError as error:
        problems = error.errors(include_url=False, include_input=False, include_context=False)
        told = "; ".join(f"{'.'.join(map(str, each['loc'])) or 'it'}: {each['msg']}" for each in problems)
        raise SettingsError(f"{where}: {told}") from None
    return Connection(settings, connector_type(settings, _token(where, settings, environ)))


def _connector_type(where: str, kind: object) -> ConnectorType:
    known = {each.name: each for each in entry_points(group=GROUP)}
    if not isinstance(kind, str) or kind not in known:
        raise SettingsError(f"{where}: kind is {kind!r}; known kinds are {', '.join(sorted(known))}.")
    return cast("ConnectorType", known[kind].load())


def _token(where: str, settings: ConnectionSettings, environ: Mapping[str, str]) -> SecretStr | None:
    if settings.token_env is not None:
        if not (secret := environ.get(settings.token_env)):
            raise SettingsError(f"{where}: set the variable {settings.token_env} to the ERP's token.")
        return SecretStr(secret)
    if settings.token_file is not None:
        try:
            return SecretStr(settings.token_file.read_text(encoding="utf-8").strip())
        except OSError as error:
            raise SettingsError(f"{where}: the token file cannot be read: {error}") from error
    return None


def _check_unique(what: str, path: Path, values: Iterable[str]) -> None:
    seen: set[str] = set()
    for value in values:
        if value in seen:
            raise SettingsError(f"ERP_CONNECTIONS: {path} has {what} {value} more than once; keep one of them.")
        seen.add(value)
