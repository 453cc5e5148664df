"""What Python would write to stderr as free text is a line of JSON."""

import json
import subprocess
import sys
from typing import Any

import pytest

START = """
import asyncio, threading, warnings
from services.pipeline.last_words import log_loop_failures
from services.pipeline.logs import configure_logs
configure_logs("json", "approval")
"""
CASES = {
    "process.crashed": "raise ValueError('canary')",
    "process.interrupted": "raise KeyboardInterrupt",
    "process.error_ignored": """
class Odd:
    def __del__(self):
        raise ValueError("canary")
Odd()""",
    "process.thread_failed": """
def fail():
    raise ValueError("canary")
thread = threading.Thread(target=fail, name="odd")
thread.start()
thread.join()""",
    "process.task_failed": """
async def fail():
    raise ValueError("canary")
async def main():
    log_loop_failures(asyncio.get_running_loop())
    task = asyncio.create_task(fail())
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    del task
asyncio.run(main())""",
    "process.warned": "warnings.simplefilter('always')\nwarnings.warn('canary', UserWarning)",
    "library.logged": """
import logging
logging.getLogger("faust").error("Crashed: %r\\n%s", ValueError("canary"), "two lines", exc_info=ValueError("canary"))
""",
}


def lines_of(code: str) -> list[dict[str, Any]]:
    """Return the lines that a process with `code` writes; each has to be JSON."""
    ended = subprocess.run([sys.executable, "-c", START + code], capture_output=True, text=True, check=False)
    assert ended.stdout == ""
    return [json.loads(line) for line in ended.stderr.splitlines()]


@pytest.mark.parametrize("event", CASES)
def test_every_last_word_is_one_line_without_what_the_error_says(event: str) -> None:
    (line,) = lines_of(CASES[event])

    assert (line["event"], line["service"]) == (event, "approval")
    assert "canary" not in str(line)


def test_what_kafka_did_to_a_task_is_told_without_a_traceback() -> None:
    code = CASES["process.task_failed"].replace('ValueError("canary")', "TopicAuthorizationFailedError('canary')")
    (line,) = lines_of("from aiokafka.errors import TopicAuthorizationFailedError\n" + code)

    assert (line["event"], line["cause"]) == ("process.task_failed", "TopicAuthorizationFailedError")
    assert "exception" not in line


def test_a_warning_about_the_program_keeps_its_text() -> None:
    (line,) = lines_of("warnings.simplefilter('always')\nwarnings.warn('use new()', DeprecationWarning)")

    assert (line["category"], line["text"]) == ("DeprecationWarning", "use new()")
