"""Real Apache Kafka and PostgreSQL servers that need no installation and run as child processes."""

from sandbox.servers.kafka import LocalKafka
from sandbox.servers.local_server import ServerStartFailed
from sandbox.servers.postgres import LocalPostgres

__all__ = ["LocalKafka", "LocalPostgres", "ServerStartFailed"]
