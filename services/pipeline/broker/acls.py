"""Reads and changes Kafka's access-control list. For commands only: what it uses may abort the process."""

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future
from enum import Enum
from time import monotonic, sleep
from typing import Any

from confluent_kafka import KafkaError, KafkaException
from confluent_kafka.admin import AdminClient
from confluent_kafka.admin._acl import AclBinding, AclBindingFilter, AclOperation, AclPermissionType
from confluent_kafka.admin._resource import ResourcePatternType, ResourceType

from services.pipeline.broker.topics import ADMIN_TIMEOUT_SECONDS, POLL_SECONDS, wait_for_broker
from services.pipeline.errors import BrokerError
from services.pipeline.kafka_rights import AclEntry
from services.pipeline.settings import KafkaSettings

_OUR_WORDS = {ResourceType.BROKER: "cluster", ResourcePatternType.PREFIXED: "prefix"}
"""What Kafka's tools and ours call what librdkafka has another name for."""
_BY_WORD = {word: member for member, word in _OUR_WORDS.items()}
_ANY_TEXT: Any = None  # its type says that it must be text
_ADVICE = {
    KafkaError.CLUSTER_AUTHORIZATION_FAILED: "KAFKA_SASL_USERNAME, or the certificate, must be an administrator's: "
    "reading the list takes Describe on the cluster, changing it Alter",
    KafkaError.SECURITY_DISABLED: "its brokers have no authorizer: set authorizer.class.name and super.users there",
}


class AccessControl:
    """The list of one cluster; every method blocks, and raises BrokerError if the brokers refuse or do not answer."""

    def __init__(self, settings: KafkaSettings) -> None:
        wait_for_broker(settings, ADMIN_TIMEOUT_SECONDS)
        self._admin = AdminClient(settings.client_config() | {"log_level": 0})
        self._require_administrator()

    def entries_of(self, principals: Iterable[str]) -> set[AclEntry]:
        """Return all entries about `principals`, whatever they say."""
        return {entry for principal in principals for entry in self._of(principal)}

    def add(self, entries: Sequence[AclEntry]) -> None:
        """Add `entries`, and return once a broker has them; those that exist stay."""
        self._change(self._admin.create_acls, [AclBinding(*_members(each)) for each in entries])
        self._wait_until(lambda: self.entries_of({each.principal for each in entries}) >= set(entries))

    def remove(self, entries: Sequence[AclEntry]) -> None:
        """Remove exactly `entries`, and return once a broker does not have them any more."""
        self._change(self._admin.delete_acls, [AclBindingFilter(*_members(each)) for each in entries])
        self._wait_until(lambda: self.entries_of({each.principal for each in entries}).isdisjoint(entries))

    def _require_administrator(self) -> None:
        """Raise BrokerError if the list is hidden from us: librdkafka would report it as empty."""
        cluster = _result(
            self._admin.describe_cluster(include_authorized_operations=True, request_timeout=ADMIN_TIMEOUT_SECONDS)
        )
        if AclOperation.DESCRIBE not in (cluster.authorized_operations or ()):
            raise _refusal(_ADVICE[KafkaError.CLUSTER_AUTHORIZATION_FAILED])

    def _of(self, principal: str) -> list[AclEntry]:
        everything = AclBindingFilter(
            ResourceType.ANY,
            _ANY_TEXT,
            ResourcePatternType.ANY,
            principal,
            _ANY_TEXT,
            AclOperation.ANY,
            AclPermissionType.ANY,
        )
        found = _result(self._admin.describe_acls(everything, request_timeout=ADMIN_TIMEOUT_SECONDS))
        return [_entry(binding) for binding in found]

    def _wait_until(self, is_so: Callable[[], bool]) -> None:
        """Return once the brokers, which hear of a change after the controller has taken it, know it as well."""
        deadline = monotonic() + ADMIN_TIMEOUT_SECONDS
        while not is_so():
            if monotonic() > deadline:
                raise BrokerError("Kafka has taken the change of its access-control list, but does not show it yet.")
            sleep(POLL_SECONDS)

    def _change(self, change: Callable[..., Any], what: Sequence[Any]) -> None:
        answers = change(list(what), request_timeout=ADMIN_TIMEOUT_SECONDS).values() if what else ()
        for answer in answers:
            _result(answer)


def _result(answer: "Future[Any]") -> Any:
    try:
        return answer.result(ADMIN_TIMEOUT_SECONDS)
    except KafkaException as error:
        refused = error.args[0]
        raise _refusal(_ADVICE.get(refused.code(), refused.str())) from error


def _refusal(why: str) -> BrokerError:
    return BrokerError(f"Kafka does not let us see or change its access-control list: {why}.")


def _members(entry: AclEntry) -> tuple[Any, ...]:
    return (
        _member(ResourceType, entry.resource),
        entry.name,
        _member(ResourcePatternType, entry.pattern),
        entry.principal,
        entry.host,
        _member(AclOperation, entry.operation),
        _member(AclPermissionType, entry.permission),
    )


def _member(words: type[Enum], word: str) -> Enum:
    """Return what librdkafka calls `word`, for example DESCRIBE_CONFIGS for DescribeConfigs."""
    if word in _BY_WORD:
        return _BY_WORD[word]
    return words["".join(f"_{each}" if each.isupper() else each for each in word).strip("_").upper()]


def _entry(binding: AclBinding) -> AclEntry:
    return AclEntry(
        principal=binding.principal,
        resource=_word(binding.restype).lower(),
        name=binding.name,
        operation=_word(binding.operation),
        pattern=_word(binding.resource_pattern_type).lower(),
        permission=_word(binding.permission_type).lower(),
        host=binding.host,
    )


def _word(member: Any) -> str:
    return _OUR_WORDS.get(member) or "".join(part.capitalize() for part in member.name.split("_"))
