"""Logs have one line for each event, as JSON or for people; a failure that repeats is logged once in a while."""

import json
import subprocess
import sys

from structlog.testing import capture_logs

from services.pipeline.logs import FailureLog

WRITE = """
import logging, structlog
from services.pipeline.logs import configure_logs
early = structlog.get_logger()
configure_logs({log_format!r}, "approval")
log = structlog.get_logger()
early.info("early.bird", worms=2)
log.warning("export.settled", connection="small-erp", text="two\\nlines")
logging.getLogger("librdkafka").warning("broker down")
logging.getLogger("httpx2").info("GET https://erp.example/?token=secret")
logging.getLogger("alembic").info("running")
try:
    1 / 0
except ZeroDivisionError:
    log.exception("worker.job_failed", work="mails")
"""

CRASH_OF_FAUST = """
import logging
from aiokafka.errors import TopicAuthorizationFailedError
from services.pipeline.logs import configure_logs
configure_logs("json", "digest")
for error in (TopicAuthorizationFailedError("commitment.status"), KeyError("defect")):
    for part in ("faust.transport.consumer", "mode.threads", "other"):
        logging.getLogger(part).error("Crashed reason=%r", error, exc_info=error)
"""
CONFIGURE_TWICE = """
import structlog
from services.pipeline.logs import configure_logs
from structlog.testing import capture_logs
log = structlog.get_logger()
configure_logs("json", "approval")
log.info("first.line")
configure_logs("console", "publish")
with capture_logs() as logged:
    log.info("second.line")
print([line["event"] for line in logged])
"""


def logged(log_format: str) -> list[str]:
    """Return what another process logs in `log_format`; nothing may go to its standard output."""
    ended = subprocess.run(
        [sys.executable, "-c", WRITE.format(log_format=log_format)], capture_output=True, text=True, check=True
    )
    assert ended.stdout == ""
    return ended.stderr.splitlines()


def test_json_logs_have_one_object_per_line() -> None:
    early, settled, librdkafka, failed = [json.loads(line) for line in logged("json")]
    assert (early["event"], early["worms"], early["service"]) == ("early.bird", 2, "approval")
    assert (settled["event"], settled["level"], settled["connection"]) == ("export.settled", "warning", "small-erp")
    assert settled["text"] == "two\nlines"
    assert settled["timestamp"].endswith("Z")
    assert (librdkafka["event"], librdkafka["level"], librdkafka["service"]) == (
        "library.logged",
        "warning",
        "approval",
    )
    assert (librdkafka["logger"], librdkafka["text"]) == ("librdkafka", "broker down")
    assert failed["event"] == "worker.job_failed"
    assert "ZeroDivisionError: division by zero" in failed["exception"]
    assert {early["pid"], settled["pid"]} == {failed["pid"]}
    assert early["instance"]
    assert early["version"]


def test_why_kafka_ended_an_app_of_faust_is_not_told_by_each_of_its_parts() -> None:
    ended = subprocess.run([sys.executable, "-c", CRASH_OF_FAUST], capture_output=True, text=True, check=True)
    lines = [json.loads(line) for line in ended.stderr.splitlines()]
    assert [(each["logger"], each["text"], "exception" in each) for each in lines] == [
        ("other", "Crashed reason='TopicAuthorizationFailedError'", True),
        *((part, "Crashed reason='KeyError'", True) for part in ("faust.transport.consumer", "mode.threads", "other")),
    ]


def test_a_collector_that_is_away_is_logged_once_a_minute() -> None:
    write = """
import logging
from services.pipeline.logs import configure_logs
configure_logs("json", "approval")
for seconds in (0.8, 1.79, 4.29):
    logging.getLogger("opentelemetry.exporter.otlp").warning("Transient error, retrying in %.2fs.", seconds)
"""
    ended = subprocess.run([sys.executable, "-c", write], capture_output=True, text=True, check=True)
    assert [json.loads(line)["text"] for line in ended.stderr.splitlines()] == ["Transient error, retrying in 0.80s."]


def test_console_logs_have_no_colour_codes() -> None:
    lines = logged("console")
    assert any("export.settled" in line and "connection=small-erp" in line for line in lines)
    assert not any("\x1b" in line for line in lines)
    assert not any("token=secret" in line for line in lines)


def test_console_logs_cannot_be_forged_by_what_others_wrote() -> None:
    texts = ["a\x1b[2Jb", "a\nb", "a b\x9b31m", "a\x85\u2028b", "\u202egnp", "a\rb"]
    write = f"""
import logging, structlog
from services.pipeline.logs import configure_logs
configure_logs("console", "approval")
for text in {texts!r}:
    structlog.get_logger().warning("export.settled", commitment_id=text, ids=[text])
    logging.getLogger("librdkafka").warning("%s", text)
try:
    raise ValueError("\x1b[2J")
except ValueError:
    structlog.get_logger().exception("worker.job_failed", why="\x1b[2J")
"""
    ended = subprocess.run([sys.executable, "-c", write], capture_output=True, text=True, check=True)
    lines = ended.stderr.split("\n")
    assert all(each.isprintable() for each in lines)
    assert sum("export.settled" in line for line in lines) == sum("librdkafka" in line for line in lines) == len(texts)
    assert "ValueError" in lines  # its traceback keeps its lines


def test_loggers_follow_a_later_configuration() -> None:
    ended = subprocess.run([sys.executable, "-c", CONFIGURE_TWICE], capture_output=True, text=True, check=True)
    assert ended.stdout == "['second.line']\n"


def raised(number: int = 0) -> Exception:
    """Return an error that was raised in one of two lines."""
    places: list[dict[int, int]] = [{}, {}]
    try:
        if number:
            places[0][number]
        else:
            places[1][number]
    except KeyError as error:
        return error
    raise AssertionError


def test_a_failure_that_repeats_is_logged_once_and_counted() -> None:
    failures = FailureLog(every_seconds=3600)
    with capture_logs() as logged:
        for _ in range(1000):
            failures.defect("worker.job_failed", raised(), work="mails")

    (line,) = logged
    assert (line["event"], line["log_level"], line["work"], line["repeats"]) == (
        "worker.job_failed",
        "error",
        "mails",
        0,
    )
    assert isinstance(line["exc_info"], KeyError)


def test_the_next_line_says_how_many_were_left_out() -> None:
    failures = FailureLog(every_seconds=0.2)
    with capture_logs() as logged:
        while len(logged) < 2:
            failures.defect("worker.job_failed", raised())

    assert logged[1]["repeats"] > 0


def test_failures_of_another_line_type_or_event_are_logged_separately() -> None:
    failures = FailureLog(every_seconds=3600)
    with capture_logs() as logged:
        failures.defect("worker.job_failed", raised())
        failures.defect("worker.job_failed", raised(1))
        failures.defect("worker.job_failed", ValueError())
        failures.expected("worker.claim_failed", raised())

    assert len(logged) == 4
    assert (logged[3]["log_level"], logged[3]["cause"]) == ("warning", "KeyError")
    assert "exc_info" not in logged[3]
