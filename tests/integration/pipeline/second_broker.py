"""A second broker in the cluster of a first one, so that a test can leave a partition without its leader."""

from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic

from sandbox.servers import LocalKafka
from sandbox.servers.local_server import free_ports
from schemas.topics import PARTITIONS

FIRST_NODE, SECOND_NODE = 1, 2


class SecondBroker(LocalKafka):
    """A broker that has no controller of its own."""

    _quorum_option = "--no-initial-controllers"

    def __init__(self, first: LocalKafka) -> None:
        super().__init__()
        self._first = first

    def server_properties(self) -> str:
        """Return the first broker's settings with another node, role and port."""
        (self.port,) = free_ports(1)
        address = f"PLAINTEXT://127.0.0.1:{self.port}"
        own = {
            "process.roles": "broker",
            "node.id": str(SECOND_NODE),
            "listeners": address,
            "advertised.listeners": address,
            "log.dirs": str(self.folder / "data"),
        }
        lines = (self._first.folder / "server.properties").read_text().splitlines()
        pairs = (line.partition("=") for line in lines)
        return "".join(f"{name}={own.get(name, value)}\n" for name, _, value in pairs)


def create_topic_partly_on_second(first: LocalKafka, topic: str) -> None:
    """Create `topic` with its partition 0 on the second broker, and all others on the first."""
    assignment = [[SECOND_NODE if number == 0 else FIRST_NODE] for number in range(PARTITIONS)]
    admin = AdminClient({"bootstrap.servers": first.bootstrap_servers})
    admin.create_topics([NewTopic(topic, PARTITIONS, replica_assignment=assignment)])[topic].result(30)
