"""The result of a rule about a commitment."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Finding:
    """The result of one rule, in words; a blocking finding prevents acceptance."""

    rule: str
    text: str
    is_blocking: bool = True
    is_known: bool = True
    """False if it only says that something is not known."""

    mended_by: str = ""
    """The member of an acceptance by which the approver can mend it, such as `erp_code`; empty if there is none."""
