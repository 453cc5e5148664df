"""What may not be read is named once, and forgotten when something is read from it."""

from confluent_kafka import KafkaError
from structlog.testing import capture_logs

from services.pipeline.broker.refusals import Refusals, is_fatal

GROUP = "countersign.approval"


def test_a_refused_topic_is_logged_once_until_it_is_read_again() -> None:
    refusals, refused = Refusals(GROUP), KafkaError(KafkaError.TOPIC_AUTHORIZATION_FAILED)
    with capture_logs() as logged:
        assert refusals.note("commitment.sent", refused)
        assert refusals.note("commitment.sent", refused)
        refusals.forget(["commitment.resent"])
        assert refusals.names == {"commitment.sent"}
        refusals.forget(["commitment.sent"])
        assert not refusals
        refusals.note("commitment.sent", refused)

    assert [(line["event"], line["topic"]) for line in logged] == [("consumer.refused", "commitment.sent")] * 2


def test_a_refused_group_is_named_and_forgotten_when_it_lets_us_in() -> None:
    refusals = Refusals(GROUP)
    with capture_logs() as logged:
        assert refusals.note("None", KafkaError(KafkaError.GROUP_AUTHORIZATION_FAILED))
        refusals.forget(["None", "commitment.sent"])
        assert refusals
        refusals.forget([GROUP])
    assert not refusals
    assert [(line["event"], line["group"]) for line in logged] == [("consumer.refused", GROUP)]
    assert "countersign acls --check" in logged[0]["remedy"]


def test_other_errors_are_no_refusals() -> None:
    refusals = Refusals(GROUP)
    assert not refusals.note("commitment.sent", KafkaError(KafkaError.REQUEST_TIMED_OUT))
    assert not refusals


def test_a_client_has_died_also_where_only_the_code_says_so() -> None:
    assert is_fatal(KafkaError(KafkaError._FATAL))
    assert is_fatal(KafkaError(KafkaError.FENCED_INSTANCE_ID, "fenced", True))  # noqa: FBT003 - librdkafka's constructor
    assert not is_fatal(KafkaError(KafkaError.GROUP_AUTHORIZATION_FAILED))
