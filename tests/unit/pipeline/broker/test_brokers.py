"""A client of the brokers may become garbage at any time, without ending the process."""

import subprocess
import sys

SCRIPT = """
import gc, time
from confluent_kafka import TopicCollection
from services.pipeline.broker import Brokers
from services.pipeline.settings import KafkaSettings

class Service:
    def __init__(self):
        self.itself = self
        self.brokers = Brokers(KafkaSettings(kafka_bootstrap_servers="127.0.0.1:9"))

gc.disable()
service = Service()
asked = service.brokers._admin.describe_topics(TopicCollection(["a"]), request_timeout=0.5)["a"]
asked.add_done_callback(lambda _: (gc.collect(), print("collected", flush=True)))
del service
time.sleep(1.5)
"""


def test_a_client_is_not_destroyed_in_a_thread_of_its_own() -> None:
    """There, where its answers arrive, garbage collection may begin as well as anywhere else."""
    ended = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True, check=False)

    assert (ended.returncode, ended.stdout) == (0, "collected\n"), ended.stderr
