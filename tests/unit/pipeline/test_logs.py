"""Logs have one line for each event, as JSON or for people."""

import json
import subprocess
import sys

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
    assert (librdkafka["event"], librdkafka["level"], librdkafka["service"]) == ("broker down", "warning", "approval")
    assert failed["event"] == "worker.job_failed"
    assert "ZeroDivisionError" in failed["exception"]


def test_console_logs_have_no_colour_codes() -> None:
    lines = logged("console")
    assert any("export.settled" in line and "connection=small-erp" in line for line in lines)
    assert not any("\x1b" in line for line in lines)
    assert not any("token=secret" in line for line in lines)
