"""Configures structured logs: one line per event, as JSON or for people."""

import logging
import sys
from typing import Literal

import structlog

from services.pipeline.seldom import SeldomFilter


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
        cache_logger_on_first_use=True,
    )
    structlog.contextvars.bind_contextvars(service=service)
