"""What is asked of partitions whose leader is about to be known, and what is said of the rest."""

import socket

import pytest
from confluent_kafka import KafkaError, KafkaException

from services.pipeline.broker.brokers import once_led
from services.pipeline.broker.troubles import Troubles
from services.pipeline.settings import KafkaSettings


class Asked:
    """A question that is answered with `errors`, and then with 7."""

    def __init__(self, *errors: int) -> None:
        self.errors = list(errors)
        self.times = 0

    def __call__(self) -> int:
        self.times += 1
        if self.errors:
            raise KafkaException(KafkaError(self.errors.pop(0)))
        return 7


def test_it_is_asked_again_while_a_partition_has_no_known_leader() -> None:
    question = Asked(KafkaError.NOT_LEADER_FOR_PARTITION, KafkaError.LEADER_NOT_AVAILABLE)
    assert once_led(question) == 7
    assert question.times == 3


def test_it_is_not_asked_for_ever() -> None:
    with pytest.raises(KafkaException, match="NOT_LEADER_FOR_PARTITION"):
        once_led(Asked(*[KafkaError.NOT_LEADER_FOR_PARTITION] * 100), seconds=0.2)


def test_any_other_error_is_final() -> None:
    question = Asked(KafkaError.TOPIC_AUTHORIZATION_FAILED)
    with pytest.raises(KafkaException):
        once_led(question)
    assert question.times == 1


@pytest.mark.parametrize(
    ("code", "is_doubted"),
    [(KafkaError.NOT_LEADER_FOR_PARTITION, False), (KafkaError._TRANSPORT, True)],
)
def test_the_way_to_a_broker_is_not_doubted_once_it_has_answered(code: int, *, is_doubted: bool) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        settings = KafkaSettings(kafka_bootstrap_servers=f"127.0.0.1:{listening.getsockname()[1]}")
        said = Troubles(settings).explain(KafkaError(code), lambda: None)
    assert ("check KAFKA_SECURITY_PROTOCOL" in said) is is_doubted
