"""Creates topics, and waits for a broker to answer."""

from collections.abc import Sequence
from time import monotonic, sleep

from confluent_kafka import KafkaError, KafkaException
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic

from schemas.topics import PARTITIONS, Topic
from services.pipeline.broker.troubles import Troubles
from services.pipeline.errors import BrokerError
from services.pipeline.settings import KafkaSettings

ADMIN_TIMEOUT_SECONDS = 15
POLL_SECONDS = 0.1


def create_topics(settings: KafkaSettings, topics: Sequence[Topic]) -> list[str]:
    """Create the missing ones of `topics` and return their names; with three or more brokers each has three replicas.

    Waits up to ADMIN_TIMEOUT_SECONDS for a broker; BrokerError if none answers or a topic cannot be created.
    """
    wait_for_broker(settings, ADMIN_TIMEOUT_SECONDS)
    admin = AdminClient(settings.client_config() | {"log_level": 0})
    described = admin.list_topics(timeout=ADMIN_TIMEOUT_SECONDS)
    replication = 3 if len(described.brokers) >= 3 else 1  # noqa: PLR2004 - three brokers for three replicas
    durable = {"min.insync.replicas": "2"} if replication > 1 else {}
    wanted = [
        NewTopic(topic.name, PARTITIONS, replication, config=topic.config | durable)
        for topic in topics
        if topic.name not in described.topics
    ]
    created = []
    for name, future in (admin.create_topics(wanted) if wanted else {}).items():
        try:
            future.result(ADMIN_TIMEOUT_SECONDS)
            created.append(name)
        except KafkaException as error:
            if error.args[0].code() != KafkaError.TOPIC_ALREADY_EXISTS:
                raise BrokerError(f"The topic {name} could not be created: {error.args[0].str()}") from error
    return created


def wait_for_broker(settings: KafkaSettings, timeout_seconds: float) -> None:
    """Return once Kafka lists its brokers; BrokerError if it does not in time."""
    troubles = Troubles(settings)
    admin = AdminClient(settings.client_config() | {"log_level": 0, "error_cb": troubles.callback})
    deadline = monotonic() + timeout_seconds
    while True:
        try:
            if admin.list_topics(timeout=2).brokers:
                return
        except KafkaException as error:
            if monotonic() > deadline:
                why = troubles.explain(error.args[0], lambda: admin.poll(0))
                raise BrokerError(
                    f"Kafka does not answer at KAFKA_BOOTSTRAP_SERVERS={settings.kafka_bootstrap_servers}: {why}"
                ) from error
        sleep(POLL_SECONDS)
