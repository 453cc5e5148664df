"""All configured ERP connections, which a reload may replace while calls are under way."""

import asyncio
import os
from collections import Counter
from collections.abc import AsyncIterator, Collection, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType

import structlog
from pydantic import SecretStr

from schemas.events import DecisionAccepted
from schemas.routing import Routed, destination
from services.exporter.connections_file import connector_types, place_of, read_settings
from services.exporter.connectors.client_password import MAKE_A_HASH, problem_with_hash
from services.exporter.connectors.protocol import ConnectionSettings, Connector, ConnectorType
from services.exporter.connectors.pull import PullConnector, PullSettings
from services.exporter.connectors.tls import read_cas_again
from services.exporter.rules.usable import Usable
from services.pipeline.errors import SettingsError

log = structlog.get_logger()


_POLLED: dict[type, bool] = {}
"""Whether the ERPs of a class of connectors are polled."""


@dataclass(frozen=True, slots=True)
class Connection:
    """One configured ERP."""

    settings: ConnectionSettings
    connector: Connector | PullConnector
    token: SecretStr | None = field(default=None, repr=False)

    @property
    def usable(self) -> Usable:
        """Makes what the connector answers fit for storing and publishing."""
        return Usable(self.token)

    @property
    def name(self) -> str:
        """The connection's name."""
        return self.settings.name

    @property
    def names(self) -> tuple[str, ...]:
        """Its name, and those that it had before, under which exports and documents of that time are kept."""
        return self.settings.names

    @property
    def is_polled(self) -> bool:
        """Whether its ERP cannot be called, but has a client that asks for work."""
        kind = type(self.connector)
        if kind not in _POLLED:  # to ask each time takes 0.1 ms, for each of a thousand connections
            _POLLED[kind] = isinstance(self.connector, PullConnector)
        return _POLLED[kind]

    @property
    def calling(self) -> Connector:
        """Its connector; TypeError if its ERP cannot be called."""
        if isinstance(self.connector, PullConnector):
            raise TypeError(f"the ERP of {self.name} cannot be called")
        return self.connector

    @property
    def polled(self) -> PullConnector:
        """Its connector, with which conversations are held; TypeError if its ERP has no client that asks for work."""
        if not isinstance(self.connector, PullConnector):
            raise TypeError(f"the ERP of {self.name} does not ask for work")
        return self.connector

    @property
    def max_leases(self) -> int:
        """How many exports may be leased at a time by all processes: each makes one call after the other."""
        return self.settings.max_in_flight

    @property
    def lease_seconds(self) -> float:
        """How long one attempt may take: a probe, two writes, and some time to settle."""
        return 3 * self.settings.timeout_seconds + 5


class Connections:
    """All configured connections by name, in the order of the file; the only thing that a reload changes.

    Each connection is lent for at most `max_in_flight` calls at a time. A call ends on the connector that it began
    with, even if the connection is replaced or removed meanwhile; that connector is closed after its last call.
    """

    def __init__(self, by_name: Mapping[str, Connection] = MappingProxyType({})) -> None:
        self.by_name = dict(by_name)
        self._slots = {name: asyncio.Semaphore(each.settings.max_in_flight) for name, each in by_name.items()}
        self._calls: Counter[int] = Counter()
        self._replaced: dict[int, Connection] = {}

    @property
    def max_leases(self) -> int:
        """How many exports of all connections may be leased at a time; none takes another's share."""
        return sum(each.max_leases for each in self.by_name.values())

    def named(self, name: str | None) -> Connection | None:
        """The connection that has this name, or had it before; None if it is not, or no longer, configured."""
        of_now = self.by_name.get(name or "")
        return of_now or next((each for each in self.by_name.values() if name in each.settings.formerly), None)

    @property
    def all_names(self) -> tuple[str, ...]:
        """The names of all connections, also the former ones."""
        return tuple(name for each in self.by_name.values() for name in each.names)

    @property
    def called_names(self) -> tuple[str, ...]:
        """The names of those whose ERPs can be called, also the former ones."""
        return tuple(name for each in self.by_name.values() if not each.is_polled for name in each.names)

    def names_of(self, name: str) -> tuple[str, ...]:
        """All names of the connection that is called `name`, or was; only that one if it is not configured."""
        connection = self.named(name)
        return connection.names if connection else (name,)

    def route(self, order: DecisionAccepted, used: Collection[str] = ()) -> str | None:
        """The name of the connection that takes a commitment without a document; None if none does.

        If the commitment's exports have `used` a former name of it, they keep that one: what is one ERP must not look
        like two.
        """
        settings = [each.settings for each in self.by_name.values()]
        taken_by = destination(Routed.of(order.company_id, order.commitment.commitment), settings)
        if taken_by is None:
            return None
        return next((name for name in taken_by.names if name in used), taken_by.name)

    def place(self, name: str) -> int:
        """The connection's place in the file, from 1."""
        return list(self.by_name).index(name) + 1

    @asynccontextmanager
    async def lent(self, name: str | None) -> AsyncIterator[Connection | None]:
        """Lend the connection for one call, as soon as it has a slot; None if it is not, or no longer, configured."""
        asked = self.named(name)
        slots = self._slots.get(asked.name) if asked else None
        if slots is None:
            yield None
            return
        async with slots:
            connection = self.named(name)  # which may have been replaced while this waited
            async with self._kept_open(connection):
                yield connection

    async def replace(self, by_name: Mapping[str, Connection]) -> None:
        """Lend these from now on; close those that are not lent, and every other one after its last call."""
        before, self.by_name = self.by_name, dict(by_name)
        self._slots = {name: self._slots_of(each, before) for name, each in by_name.items()}
        self._replaced |= {id(each): each for each in before.values()}
        await self._close(each for each in before.values() if not self._calls[id(each)])

    async def close(self) -> None:
        """Close all connectors, also those of calls that have not ended."""
        await self._close((*self.by_name.values(), *self._replaced.values()))

    def _slots_of(self, connection: Connection, before: Mapping[str, Connection]) -> asyncio.Semaphore:
        """The slots of a new connection: those that it had, also under a former name, so that calls under way count."""
        limit = connection.settings.max_in_flight
        known = next((before[name] for name in connection.names if name in before), None)
        if known is not None and known.settings.max_in_flight == limit:
            return self._slots[known.name]
        return asyncio.Semaphore(limit)

    @asynccontextmanager
    async def _kept_open(self, connection: Connection | None) -> AsyncIterator[None]:
        key = id(connection)
        self._calls[key] += 1
        try:
            yield
        finally:
            self._calls[key] -= 1
            if not self._calls[key]:
                del self._calls[key]
                if key in self._replaced:
                    await self._close((self._replaced[key],))

    async def _close(self, connections: Iterable[Connection]) -> None:
        """Close connectors; an error of one must not become the result of a call."""
        closing = {id(each): each for each in connections}
        for key in closing:
            self._replaced.pop(key, None)
        ended = await asyncio.gather(*(each.connector.close() for each in closing.values()), return_exceptions=True)
        for each, result in zip(closing.values(), ended, strict=True):
            if isinstance(result, Exception):
                log.warning("connections.close_failed", connection=each.name, cause=type(result).__name__)


