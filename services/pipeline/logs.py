"""Structured logs: one line per event, as JSON or for people; and failures that repeat, without flooding the log."""

import logging
import os
import socket
import sys
from collections.abc import Sequence
from importlib.metadata import version
from typing import Literal

import structlog
from structlog.typing import EventDict, ExcInfo, Processor

from services.pipeline.last_words import log_last_words
from services.pipeline.seldom import Seldom, SeldomFilter
from services.pipeline.tracebacks import is_of_aiokafka, named, place_of, traceback_of

REPEAT_SECONDS = 300.0
LIBRARY_LOGGED = "library.logged"

LogFormat = Literal["json", "console"]


def configure_logs(log_format: LogFormat, service: str) -> None:
    """Send all logs of this process to stderr in `log_format`, one line each, with the service's name.

    That includes what libraries log, warnings, and errors that nobody catches.
    """
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _Signed(log_format, service),
    ]
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_formatter(log_format, shared))
    handler.addFilter(_without_ends_of_faust)
    # all of them log an unavailable broker again and again, many times a second, or an unavailable collector; and
    # uvicorn logs each request that is no HTTP
    handler.addFilter(SeldomFilter("librdkafka", "faust", "mode", "opentelemetry", "uvicorn"))
    handler.addFilter(_without_texts_of_errors)
    logging.basicConfig(handlers=[handler], level=logging.INFO, force=True)
    for chatty in ("uvicorn.access", "httpx2", "alembic", "faust", "mode"):
        logging.getLogger(chatty).setLevel(logging.WARNING)
    # it logs an unavailable broker more than fifty times a second; librdkafka logs it as well, in the same process
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
    )
    log_last_words()


def format_in_environment() -> LogFormat:
    """Return LOG_FORMAT as far as it can be told before the settings are read, which may be wrong."""
    environ = {name.upper(): value for name, value in os.environ.items()}  # as the settings are read
    return "console" if environ.get("LOG_FORMAT") == "console" else "json"


class _Signed:
    """Adds which process a line is from; not as context, which threads of libraries do not have."""

    def __init__(self, log_format: LogFormat, service: str) -> None:
        self._members: dict[str, object] = {"service": service}
        if log_format == "json":
            self._members |= {"instance": socket.gethostname(), "pid": os.getpid(), "version": version("countersign")}

    def __call__(self, _logger: object, _method: str, line: EventDict) -> EventDict:
        return {**line, **self._members}


def _formatter(log_format: LogFormat, shared: Sequence[Processor]) -> logging.Formatter:
    renderers: Sequence[Processor] = (
        [structlog.processors.JSONRenderer()]
        if log_format == "json"
        else [_quoted_where_odd, structlog.dev.ConsoleRenderer(colors=False)]
    )
    return structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=[*shared, _named_as_of_a_library],
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            structlog.processors.ExceptionRenderer(_traceback),
            *renderers,
        ],
    )


class _Quoted:
    """A text that is written as Python writes it: on one line, and without what controls a terminal."""

    def __init__(self, text: str) -> None:
        self._text = text

    def __repr__(self) -> str:
        return repr(self._text)


def _quoted_where_odd(_logger: object, _method: str, line: EventDict) -> EventDict:
    """Quote texts that are not visible as themselves; structlog does so only with those that have spaces."""
    odd = {name: _Quoted(each) for name, each in line.items() if isinstance(each, str) and not each.isprintable()}
    return {**line, **odd, **({"exception": line["exception"]} if "exception" in line else {})}


def _named_as_of_a_library(_logger: object, _method: str, line: EventDict) -> EventDict:
    """Give lines of libraries an event's name like all others; what they say is their text."""
    return {**line, "event": LIBRARY_LOGGED, "logger": line["_record"].name, "text": line["event"]}


def _traceback(exc_info: ExcInfo) -> str:
    return traceback_of(exc_info[1])


def _without_ends_of_faust(record: logging.LogRecord) -> bool:
    """Leave out what each part of a Faust app logs when Kafka ends the app: we log once why it has ended."""
    error = record.exc_info[1] if record.exc_info else None
    return not (is_of_aiokafka(error) and record.name.partition(".")[0] in {"faust", "mode"})


def _without_texts_of_errors(record: logging.LogRecord) -> bool:
    """Put the types of errors in their place: libraries log the text of an error, which may quote content."""
    if isinstance(record.args, tuple):
        record.args = tuple(type(each).__name__ if isinstance(each, BaseException) else each for each in record.args)
    return True


class FailureLog:
    """Logs each distinct failure at most once per `every_seconds`; the next line says how many were left out.

    Failures are the same if they have the same event and type, and were raised in the same line of code.
    """

    def __init__(self, *, every_seconds: float = REPEAT_SECONDS) -> None:
        self._seldom = Seldom(every_seconds)
        self._log = structlog.get_logger()

    def defect(self, event: str, error: Exception, **fields: object) -> None:
        """Log a failure that nobody expected, with its traceback."""
        if (repeats := self._repeats(event, error)) is not None:
            self._log.error(event, exc_info=error, cause=named(error), repeats=repeats, **fields)

    def expected(self, event: str, error: Exception, **fields: object) -> None:
        """Log a failure that passes, such as a database that is unavailable, without a traceback."""
        if (repeats := self._repeats(event, error)) is not None:
            self._log.warning(event, cause=named(error), repeats=repeats, **fields)

    def _repeats(self, event: str, error: Exception) -> int | None:
        """Return how many such failures were left out since the last line; None if this one is left out as well."""
        return self._seldom.left_out((event, type(error), place_of(error)))
