"""Jobs that repeat until a service stops."""

import asyncio
import time
from functools import partial

import pytest
from prometheus_client import REGISTRY
from structlog.testing import capture_logs

from services.pipeline.metrics import PERIODIC_SUCCESS
from services.pipeline.periodic import SPARED, every, is_set_within, pause_seconds


class Job:
    """Counts its runs and sets `stopping` in the last of them."""

    def __init__(self, runs: int, errors: dict[int, Exception] | None = None) -> None:
        self.stopping = asyncio.Event()
        self.ran = 0
        self._runs = runs
        self._errors = errors or {}

    async def run(self) -> None:
        self.ran += 1
        if self.ran == self._runs:
            self.stopping.set()
        if error := self._errors.get(self.ran):
            raise error


async def test_a_job_runs_at_once_and_repeats_until_stopped() -> None:
    job = Job(runs=3)

    await every(0.001, job.run)(job.stopping)

    assert job.ran == 3


async def test_a_stop_does_not_wait_for_the_next_run() -> None:
    job = Job(runs=1)

    async with asyncio.timeout(5):
        await every(3600, job.run)(job.stopping)

    assert job.ran == 1


async def test_a_job_that_waits_first_does_not_run_if_stopped_before() -> None:
    job = Job(runs=1)
    job.stopping.set()

    await every(0.001, job.run, first_after_seconds=3600)(job.stopping)

    assert job.ran == 0


async def test_after_a_database_error_the_next_run_tries_again() -> None:
    job = Job(runs=2, errors={1: ConnectionRefusedError()})

    await every(0.001, job.run)(job.stopping)

    assert job.ran == 2


async def test_after_a_defect_the_next_run_tries_again_and_the_log_says_it_once() -> None:
    """An odd row in one gauge must not end a service."""
    defect = KeyError("a defect")
    job = Job(runs=4, errors={1: defect, 2: defect, 3: ConnectionRefusedError(), 4: defect})

    with capture_logs() as logged:
        await every(0.001, job.run)(job.stopping)

    assert job.ran == 4
    assert [(line["event"], line["cause"]) for line in logged] == [
        ("periodic.failed", "KeyError"),
        ("periodic.failed", "ConnectionRefusedError"),
    ]
    assert logged[0]["exc_info"] is defect


def test_a_job_that_keeps_failing_runs_less_and_less_often() -> None:
    assert [pause_seconds(5, failures) for failures in (0, 1, 2, 3, 4, 5, 100)] == [5, 5, 10, 20, 40, 60, 60]
    assert pause_seconds(3600, 3) == 3600


async def test_a_partial_can_be_a_job() -> None:
    seen = []
    stopping = asyncio.Event()

    async def note(word: str) -> None:
        seen.append(word)
        stopping.set()

    await every(0.001, partial(note, "now"))(stopping)

    assert seen == ["now"]


@pytest.mark.parametrize("seconds", [0.0, 0.001])
async def test_waiting_for_an_event_returns_whether_it_is_set(seconds: float) -> None:
    event = asyncio.Event()

    before = await is_set_within(event, seconds)
    event.set()

    assert (before, await is_set_within(event, seconds)) == (False, True)


def succeeded_at(job: Job) -> float:
    labels = {"task": job.run.__qualname__}
    assert REGISTRY.get_sample_value("periodic_interval_seconds", labels) == 0.001
    return REGISTRY.get_sample_value("periodic_success_timestamp_seconds", labels) or 0.0


class Failing(Job):
    """A job of another name, of which no run ends well."""

    async def run(self) -> None:
        await super().run()
        raise ConnectionRefusedError


class Sparing(Job):
    """A job of another name that does not run."""

    async def run(self) -> object:  # type: ignore[override]
        await super().run()
        return SPARED


async def test_the_metric_tells_when_a_job_last_ended_well() -> None:
    job = Job(runs=1)
    PERIODIC_SUCCESS.labels("Job.run").set(0)

    await every(0.001, job.run)(job.stopping)

    assert succeeded_at(job) == pytest.approx(time.time(), abs=60)


@pytest.mark.parametrize("job_type", [Failing, Sparing])
async def test_a_job_that_fails_or_is_spared_has_not_ended_well(job_type: type[Job]) -> None:
    job, begun = job_type(runs=20), time.time()

    await every(0.001, job.run)(job.stopping)

    assert succeeded_at(job) - begun < time.time() - begun - 0.015
