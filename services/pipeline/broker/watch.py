"""Watches whether the brokers answer and let us read our topics, and says once when that changes."""

from collections.abc import Mapping, Sequence
from time import monotonic

import structlog

from services.pipeline.broker.brokers import Brokers
from services.pipeline.errors import BrokerError
from services.pipeline.seldom import Seldom

WATCH_SECONDS = 5.0
REMEDY = "`countersign topics` creates a missing topic, `countersign acls --check` names a missing right"
_AWAY = "away"

log = structlog.get_logger()


class BrokerWatch:
    """What the brokers said when they were asked last; before that, nothing is known to be well."""

    def __init__(self, brokers: Brokers, topics: Sequence[str]) -> None:
        self._brokers = brokers
        self._topics = topics
        self._unreadable: Mapping[str, str] = {}
        self._away_since: float | None = None
        self._seldom = Seldom()
        self.is_reachable = False

    @property
    def can_read(self) -> bool:
        """Whether the brokers answer and every topic can be read."""
        return self.is_reachable and not self._unreadable

    async def check(self) -> None:
        """Ask the brokers."""
        try:
            unreadable = await self._brokers.unreadable(self._topics)
        except BrokerError as error:
            self._note_away(error)
        else:
            self._note_back()
            self._note_topics(unreadable)

    def _note_away(self, error: BrokerError) -> None:
        self.is_reachable = False
        self._away_since = monotonic() if self._away_since is None else self._away_since
        if self._seldom.may_say(_AWAY):
            log.warning("brokers.away", cause=str(error), seconds=round(monotonic() - self._away_since))

    def _note_back(self) -> None:
        self.is_reachable = True
        if self._away_since is not None:
            log.info("brokers.back", seconds=round(monotonic() - self._away_since))
        self._away_since = None
        self._seldom.forget(_AWAY)

    def _note_topics(self, unreadable: Mapping[str, str]) -> None:
        for topic, cause in unreadable.items():
            if self._seldom.may_say((topic, cause)):
                log.error("brokers.topic_unreadable", topic=topic, cause=cause, remedy=REMEDY)
        for topic in self._unreadable.keys() - unreadable.keys():
            log.info("brokers.topic_readable", topic=topic)
            self._seldom.forget((topic, self._unreadable[topic]))
        self._unreadable = unreadable
