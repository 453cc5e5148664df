"""Which settings of a topic break a promise, and what they must be; an operator may always keep more than that."""

from collections.abc import Mapping
from dataclasses import dataclass

from schemas.topics import Topic

_UNLIMITED = {"retention.ms": "-1"}
"""Values that mean no limit, although they are lower than any other."""


@dataclass(frozen=True, slots=True)
class WrongSetting:
    """A setting of a topic that is not what a promise needs."""

    topic: str
    setting: str
    value: str
    wanted: str


def wrong_settings(topic: Topic, current: Mapping[str, str]) -> list[WrongSetting]:
    """Return the settings in `current` that keep less than `topic` has to; only a number may differ upwards."""
    return [
        WrongSetting(topic.name, name, current[name], wanted)
        for name, wanted in topic.config.items()
        if name in current and not _is_enough(name, current[name], wanted)
    ]


def _is_enough(name: str, value: str, wanted: str) -> bool:
    if not wanted.isdecimal():
        return value == wanted
    return value == _UNLIMITED.get(name) or int(value) >= int(wanted)
