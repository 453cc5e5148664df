"""How often, and after which delays, the exporter tries again or probes."""

from dataclasses import dataclass
from datetime import timedelta

from services.exporter.connectors.protocol import ConnectionSettings
from services.exporter.rules.about import UNNAMED_ERP
from services.exporter.rules.spread import spread

SPREAD_SHARE = 0.5
RECHECKS = (
    timedelta(minutes=1),
    timedelta(minutes=5),
    timedelta(minutes=30),
    timedelta(hours=2),
    timedelta(hours=12),
    timedelta(hours=24),
)
"""After a doubt has ended, how long to wait before each further look for a document that the ERP stored late."""

RECHECK_RETRY = timedelta(minutes=1)
"""How long to wait after a look that the ERP did not answer."""


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """The limits and delays of one connection to `erp`; delays double from their first value up to their maximum."""

    settle_seconds: float = 30.0
    """How long after a lost answer the ERP may still store the document."""

    max_attempts: int = 10
    first_retry_seconds: float = 1.0
    max_retry_seconds: float = 300.0
    first_probe_seconds: float = 2.0
    max_probe_seconds: float = 600.0
    spread_share: float = 0.0
    """By how much of it a delay may be shortened, so that exports which failed together do not come back together."""

    erp: str = UNNAMED_ERP

    def settle_time(self) -> timedelta:
        """Return `settle_seconds` as a timedelta."""
        return timedelta(seconds=self.settle_seconds)

    def retry_delay(self, attempts: int, key: str, retry_after_seconds: float = 0.0) -> timedelta:
        """How long `key` waits after transient failure number `attempts`, but not less than the ERP asked for."""
        delay = backoff_seconds(attempts, self.first_retry_seconds, self.max_retry_seconds)
        return timedelta(seconds=max(spread(delay, f"{key}/{attempts}", self.spread_share), retry_after_seconds))

    def probe_delay(self, probes: int, key: str) -> timedelta:
        """How long `key` waits after probe number `probes`; 0 is the lost answer itself."""
        delay = backoff_seconds(probes + 1, self.first_probe_seconds, self.max_probe_seconds)
        return timedelta(seconds=spread(delay, f"{key}/{probes}", self.spread_share))


def policy_for(settings: ConnectionSettings) -> RetryPolicy:
    """The retry policy in a connection's settings."""
    return RetryPolicy(
        settle_seconds=settings.settle_seconds,
        max_attempts=settings.max_attempts,
        first_retry_seconds=settings.first_retry_seconds,
        first_probe_seconds=settings.first_probe_seconds,
        erp=settings.title,
        spread_share=SPREAD_SHARE,
    )


def backoff_seconds(attempt: int, first_seconds: float, max_seconds: float) -> float:
    """The delay after failure number `attempt`, counted from 1: it doubles each time, up to `max_seconds`."""
    doublings = min(max(attempt, 1) - 1, 60)
    return min(first_seconds * 2.0**doublings, max_seconds)
