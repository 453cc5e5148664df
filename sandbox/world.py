"""The whole system on one machine: real servers, our services, and everything that they talk to."""

import asyncio
import secrets
from collections.abc import AsyncIterator, Awaitable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from pydantic import SecretStr

from sandbox.commitments.running import running_commitments
from sandbox.commitments.tool import CommitmentsTool
from sandbox.configuration import DATABASE, TomlValue, desk_client, service_environment, write_connections
from sandbox.erp.running import running_erp
from sandbox.erp.server import Erp
from sandbox.mailbox.catcher import Mailbox
from sandbox.mailbox.running import running_mailbox
from sandbox.servers import LocalKafka, LocalPostgres
from sandbox.servers.local_server import LocalServer, Report, free_ports, no_report
from sandbox.service_process import ServiceProcess
from sandbox.sign_in.provider import Provider
from sandbox.sign_in.running import running_sign_in
from schemas.topics import TOPICS
from services.approval.storage.migrations import MIGRATIONS as APPROVAL
from services.digest.storage.migrations import MIGRATIONS as DIGEST
from services.exporter.storage.migrations import MIGRATIONS as EXPORTER
from services.notifier.storage.migrations import MIGRATIONS as NOTIFIER
from services.pipeline.broker import create_topics
from services.pipeline.migrations import migrate
from services.pipeline.settings import KafkaSettings

SERVICES = ("approval", "exporter", "notifier", "digest")
MIGRATIONS = (APPROVAL, EXPORTER, NOTIFIER, DIGEST)

ServerT = TypeVar("ServerT", bound=LocalServer)


@dataclass(frozen=True, slots=True)
class Ports:
    """The ports of the pages; 0 takes any free port."""

    desk: int = 0
    commitments: int = 0
    mailbox: int = 0
    erp: int = 0
    sign_in: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class WorldOptions:
    """How a world differs from the default.

    `erp_settings` override those of its ERP connection; `erp_connections` is a file that is used instead of it.
    `kafka` is a broker of one's own, whose life the world manages.
    """

    ports: Ports = Ports()
    services: tuple[str, ...] = SERVICES
    erp_settings: Mapping[str, TomlValue] = field(default_factory=dict)
    erp_connections: Path | None = None
    is_durable: bool = True
    kafka: LocalKafka | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """The running system: servers, the parts around us, our services, and the environment that services get."""

    kafka: LocalKafka
    postgres: LocalPostgres
    mailbox: Mailbox
    erp: Erp
    sign_in: Provider
    commitments: CommitmentsTool
    services: Mapping[str, ServiceProcess]
    environment: Mapping[str, str]

    @property
    def desk_url(self) -> str:
        """The address of the approval desk."""
        return self.environment["PUBLIC_URL"]

    @property
    def kafka_settings(self) -> KafkaSettings:
        """The connection settings of this world's Kafka."""
        return KafkaSettings(kafka_bootstrap_servers=self.kafka.bootstrap_servers)


@asynccontextmanager
async def running_world(
    folder: Path, options: WorldOptions | None = None, report: Report = no_report
) -> AsyncIterator[World]:
    """Run everything while the block runs, with configuration files in `folder`; it is ready when the block starts.

    Raises ServerStartFailed if a server does not start, OSError if a port is taken.
    """
    options = options or WorldOptions()
    async with AsyncExitStack() as stack:
        enter = stack.enter_async_context
        kafka, postgres = await _start_servers(stack, options, report)
        report("Creating topics and tables")
        settings = await _prepare(kafka, postgres)
        desk_url = f"http://127.0.0.1:{options.ports.desk or free_ports(1)[0]}"
        erp_token = SecretStr(secrets.token_urlsafe(16))
        links = {"Approval desk": desk_url}
        report("Starting mailbox, ERP and sign-in")
        mailbox = await enter(running_mailbox(http_port=options.ports.mailbox, neighbours=links))
        erp = await enter(running_erp(token=erp_token, port=options.ports.erp, neighbours=links))
        sign_in = await enter(running_sign_in(desk_client(desk_url), port=options.ports.sign_in))
        environment = {
            **service_environment(kafka, postgres, mailbox, sign_in),
            "PUBLIC_URL": desk_url,
            "ERP_CONNECTIONS": str(options.erp_connections or write_connections(folder, erp.url, options.erp_settings)),
            "SMALL_ERP_TOKEN": erp_token.get_secret_value(),
        }
        commitments = await enter(running_commitments(settings, port=options.ports.commitments, neighbours=links))
        links |= {"Commitments": commitments.url, "Mailbox": mailbox.url, "ERP": erp.url}
        services = await _start_services(stack, options, environment, desk_url, report)
        yield World(
            kafka=kafka,
            postgres=postgres,
            mailbox=mailbox,
            erp=erp,
            sign_in=sign_in,
            commitments=commitments,
            services=services,
            environment=environment,
        )


async def _start_servers(
    stack: AsyncExitStack, options: WorldOptions, report: Report
) -> tuple[LocalKafka, LocalPostgres]:
    return await asyncio.gather(
        _started(stack, options.kafka or LocalKafka(report=report)),
        _started(stack, LocalPostgres(fsync=options.is_durable, report=report)),
    )


async def _started(stack: AsyncExitStack, server: ServerT) -> ServerT:
    """Start a server in a thread, and stop it in a thread when the world ends."""
    stack.push_async_callback(asyncio.to_thread, server.close)
    starting = asyncio.create_task(asyncio.to_thread(server.start))
    try:
        await asyncio.shield(starting)
    except asyncio.CancelledError:
        # a thread cannot be cancelled: wait until the server has started, so that it can be stopped
        await asyncio.wait({starting})
        raise
    return server


async def _prepare(kafka: LocalKafka, postgres: LocalPostgres) -> KafkaSettings:
    """Create topics and tables, and return the connection settings of Kafka."""
    settings = KafkaSettings(kafka_bootstrap_servers=kafka.bootstrap_servers)
    url = SecretStr(await asyncio.to_thread(postgres.create_database, DATABASE))
    await asyncio.gather(asyncio.to_thread(create_topics, settings, TOPICS), _migrate(url))
    return settings


async def _migrate(url: SecretStr) -> None:
    for migrations in MIGRATIONS:
        await migrate(url, migrations)


async def _start_services(
    stack: AsyncExitStack, options: WorldOptions, environment: Mapping[str, str], desk_url: str, report: Report
) -> Mapping[str, ServiceProcess]:
    desk_port = int(desk_url.rpartition(":")[2])
    processes = {
        name: ServiceProcess(name, environment, port=desk_port if name == "approval" else 0, report=report)
        for name in options.services
    }
    starting: list[Awaitable[ServiceProcess]] = [_started(stack, process) for process in processes.values()]
    await asyncio.gather(*starting)
    return processes
