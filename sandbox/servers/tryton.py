"""A real Tryton server, from Python packages, on a database of its own in a local PostgreSQL."""

import http.client
import os
import secrets
import signal
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

from sqlalchemy import make_url

from sandbox.servers.cache import cache_folder, cached
from sandbox.servers.local_server import LocalServer, Report, ServerStartFailed, free_ports, last_lines, no_report
from sandbox.servers.postgres import LocalPostgres, drop_database, programs

DATABASE = "tryton"
TRYTON_VERSION = version("trytond")
MODULE = "purchase"
FIRST_PASSWORD = "changed-at-the-first-start"  # noqa: S105 - of a database that nobody can reach yet
PROBE_SECONDS = 2
_DUMP = "database.dump"


class LocalTryton(LocalServer):
    """One Tryton server with the module purchase and empty books, whose user `admin` may do everything.

    The first start on a machine takes a minute or two, since Tryton builds its database; later ones restore a copy.
    """

    name = f"Tryton {TRYTON_VERSION}"
    stop_signal = signal.SIGTERM
    orphan_signal = signal.SIGKILL

    def __init__(self, postgres: LocalPostgres, *, report: Report = no_report) -> None:
        super().__init__(report=report)
        self._postgres = postgres
        self._dump: Path | None = None
        self._is_restored = False

    @property
    def base_url(self) -> str:
        """The address of the server."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def url(self) -> str:
        """The address of its database, to which clients sign in."""
        return f"{self.base_url}/{DATABASE}"

    @property
    def database_url(self) -> str:
        """The SQLAlchemy URL of its database."""
        return self._postgres.url_of(DATABASE)

    def start(self) -> None:
        """As in LocalServer; the first start on a machine builds the database of which later ones take a copy."""
        self._dump = _prepared_dump(self._postgres, self.report) / _DUMP
        super().start()

    def prepare_data(self) -> None:
        """Write the configuration, and restore the prepared database; another attempt only takes another port."""
        (self.port,) = free_ports(1)
        self._configuration.touch(mode=0o600)
        self._configuration.write_text(
            f"[web]\nlisten = 127.0.0.1:{self.port}\n[database]\nuri = {_server_uri(self._postgres)}\n"
        )
        if not self._is_restored:
            _restore(self._postgres, self._dump)
            self._is_restored = True

    def command(self) -> list[str]:
        """The server, which loads the database before it listens."""
        return [sys.executable, "-m", "trytond.cli", "-c", str(self._configuration), "-d", DATABASE]

    def is_ready(self) -> bool:
        """Whether it answers requests."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PROBE_SECONDS)
        try:
            connection.request("OPTIONS", "/")
            return connection.getresponse().status == http.HTTPStatus.NO_CONTENT
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()

    @property
    def _configuration(self) -> Path:
        return self.folder / "trytond.conf"


def _prepared_dump(postgres: LocalPostgres, report: Report) -> Path:
    """Return the folder with the dump of a database in which the module is activated."""

    def fill(folder: Path) -> None:
        report(f"Preparing Tryton {TRYTON_VERSION} (a minute or two, once)")
        name = f"tryton_draft_{secrets.token_hex(4)}"
        postgres.create_database(name)
        try:
            _activate_module(postgres, name, folder)
            _run(postgres, "pg_dump", "--format=custom", f"--file={folder / _DUMP}", name)
        finally:
            drop_database(postgres.url, name)

    return cached(cache_folder() / f"tryton-{TRYTON_VERSION}-{MODULE}-{version('trytond-purchase')}", fill)


def _activate_module(postgres: LocalPostgres, database: str, folder: Path) -> None:
    password = folder / "password"
    password.write_text(FIRST_PASSWORD)
    made = subprocess.run(
        [
            *(sys.executable, "-m", "trytond.cli.admin", "-d", database, "-u", MODULE),
            *("--activate-dependencies", "--no-indexes"),
        ],
        check=False,
        capture_output=True,
        text=True,
        input="\n",  # no mail address for the administrator
        env=os.environ | {"TRYTOND_DATABASE_URI": _server_uri(postgres), "TRYTONPASSFILE": str(password)},
    )
    password.unlink()
    _check("Tryton could not prepare its database", made)


def _restore(postgres: LocalPostgres, dump: Path | None) -> None:
    postgres.create_database(DATABASE)
    _run(postgres, "pg_restore", f"--dbname={DATABASE}", "--jobs=2", str(dump))


def _run(postgres: LocalPostgres, program: str, *arguments: str) -> None:
    """Run one of PostgreSQL's programs on this server."""
    url = make_url(postgres.url)
    address = ["--host", str(url.host), "--port", str(url.port), "--username", str(url.username)]
    made = subprocess.run(
        [str(programs(postgres.account) / program), *address, *arguments],
        check=False,
        capture_output=True,
        text=True,
        env=os.environ | {"PGPASSWORD": str(url.password)},
    )
    _check(f"{program} failed", made)


def _check(what: str, made: subprocess.CompletedProcess[str]) -> None:
    if made.returncode != 0:
        raise ServerStartFailed(f"{what}:\n{last_lines(made.stdout + made.stderr)}")


def _server_uri(postgres: LocalPostgres) -> str:
    """Return the server's address as Tryton's configuration wants it: no driver, no database."""
    url = make_url(postgres.url).set(drivername="postgresql", database="")
    return url.render_as_string(hide_password=False)
