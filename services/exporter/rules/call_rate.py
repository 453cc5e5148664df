"""How many calls to one ERP may begin in a minute: each takes one out of a bucket, which refills all the time."""

from dataclasses import dataclass
from datetime import datetime, timedelta

CALLS_PER_EXPORT = 2
"""What an export is charged when it is taken up: a question and a write; what it really made is known at its end."""


@dataclass(frozen=True, slots=True)
class CallRate:
    """At most `calls_per_minute` in any minute: the bucket and what is refilled meanwhile are no more than that."""

    calls_per_minute: int

    @property
    def bucket(self) -> int:
        """How many calls may begin at once after a rest."""
        return max(self.calls_per_minute // 10, CALLS_PER_EXPORT)

    @property
    def interval(self) -> timedelta:
        """How long it takes until the bucket has one more call."""
        return timedelta(minutes=1) / (self.calls_per_minute - self.bucket)

    def free_calls(self, full_at: datetime | None, now: datetime) -> int:
        """How many calls may begin now, given when the bucket is full again."""
        missing = max(full_at - now, timedelta()) / self.interval if full_at else 0.0
        return max(int(self.bucket - missing + _ROUNDING), 0)

    def free_at(self, full_at: datetime | None, calls: int, now: datetime) -> datetime:
        """When so many `calls` may begin, if none begins before."""
        return max(full_at - (self.bucket - calls) * self.interval, now) if full_at else now

    def charge(self, full_at: datetime | None, calls: int, now: datetime) -> datetime:
        """When the bucket is full again after `calls` more, or fewer if it is negative."""
        return max(full_at or now, now) + calls * self.interval


_ROUNDING = 1e-6
"""A bucket that has been filled by microseconds too little counts as full."""
