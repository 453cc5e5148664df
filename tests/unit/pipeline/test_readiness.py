"""Whatever goes wrong while it is asked, a service that is not known to be well is not ready."""

from typing import Any, cast

from prometheus_client import REGISTRY
from pydantic import SecretStr

from services.pipeline.broker import BatchConsumer, Brokers, BrokerWatch
from services.pipeline.database import Database
from services.pipeline.readiness import SHOWN_SECONDS, STANDBY_SECONDS, Readiness
from services.pipeline.settings import KafkaSettings


class Reachable(Database):
    """A database that answers."""

    def __init__(self) -> None:
        super().__init__(SecretStr("postgresql://nobody@127.0.0.1:9/nothing"), application_name="tests")

    async def is_reachable(self) -> bool:
        return True


def watch(*, is_reachable: bool = True) -> BrokerWatch:
    made = BrokerWatch(Brokers(KafkaSettings(kafka_bootstrap_servers="127.0.0.1:9")), [])
    made.is_reachable = is_reachable
    return made


def shown() -> float | None:
    return REGISTRY.get_sample_value("service_ready")


async def test_a_service_is_ready_if_brokers_and_database_answer_and_it_is_willing() -> None:
    assert await Readiness(Reachable(), None, watch(), lambda: True).is_ready()
    assert not await Readiness(Reachable(), None, watch(), lambda: False).is_ready()
    assert not await Readiness(Reachable(), None, watch(is_reachable=False), lambda: True).is_ready()


async def test_a_question_that_raises_means_no() -> None:
    def is_willing() -> bool:
        raise ZeroDivisionError

    assert not await Readiness(Reachable(), None, watch(), is_willing).is_ready()


class Idle:
    """A consumer that has no partition."""

    is_reading, holds_nothing = False, True

    def __init__(self) -> None:
        self.refusals: set[str] = set()


async def test_a_member_stands_by_once_no_killed_process_can_be_among_those_that_have_its_partitions() -> None:
    now, idle = 1_000.0, Idle()
    consumer = cast("BatchConsumer[Any]", idle)
    readiness = Readiness(Reachable(), consumer, watch(), lambda: True, clock=lambda: now)
    readiness.note_idleness()
    assert not await readiness.is_ready()

    now += STANDBY_SECONDS
    readiness.note_idleness()
    assert await readiness.is_ready()

    idle.refusals.add("commitment.sent")
    readiness.note_idleness()
    assert not await readiness.is_ready()


async def test_the_metric_falls_to_0_if_nobody_renews_it() -> None:
    """The job that renews it may hang or be gone; the last good news must not stay."""
    now = 1_000.0
    readiness = Readiness(Reachable(), None, watch(), lambda: True, clock=lambda: now)
    await readiness.show()
    assert shown() == 1

    now += SHOWN_SECONDS - 1
    assert shown() == 1
    now += 1
    assert shown() == 0


async def test_the_metric_is_0_once_the_service_ends() -> None:
    readiness = Readiness(Reachable(), None, watch(), lambda: True)
    await readiness.show()

    readiness.hide()

    assert shown() == 0
