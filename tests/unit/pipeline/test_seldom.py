"""The same thing is said at most once a minute."""

import logging

from services.pipeline.seldom import MAX_KEYS, Seldom, SeldomFilter


def test_a_key_may_be_said_again_after_a_minute() -> None:
    times = iter((0.0, 1.0, 59.0, 60.0, 61.0))
    seldom = Seldom(clock=lambda: next(times))

    said = [seldom.may_say("away") for _ in range(5)]

    assert said == [True, False, False, True, False]


def test_keys_do_not_silence_each_other_and_one_can_be_forgotten() -> None:
    seldom = Seldom()

    assert seldom.may_say("away")
    assert seldom.may_say("unreadable")
    seldom.forget("away")
    assert seldom.may_say("away")


def test_the_number_of_keys_is_bounded() -> None:
    seldom = Seldom()
    for number in range(3 * MAX_KEYS):
        assert seldom.may_say(number)

    assert len(vars(seldom)["_said"]) <= MAX_KEYS


def line(logger: str, text: str, *arguments: object) -> logging.LogRecord:
    return logging.LogRecord(logger, logging.ERROR, "", 0, text, arguments, None)


def test_lines_of_a_named_logger_and_those_below_it_pass_once_for_each_kind() -> None:
    passes = SeldomFilter("librdkafka", "faust").filter
    fail = ("%s [%s] %s", "FAIL", "rdkafka#consumer-1")

    assert passes(line("librdkafka", *fail, "Connect to 127.0.0.1:9092 failed (after 0 ms)"))
    assert not passes(line("librdkafka", *fail, "Connect to 127.0.0.1:9092 failed (after 1 ms)"))
    assert passes(line("librdkafka", "%s [%s] %s", "ERROR", "rdkafka#consumer-1", "1/1 brokers are down"))
    assert passes(line("faust.app", "Crashed: %r", ConnectionError()))
    assert not passes(line("faust.app", "Crashed: %r", ConnectionError()))


def test_all_lines_of_other_loggers_pass() -> None:
    passes = SeldomFilter("librdkafka").filter

    assert all(passes(line("services.pipeline", "export.settled")) for _ in range(3))
