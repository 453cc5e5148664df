"""A second broker in the cluster of a first one, so that a test can leave a partition without its leader."""

from collections.abc import Mapping, Sequence

from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic

from sandbox.servers import LocalKafka
from sandbox.servers.local_server import free_ports
from schemas.topics import PARTITIONS

FIRST_NODE, SECOND_NODE = 1, 2
MOVED = 0
"""The partition that the second broker has."""


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
    """Create `topic` with its partition MOVED on the second broker, and all others on the first."""
    create_topic(first, topic, [SECOND_NODE if number == MOVED else FIRST_NODE for number in range(PARTITIONS)])


def create_topic(broker: LocalKafka, topic: str, nodes: Sequence[int], config: Mapping[str, str] | None = None) -> None:
    """Create `topic` with each of its partitions on one node, and return once it exists."""
    admin = AdminClient({"bootstrap.servers": broker.bootstrap_servers})
    assignment = [[node] for node in nodes]
    wanted = NewTopic(topic, len(nodes), replica_assignment=assignment, config=dict(config or {}))
    admin.create_topics([wanted])[topic].result(30)
