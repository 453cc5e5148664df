"""Logs what otherwise would be written to stderr as free text: errors that nobody caught, and warnings."""

import asyncio
import sys
import threading
import warnings
from types import TracebackType
from typing import Any, TextIO

import structlog

from services.pipeline.tracebacks import is_of_aiokafka

log = structlog.get_logger()

_SHOWN_WARNINGS = (DeprecationWarning, RuntimeWarning, SyntaxWarning, ImportWarning)
"""Their texts are about the program; others, such as those of pydantic, quote values."""


def log_last_words() -> None:
    """From now on, log errors that end the process, a thread or nothing, and warnings, instead of writing them."""
    sys.excepthook = _crashed
    sys.unraisablehook = _ignored
    threading.excepthook = _thread_ended
    warnings.showwarning = _warned


def log_loop_failures(loop: asyncio.AbstractEventLoop) -> None:
    """From now on, log what nobody waits for in `loop`."""
    loop.set_exception_handler(_failed_in_loop)


def _crashed(_kind: type[BaseException], error: BaseException, _traceback: TracebackType | None) -> None:
    if isinstance(error, KeyboardInterrupt):
        log.info("process.interrupted")
    else:
        log.critical("process.crashed", cause=type(error).__name__, exc_info=error)


def _ignored(unraisable: Any) -> None:
    log.warning("process.error_ignored", cause=unraisable.exc_type.__name__, exc_info=unraisable.exc_value or True)


def _thread_ended(ended: threading.ExceptHookArgs) -> None:
    if ended.exc_value is not None and not isinstance(ended.exc_value, SystemExit):
        name = ended.thread.name if ended.thread else None
        log.error("process.thread_failed", thread=name, cause=ended.exc_type.__name__, exc_info=ended.exc_value)


def _failed_in_loop(_loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    error = context.get("exception")
    said, cause = context.get("message"), type(error).__name__ if error else None
    is_ours = error is not None and not is_of_aiokafka(error)
    log.error("process.task_failed", said=said, cause=cause, **({"exc_info": error} if is_ours else {}))


def _warned(
    message: Warning | str,
    category: type[Warning],
    filename: str,
    lineno: int,
    file: TextIO | None = None,
    line: str | None = None,
) -> None:
    del file, line
    text = str(message) if issubclass(category, _SHOWN_WARNINGS) else None
    log.warning("process.warned", category=category.__name__, place=f"{filename}:{lineno}", text=text)
