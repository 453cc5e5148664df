"""Watches whether a service's topics keep messages as promised, and are still the same.

What is wrong is logged and counted, and never fatal.
"""

import asyncio
from collections.abc import Sequence

import structlog

from schemas.topics import BY_NAME
from services.pipeline import metrics
from services.pipeline.broker import TopicFindings, find_wrong_settings_apart
from services.pipeline.database import DATABASE_ERRORS, Database
from services.pipeline.errors import BrokerError
from services.pipeline.periodic import is_set_within
from services.pipeline.settings import KafkaSettings
from services.pipeline.tables import KernelTables
from services.pipeline.topics_seen import TopicsSeen
from services.pipeline.tracebacks import named

CHECK_SECONDS = 3600.0
RETRY_SECONDS = 60.0
ANSWER_SECONDS = 3.0

log = structlog.get_logger()


class TopicCheck:
    """Checks the topics that one service reads or writes, at its start and then every hour."""

    def __init__(
        self, service: str, settings: KafkaSettings, database: Database, tables: KernelTables, topics: Sequence[str]
    ) -> None:
        self._service = service
        self._settings = settings
        self._database = database
        self._seen = TopicsSeen(tables)
        self._topics = [BY_NAME[name] for name in topics if name in BY_NAME]
        self._last = TopicFindings((), ())
        self._made_anew: Sequence[str] = ()

    async def run(self, stopping: asyncio.Event) -> None:
        """Check until `stopping` is set; a service that may not read the settings says so once."""
        pause_seconds = 0.0
        while self._topics and not await is_set_within(stopping, pause_seconds):
            pause_seconds = await self._check()

    async def _check(self) -> float:
        """Check once and return the seconds until the next check."""
        try:
            found = await find_wrong_settings_apart(self._settings, self._topics, ANSWER_SECONDS)
            made_anew = await self._seen.made_anew(self._database, found.ids)
        except BrokerError as error:
            log.warning("topics.not_checked", cause=str(error))
            return RETRY_SECONDS
        except DATABASE_ERRORS as error:
            log.warning("topics.not_checked", cause=named(error))
            return RETRY_SECONDS
        self._report(found)
        self._report_made_anew(made_anew)
        return RETRY_SECONDS if found.wrong or made_anew else CHECK_SECONDS

    def _report(self, found: TopicFindings) -> None:
        """Set the gauge, and log what the last check had not found yet."""
        metrics.TOPIC_SETTINGS_WRONG.labels(self._service).set(len(found.wrong))
        for each in found.wrong:
            if each not in self._last.wrong:
                log.error(
                    "topics.setting_wrong",
                    topic=each.topic,
                    setting=each.setting,
                    value=each.value,
                    wanted=each.wanted,
                    remedy="countersign topics",
                )
        if found.hidden and not self._last.hidden:
            log.warning("topics.settings_hidden", topics=list(found.hidden), remedy="allow DescribeConfigs")
        self._last = found

    def _report_made_anew(self, topics: Sequence[str]) -> None:
        """Set the gauge, and log what the last check had not found yet."""
        metrics.TOPICS_MADE_ANEW.labels(self._service).set(len(topics))
        for topic in topics:
            if topic not in self._made_anew:
                remedy = f"countersign offsets set {self._service} {topic} --to beginning"
                log.error("topics.made_anew", topic=topic, remedy=remedy)
        self._made_anew = topics
