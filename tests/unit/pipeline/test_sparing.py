"""A job that has become slow runs less often."""

import pytest

from services.pipeline.periodic import SPARED
from services.pipeline.sparing import sparing


class SlowJob:
    """A job on a clock of its own, which each run advances by `seconds`."""

    def __init__(self, seconds: float) -> None:
        self.now = 0.0
        self.seconds = seconds
        self.runs = 0

    async def run(self) -> None:
        self.now += self.seconds
        self.runs += 1

    async def fail(self) -> None:
        await self.run()
        raise ConnectionResetError


async def test_a_quick_job_runs_each_time() -> None:
    job = SlowJob(0.01)
    spared = sparing(job.run, clock=lambda: job.now)
    for _ in range(3):
        await spared()
        job.now += 5
    assert job.runs == 3


async def test_a_slow_job_waits_for_a_hundred_times_as_long_as_it_took() -> None:
    job = SlowJob(0.5)
    spared = sparing(job.run, clock=lambda: job.now)
    await spared()
    job.now += 49
    assert await spared() is None
    assert job.runs == 1
    job.now += 2
    await spared()
    assert job.runs == 2


@pytest.mark.parametrize(("took", "pause"), [(0.7, 60), (3, 60), (6, 60), (30, 300)])
async def test_a_job_pauses_for_a_minute_at_most_unless_it_would_take_a_tenth_of_the_time(
    took: float, pause: float
) -> None:
    job = SlowJob(took)
    spared = sparing(job.run, clock=lambda: job.now)
    await spared()
    job.now += pause - 1
    await spared()
    assert job.runs == 1
    job.now += 2
    await spared()
    assert job.runs == 2


async def test_a_job_that_fails_slowly_is_spared_as_well() -> None:
    job = SlowJob(0.5)
    spared = sparing(job.fail, clock=lambda: job.now)
    with pytest.raises(ConnectionResetError):
        await spared()
    assert await spared() is SPARED
    assert job.runs == 1
