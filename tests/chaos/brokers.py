"""Brokers for the fault runs: one that notices deaths soon, and one that shares its partitions with a second broker."""

from sandbox.servers import LocalKafka
from schemas.events import CommitmentResent, CommitmentRetrieved, CommitmentSent, DirectoryPerson
from schemas.topics import BY_NAME, PARTITIONS, TOPICS
from tests.second_broker import FIRST_NODE, MOVED, SECOND_NODE, SecondBroker, create_topic

SESSION_SECONDS = 5.0
"""How long the local broker waits for a member of a group that stands still."""
UPSTREAM = tuple(
    BY_NAME[each.topic] for each in (CommitmentSent, CommitmentResent, CommitmentRetrieved, DirectoryPerson)
)
OURS = tuple(topic for topic in TOPICS if topic not in UPSTREAM)


class WatchfulKafka(LocalKafka):
    """A broker that gives the partitions of a killed member to others after two seconds."""

    def server_properties(self) -> str:
        """Return the settings with a shorter session."""
        return (
            super()
            .server_properties()
            .replace("consumer.session.timeout.ms=5000", "consumer.session.timeout.ms=2000")
            .replace("consumer.heartbeat.interval.ms=1000", "consumer.heartbeat.interval.ms=500")
        )


class KafkaOfTwo(LocalKafka):
    """A broker with a second one, which has partition MOVED of every topic that our services write to."""

    def __init__(self) -> None:
        super().__init__()
        self.second = SecondBroker(self)

    def start(self) -> None:
        """Start both, and create all topics."""
        super().start()
        # before there is a second broker, so that it has neither the groups nor what upstream writes
        create_topic(self, "__consumer_offsets", [FIRST_NODE], {"cleanup.policy": "compact"})
        for topic in UPSTREAM:
            create_topic(self, topic.name, [FIRST_NODE] * PARTITIONS, topic.config)
        self.second.start()
        nodes = [SECOND_NODE if number == MOVED else FIRST_NODE for number in range(PARTITIONS)]
        for topic in OURS:
            create_topic(self, topic.name, nodes, topic.config)

    def close(self) -> None:
        """Stop both and remove their data."""
        self.second.close()
        super().close()
