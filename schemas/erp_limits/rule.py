"""What a rule about an ERP's limits is, and the words that all rules share."""

from typing import Protocol

from schemas.commitment import Commitment
from schemas.events.limits_profile import LimitsProfile

MAX_SHOWN_CHARACTERS = 60
_NAMES = {" ": "space", "\t": "tab", "\n": "line break", "\r": "line break", "\v": "line break", "\f": "line break"}


class LimitRule(Protocol):
    """One limit of an ERP, and how a commitment breaks it; `remedy` is what its project then has to do."""

    @property
    def name(self) -> str:
        """What the rule is about, as a person calls it; no other rule has this name."""
        ...

    @property
    def remedy(self) -> str:
        """What mends it, as in "the project has to …"."""
        ...

    def taken(self, limits: LimitsProfile) -> str:
        """What the ERP takes, as in "it takes …"; empty where no limit is known."""
        ...

    def broken_by(self, commitment: Commitment, limits: LimitsProfile) -> str:
        """How `commitment` breaks it, with its number and the values; empty where it does not."""
        ...

    def is_cut(self, limits: LimitsProfile) -> bool:
        """Whether the ERP takes more nevertheless, and cuts it in silence."""
        ...


def excerpt(text: str) -> str:
    """`text` in one line, shortened where it is long."""
    line = " ".join(text.split())
    return line if len(line) <= MAX_SHOWN_CHARACTERS else f"{line[: MAX_SHOWN_CHARACTERS - 1]}…"


def counted(count: int, noun: str) -> str:
    """`count` of what `noun` names."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


def named(characters: str) -> list[str]:
    """What people call `characters`, each once; those that nobody can see by name."""
    return list(dict.fromkeys(_NAMES.get(each, each) for each in characters))
