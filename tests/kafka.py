"""Finds the Kafka for the tests: an external one, a container, or a local broker; never a mock."""

import gc
import io
import os
import tarfile
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Self

import docker
from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient
from testcontainers.core.container import DockerContainer

from sandbox.servers import LocalKafka
from sandbox.servers.kafka import KAFKA_VERSION

OFFICIAL_IMAGE = f"apache/kafka:{KAFKA_VERSION}"
ANSWER_SECONDS = 60
PORT = 9092

START_SCRIPT = "/tmp/start-kafka"  # noqa: S108 - a path inside the container, which is ours alone
WAIT_FOR_SCRIPT = f"while [ ! -f {START_SCRIPT} ]; do sleep 0.1; done; exec sh {START_SCRIPT}"

# The image reads either all properties from such variables or all from its own file.
CONTAINER_PROPERTIES = {
    "KAFKA_NODE_ID": "1",
    "KAFKA_PROCESS_ROLES": "broker,controller",
    "KAFKA_CONTROLLER_QUORUM_VOTERS": "1@localhost:9093",
    "KAFKA_LISTENERS": f"PLAINTEXT://:{PORT},CONTROLLER://:9093",
    "KAFKA_CONTROLLER_LISTENER_NAMES": "CONTROLLER",
    "KAFKA_LISTENER_SECURITY_PROTOCOL_MAP": "CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT",
    "KAFKA_OFFSETS_TOPIC_REPLICATION_FACTOR": "1",
    "KAFKA_OFFSETS_TOPIC_NUM_PARTITIONS": "1",
    "KAFKA_TRANSACTION_STATE_LOG_REPLICATION_FACTOR": "1",
    "KAFKA_TRANSACTION_STATE_LOG_MIN_ISR": "1",
    "KAFKA_TRANSACTION_STATE_LOG_NUM_PARTITIONS": "1",
    "KAFKA_SHARE_COORDINATOR_STATE_TOPIC_REPLICATION_FACTOR": "1",
    "KAFKA_SHARE_COORDINATOR_STATE_TOPIC_MIN_ISR": "1",
    "KAFKA_GROUP_INITIAL_REBALANCE_DELAY_MS": "0",
    "KAFKA_AUTO_CREATE_TOPICS_ENABLE": "false",
    "KAFKA_GROUP_CONSUMER_MIN_SESSION_TIMEOUT_MS": "1000",
    "KAFKA_GROUP_CONSUMER_SESSION_TIMEOUT_MS": "5000",
    "KAFKA_GROUP_CONSUMER_MIN_HEARTBEAT_INTERVAL_MS": "500",
    "KAFKA_GROUP_CONSUMER_HEARTBEAT_INTERVAL_MS": "1000",
}


class NoKafka(Exception):  # noqa: N818 - it names what happened, as all our errors do
    """There is no Kafka for the tests; the text says what to do."""


@dataclass(frozen=True)
class KafkaUnderTest:
    """A running Kafka; `kind` describes where it comes from."""

    bootstrap_servers: str
    kind: str


@contextmanager
def kafka_for_tests() -> Iterator[KafkaUnderTest]:
    """Use KAFKA_BOOTSTRAP_SERVERS if set, else a container if a Docker daemon answers, else a local broker."""
    if given := os.environ.get("KAFKA_BOOTSTRAP_SERVERS"):
        wait_until_it_answers(given)
        yield KafkaUnderTest(given, f"external, {given}")
    elif docker_answers():
        with KafkaContainer(os.environ.get("KAFKA_IMAGE", OFFICIAL_IMAGE)) as container:
            yield KafkaUnderTest(container.bootstrap_servers, f"testcontainers, {container.image}")
    else:
        with LocalKafka() as broker:
            yield KafkaUnderTest(broker.bootstrap_servers, f"local broker {KAFKA_VERSION}")


class KafkaContainer(DockerContainer):
    """One broker from the official `apache/kafka` image, or from any image with the same start script.

    Kafka has to advertise the port that Docker assigns, which is known only once the container runs. So the container
    waits for a start script, which is copied in then.
    """

    def __init__(self, image: str) -> None:
        super().__init__(image)
        self.with_exposed_ports(PORT)
        self.with_command(["sh", "-c", WAIT_FOR_SCRIPT])
        for name, setting in CONTAINER_PROPERTIES.items():
            self.with_env(name, setting)

    @property
    def bootstrap_servers(self) -> str:
        return f"{self.get_container_host_ip()}:{self.get_exposed_port(PORT)}"

    def start(self) -> Self:
        """Start the container and wait until the broker answers; remove the container if it does not."""
        try:
            super().start()
            self._copy_start_script()
            wait_until_it_answers(self.bootstrap_servers)
        except Exception as error:
            log = self._log()
            self.stop()
            raise NoKafka(
                f"Docker answers, but no Kafka started from the image {self.image}: {error}\n{log}\n"
                "Set KAFKA_IMAGE to an available image or KAFKA_BOOTSTRAP_SERVERS to a running broker, "
                "or stop Docker to use a local broker."
            ) from error
        return self

    def _copy_start_script(self) -> None:
        advertised = f"PLAINTEXT://{self.bootstrap_servers}"
        script = f"KAFKA_ADVERTISED_LISTENERS={advertised} exec /etc/kafka/docker/run\n"
        self.get_wrapped_container().put_archive("/", _archive(START_SCRIPT, script))

    def _log(self) -> str:
        if self._container is None:
            return ""
        return "".join(stream.decode(errors="replace")[-2000:] for stream in self.get_logs())


def docker_answers() -> bool:
    with warnings.catch_warnings():
        # Without a daemon, the library leaves a socket open, which is collected here so that it fails no test.
        warnings.simplefilter("ignore", ResourceWarning)
        try:
            docker.from_env(timeout=5).close()  # asks the daemon for its version
        except docker.errors.DockerException:
            return False
        finally:
            gc.collect()
    return True


def wait_until_it_answers(bootstrap_servers: str) -> None:
    deadline = time.monotonic() + ANSWER_SECONDS
    client = AdminClient({"bootstrap.servers": bootstrap_servers, "log_level": 0})
    while True:
        try:
            client.list_topics(timeout=1)
        except KafkaException as error:
            if time.monotonic() > deadline:
                raise NoKafka(
                    f"No Kafka answers at {bootstrap_servers}: {error}. Start it, or unset KAFKA_BOOTSTRAP_SERVERS."
                ) from error
        else:
            return


def _archive(path: str, text: str) -> bytes:
    content = text.encode()
    entry = tarfile.TarInfo(path.removeprefix("/"))
    entry.size, entry.mode = len(content), 0o644
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w") as tar:
        tar.addfile(entry, io.BytesIO(content))
    return archive.getvalue()
