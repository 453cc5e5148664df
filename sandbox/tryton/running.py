"""A Tryton server with books that Countersign can write purchases into, used in a `with` block."""

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from pydantic import SecretStr

from sandbox.servers.local_server import Report, no_report
from sandbox.servers.postgres import LocalPostgres
from sandbox.servers.tryton import FIRST_PASSWORD, LocalTryton
from sandbox.tryton.books import BookIds, fill_books
from sandbox.tryton.rpc import TrytonRpc

ADMIN = "admin"


@dataclass(frozen=True, slots=True)
class FilledTryton:
    """A running server, and how to sign in: as `admin`, and as the connector's user."""

    server: LocalTryton
    ids: BookIds
    admin_password: SecretStr
    connector_password: SecretStr

    def as_admin(self) -> TrytonRpc:
        """Return a client that may do everything."""
        password = self.admin_password.get_secret_value()
        return TrytonRpc(self.server.url, ADMIN, password, company=self.ids.company)


@contextmanager
def running_tryton(postgres: LocalPostgres, report: Report = no_report) -> Iterator[FilledTryton]:
    """Run a server on `postgres` while the block runs, and fill its books before the block starts."""
    with LocalTryton(postgres, report=report) as server:
        yield filled(server, report)


def filled(server: LocalTryton, report: Report = no_report) -> FilledTryton:
    """Fill the books of a running server, whose administrator gets a password that nobody else knows."""
    report("Filling Tryton's books")
    admin_password, connector_password = secrets.token_urlsafe(16), secrets.token_urlsafe(16)
    with TrytonRpc(server.url, ADMIN, FIRST_PASSWORD) as rpc:
        ids = fill_books(rpc, connector_password)
        rpc.call("res.user", "write", [rpc.id_of("res.user", login=ADMIN)], {"password": admin_password})
    return FilledTryton(server, ids, SecretStr(admin_password), SecretStr(connector_password))
