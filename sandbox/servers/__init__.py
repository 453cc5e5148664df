"""Real servers without an installation: Apache Kafka and PostgreSQL as children of the process that wants them."""

from sandbox.servers.kafka import LocalKafka
from sandbox.servers.local_server import ServerStartFailed
from sandbox.servers.postgres import LocalPostgres

__all__ = ["LocalKafka", "LocalPostgres", "ServerStartFailed"]
