"""Shows until when the certificates and tokens are valid with which ERPs are called."""

import asyncio
import json
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path

from joserfc.errors import JoseError
from joserfc.jws import extract_compact
from pydantic import SecretStr

from services.exporter import metrics
from services.exporter.connections import Connection, Connections
from services.exporter.connectors.protocol import ShowsCertificate
from services.exporter.connectors.tls import TlsSettings
from services.pipeline.certificates import identity_expiry, trust_expiry

EXPIRING_SECONDS = 3600.0
SHOWN_SECONDS = 60.0
SERVER, CLIENT, CA = CERTIFICATES = ("server", "client", "ca")
"""Whose certificate a metric is about: that of the ERP, ours, or the last CA that we trust."""


class Expiring:
    """Sets the metrics of all connections, and forgets those of connections that are gone."""

    def __init__(self, connections: Connections) -> None:
        self._connections = connections
        self._shown: set[tuple[str, str]] = set()

    async def read_files(self) -> None:
        """Read the files and tokens; OSError or ValueError if one cannot be read any more, after all others."""
        by_name = dict(self._connections.by_name)
        self._forget(by_name)
        metrics.TOKEN_EXPIRY.clear()
        for name, connection in by_name.items():
            if expires := token_expiry(connection.token):
                metrics.TOKEN_EXPIRY.labels(name).set(expires)
        problems = [problem for name, each in by_name.items() for problem in await self._show_files(name, each)]
        if problems:
            raise problems[0]

    async def _show_files(self, name: str, connection: Connection) -> list[OSError | ValueError]:
        """Show the files of one connection; return what is wrong with those that cannot be read."""
        problems: list[OSError | ValueError] = []
        for certificate, path, expiry in _files_of(connection):
            try:
                self._show(name, certificate, await asyncio.to_thread(expiry, path))
            except (OSError, ValueError) as error:
                problems.append(error)
        return problems

    async def show_servers(self) -> None:
        """Show until when the certificates are valid that the ERPs have shown."""
        for name, connection in self._connections.by_name.items():
            connector = connection.connector
            if isinstance(connector, ShowsCertificate) and (expires_at := connector.certificate_expires_at):
                self._show(name, SERVER, expires_at)

    def _show(self, connection: str, certificate: str, expires_at: datetime) -> None:
        metrics.CERTIFICATE_EXPIRY.labels(connection, certificate).set(expires_at.timestamp())
        self._shown.add((connection, certificate))

    def _forget(self, by_name: dict[str, Connection]) -> None:
        kinds = {name: (SERVER, *(kind for kind, *_ in _files_of(each))) for name, each in by_name.items()}
        wanted = {(name, kind) for name, found in kinds.items() for kind in found}
        for labels in self._shown - wanted:
            metrics.CERTIFICATE_EXPIRY.remove(*labels)
        self._shown &= wanted


def _files_of(connection: Connection) -> Iterator[tuple[str, Path, Callable[[Path], datetime]]]:
    settings = connection.settings
    if isinstance(settings, TlsSettings):
        if settings.client_certificate_file is not None:
            yield CLIENT, settings.client_certificate_file, identity_expiry
        if settings.ca_file is not None:
            yield CA, settings.ca_file, trust_expiry


def token_expiry(token: SecretStr | None) -> float | None:
    """Return until when a JSON Web Token says that it is valid, in seconds since 1970; None for any other token.

    It is not verified: only its issuer could tell whether it is taken.
    """
    try:
        claims = json.loads(extract_compact(token.get_secret_value().encode()).payload) if token else None
    except (JoseError, ValueError):
        return None
    expires = claims.get("exp") if isinstance(claims, dict) else None
    return float(expires) if isinstance(expires, (int, float)) else None