def load_connections(path: Path, environ: Mapping[str, str]) -> Connections:
    """Read the connections from the TOML file `path`; SettingsError says what is wrong with it."""
    read_cas_again()
    installed = connector_types()
    connections = [connect(path, settings, environ, installed) for settings in read_settings(path)]
    return Connections({each.name: each for each in connections})


def connect(
    path: Path,
    settings: ConnectionSettings,
    environ: Mapping[str, str],
    installed: Mapping[str, ConnectorType] | None = None,
) -> Connection:
    """Make the connector of one connection, which opens nothing yet; SettingsError if a secret or a file is missing."""
    place = place_of(path, settings)
    token = _token(place, settings, environ)
    if isinstance(settings, PullSettings):
        _check_password(place, token)
    try:
        return Connection(settings, (installed or connector_types())[settings.kind](settings, token), token)
    except SettingsError as error:
        raise SettingsError(Usable(token).said(f"{place}: {error}")) from error


def _token(place: str, settings: ConnectionSettings, environ: Mapping[str, str]) -> SecretStr | None:
    if settings.token_env is not None:
        if not (secret := environ.get(settings.token_env)):
            raise SettingsError(f"{place}: set the variable {settings.token_env} to {_secret(settings)}.")
        return _checked_token(place, secret)
    if settings.token_file is not None:
        try:
            return _checked_token(place, settings.token_file.read_text(encoding="utf-8").strip())
        except (OSError, UnicodeDecodeError) as error:
            remedy = remedy_of(settings, settings.token_file, error)
            raise SettingsError(f"{place}: the token file cannot be read: {error}. {remedy}") from error
    return None


def remedy_of(settings: ConnectionSettings, file: Path, error: Exception) -> str:
    """Return what to do about a token file that could not be read."""
    if isinstance(error, PermissionError):
        return f"Give it to the user as which the exporter runs: chown {os.getuid()} {file.name}"
    return f"Put {_secret(settings)} there."


def _secret(settings: ConnectionSettings) -> str:
    return "the hash of the Web Connector's password" if isinstance(settings, PullSettings) else "the ERP's token"


def _check_password(place: str, token: SecretStr | None) -> None:
    """SettingsError if a pull connection has no hash with which its client's password can be compared."""
    if token is None:
        raise SettingsError(f"{place}: token_env or token_file is missing. {MAKE_A_HASH}")
    if (problem := problem_with_hash(token.get_secret_value())) is not None:
        raise SettingsError(f"{place}: {problem}")


def _checked_token(place: str, token: str) -> SecretStr:
    """Return `token`; SettingsError if no request could carry it."""
    if not token or not token.isascii() or not token.isprintable():
        raise SettingsError(f"{place}: the token is empty, or has characters other than printable ASCII.")
    return SecretStr(token)
