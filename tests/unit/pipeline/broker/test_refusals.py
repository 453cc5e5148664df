"""A topic that may not be read is named once, and forgotten when something is read from it."""

from confluent_kafka import KafkaError
from structlog.testing import capture_logs

from services.pipeline.broker.refusals import Refusals


def test_a_refused_topic_is_logged_once_until_it_is_read_again() -> None:
    refusals, refused = Refusals(), KafkaError(KafkaError.TOPIC_AUTHORIZATION_FAILED)
    with capture_logs() as logged:
        assert refusals.note("commitment.sent", refused)
        assert refusals.note("commitment.sent", refused)
        refusals.forget(["commitment.resent"])
        assert refusals.topics == {"commitment.sent"}
        refusals.forget(["commitment.sent"])
        assert not refusals
        refusals.note("commitment.sent", refused)

    assert [(line["event"], line["topic"]) for line in logged] == [("consumer.refused", "commitment.sent")] * 2


def test_other_errors_are_no_refusals() -> None:
    refusals = Refusals()
    assert not refusals.note("commitment.sent", KafkaError(KafkaError.REQUEST_TIMED_OUT))
    assert not refusals
