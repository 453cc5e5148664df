"""Real servers without an installation: Apache Kafka and PostgreSQL as children of the process that wants them."""

from services.sandbox.servers.kafka import LocalKafka
from services.sandbox.servers.local_server import ServerStartFailed
from services.sandbox.servers.postgres import LocalPostgres

__all__ = ["LocalKafka", "LocalPostgres", "ServerStartFailed"]
