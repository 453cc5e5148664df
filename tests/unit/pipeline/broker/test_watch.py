"""What the brokers say about themselves and our topics is logged once, when it changes."""

from collections.abc import Mapping, Sequence

from structlog.testing import capture_logs

from services.pipeline.broker import Brokers, BrokerWatch
from services.pipeline.errors import BrokerError


class Scripted(Brokers):
    """Gives one prepared answer after the other."""

    def __init__(self, *answers: Mapping[str, str] | BrokerError) -> None:
        self._answers = list(answers)

    async def unreadable(self, topics: Sequence[str]) -> Mapping[str, str]:
        assert topics
        answer = self._answers.pop(0)
        if isinstance(answer, BrokerError):
            raise answer
        return answer


async def watched(*answers: Mapping[str, str] | BrokerError) -> tuple[list[bool], list[str]]:
    """Return whether everything can be read after each answer, and the log."""
    watch = BrokerWatch(Scripted(*answers), ["a", "b"])
    states = []
    with capture_logs() as logged:
        for _ in answers:
            await watch.check()
            states.append(watch.can_read)
    return states, [line["event"] for line in logged]


def test_before_the_first_answer_nothing_is_known_to_be_well() -> None:
    assert not BrokerWatch(Scripted(), ["a"]).can_read


async def test_brokers_that_are_away_and_back_are_logged_once_each() -> None:
    away = BrokerError("timed out")
    assert await watched({}, away, away, away, {}, away) == (
        [True, False, False, False, True, False],
        ["brokers.away", "brokers.back", "brokers.away"],
    )


async def test_what_is_to_be_done_about_a_topic_fits_a_missing_one_and_a_missing_right() -> None:
    watch = BrokerWatch(Scripted({"b": "unknown topic"}), ["b"])
    with capture_logs() as logged:
        await watch.check()
    assert "`countersign topics`" in logged[0]["remedy"]
    assert "`countersign acls --check`" in logged[0]["remedy"]


async def test_a_topic_that_cannot_be_read_is_named_once_and_again_when_it_can() -> None:
    missing = {"b": "unknown topic"}
    assert await watched(missing, missing, {}, missing) == (
        [False, False, True, False],
        ["brokers.topic_unreadable", "brokers.topic_readable", "brokers.topic_unreadable"],
    )
