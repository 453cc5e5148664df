"""Events about one company, as upstream and approval publish them; ids differ from test to test."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from schemas.envelope import encode, new_event
from schemas.events import CommitmentStatus, DigestPreference, DirectoryPerson, EventData
from services.pipeline.records import Partition, Record
from tests.unit.digest.rules import samples

Message = tuple[str, str, bytes | None]
"""Topic, key and value."""


@dataclass(frozen=True, slots=True)
class CompanyEvents:
    """Events about a company; `suffix` ends all ids."""

    suffix: str

    @property
    def id(self) -> str:
        return f"company-{self.suffix}"

    def key(self, name: str) -> str:
        return f"{name}-{self.suffix}"

    def status(self, name: str, version: int, **given: Any) -> CommitmentStatus:
        plain = {"company_id": self.id, "commitment_id": self.key(name), "version": version}
        return samples.status(name, **(plain | given))

    def person(self, name: str, version: int, **given: Any) -> DirectoryPerson:
        plain = {
            "company_id": self.id,
            "person_id": self.key(name),
            "version": version,
            "name": name.title(),
            "email": f"{name}@desk.example",
        }
        return samples.person(**(plain | given))

    def preference(self, name: str, version: int, *, subscribed: bool) -> DigestPreference:
        return DigestPreference(company_id=self.id, person_id=self.key(name), version=version, subscribed=subscribed)


def message(data: EventData) -> Message:
    return data.topic, data.subject, encode(new_event(data, source="countersign/approval", time=samples.SINCE))


def records(messages: Iterable[Message]) -> list[Record]:
    """The messages as Kafka would deliver them, each topic in one partition."""
    return [
        Record(Partition(topic, 0), offset, key.encode(), value, (), samples.SINCE)
        for offset, (topic, key, value) in enumerate(messages)
    ]
