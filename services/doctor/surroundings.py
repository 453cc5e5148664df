"""What the checks look at: settings from the environment, the brokers, and each service's place on its topics."""

import asyncio
import importlib
import os
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pydantic import SecretStr

from services.doctor.findings import Finding, NotCheckedError, not_checked
from services.pipeline.behind import PartitionLag, Seen
from services.pipeline.broker.inquiry import Cluster, Inquiry
from services.pipeline.clock import Clock, utc_now
from services.pipeline.errors import BrokerError, CountersignError, SettingsError
from services.pipeline.names import SERVICES
from services.pipeline.seeing import KEPT_BY_KAFKA, see
from services.pipeline.settings import KafkaSettings, OperationsSettings, ServiceSettings, database_url, load

ANSWER_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Whereabouts:
    """Where one service is on its topics."""

    seen: Seen
    lags: list[PartitionLag]


@dataclass
class Surroundings:
    """What is asked only once, however many checks want to know it."""

    environ: Mapping[str, str] = field(default_factory=lambda: os.environ)
    clock: Clock = utc_now
    _asked: dict[str, "asyncio.Task[Any]"] = field(default_factory=dict)

    def variable(self, name: str) -> str:
        """Return the variable `name`; NotCheckedError if it is not set here."""
        value = self.environ.get(name)
        if not value:
            raise NotCheckedError(f"{name} is not set here")
        return value

    def kafka(self) -> KafkaSettings:
        """Return how to reach Kafka."""
        self.variable("KAFKA_BOOTSTRAP_SERVERS")
        return load(KafkaSettings)

    def operations(self) -> OperationsSettings:
        """Return where the services are."""
        return load(OperationsSettings)

    def database_url(self, service: str) -> SecretStr:
        """Return the address of the database of `service`."""
        try:
            return database_url(service)
        except SettingsError:
            raise NotCheckedError(f"neither DATABASE_URL nor {service.upper()}_DATABASE_URL is set here") from None

    def inquiry(self) -> Inquiry:
        """Return who asks the brokers."""
        return Inquiry(self.kafka(), ANSWER_SECONDS)

    async def cluster(self) -> Cluster:
        """Return the brokers and their topics."""
        found: Cluster = await self._once("cluster", asyncio.to_thread(self.inquiry().cluster))
        return found

    async def whereabouts(self, service: str) -> Whereabouts:
        """Return where `service` is on its topics, and since when the oldest message of each partition waits."""
        found: Whereabouts = await self._once(service, self._see(service))
        return found

    async def _see(self, service: str) -> Whereabouts:
        inquiry, topics = self.inquiry(), importlib.import_module(f"services.{service}.aggregates").TOPICS
        url = None if service in KEPT_BY_KAFKA else self.database_url(service)
        seen = await see(inquiry, await self.cluster(), service, topics, url)
        times = await asyncio.to_thread(inquiry.times, seen.unread(), ANSWER_SECONDS)
        return Whereabouts(seen, seen.lags(times))

    async def _once(self, name: str, question: Coroutine[Any, Any, Any]) -> Any:
        if name in self._asked:
            question.close()
        else:
            self._asked[name] = asyncio.create_task(question)
        return await asyncio.shield(self._asked[name])


async def of_each_service(
    around: Surroundings, look: Callable[[Surroundings, str], Awaitable[Sequence[Finding]]]
) -> list[Finding]:
    """Return what `look` finds at every service; one whose database does not answer hides no other."""
    found: list[Finding] = []
    for service in SERVICES:
        try:
            found += await look(around, service)
        except BrokerError:
            raise
        except (NotCheckedError, CountersignError) as error:
            found.append(not_checked(service, str(error)))
    return found


def settings_of(service: str) -> type[ServiceSettings]:
    """Return the settings class of `service`."""
    module = importlib.import_module(f"services.{service}.settings")
    found: type[ServiceSettings] = getattr(module, f"{service.capitalize()}Settings")
    return found
