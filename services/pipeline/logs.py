"""Structured logs: one line per event, as JSON or for people; and failures that repeat, without flooding the log."""

import logging
import sys
from collections.abc import Callable
from types import TracebackType
from typing import Literal

import structlog

from services.pipeline.seldom import Seldom, SeldomFilter

REPEAT_SECONDS = 300.0


def configure_logs(log_format: Literal["json", "console"], service: str) -> None:
    """Send all logs of this process to stderr in `log_format`, each line with the service's name."""
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    renderer: structlog.typing.Processor = (
        structlog.processors.JSONRenderer() if log_format == "json" else structlog.dev.ConsoleRenderer(colors=False)
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.format_exc_info,
                renderer,
            ],
        )
    )
    # all of them log an unavailable broker again and again, many times a second
    handler.addFilter(SeldomFilter("librdkafka", "faust", "mode"))
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
    structlog.contextvars.bind_contextvars(service=service)


class FailureLog:
    """Logs each distinct failure at most once per `every_seconds`; the next line says how many were left out.

    Failures are the same if they have the same event and type, and were raised in the same line of code.
    """

    def __init__(self, *, every_seconds: float = REPEAT_SECONDS) -> None:
        self._seldom = Seldom(every_seconds)
        self._log = structlog.get_logger()

    def defect(
        self, event: str, error: Exception, told: Callable[[Exception], str] | None = None, **fields: object
    ) -> None:
        """Log a failure that nobody expected, with its traceback; `told` words it where it may have a secret."""
        if (repeats := self._repeats(event, error)) is not None:
            traceback = {"exception": told(error)} if told else {"exc_info": error}
            self._log.error(event, **traceback, cause=type(error).__name__, repeats=repeats, **fields)

    def expected(self, event: str, error: Exception, **fields: object) -> None:
        """Log a failure that passes, such as a database that is unavailable, without a traceback."""
        if (repeats := self._repeats(event, error)) is not None:
            self._log.warning(event, cause=type(error).__name__, repeats=repeats, **fields)

    def _repeats(self, event: str, error: Exception) -> int | None:
        """Return how many such failures were left out since the last line; None if this one is left out as well."""
        return self._seldom.left_out((event, type(error), _place(error.__traceback__)))


def _place(raised: TracebackType | None) -> str:
    """Return the line of code that raised an error."""
    if raised is None:
        return ""
    while raised.tb_next is not None:
        raised = raised.tb_next
    return f"{raised.tb_frame.f_code.co_filename}:{raised.tb_lineno}"
