"""What a failure is about, as people call it."""

from dataclasses import dataclass

UNNAMED_ERP = "the ERP"
"""What an ERP is called whose title is not known."""


@dataclass(frozen=True, slots=True)
class About:
    """The commitment's number, and the ERP's title."""

    number: str = "this commitment"
    erp: str = UNNAMED_ERP

    @property
    def begin(self) -> str:
        """The ERP at the beginning of a sentence."""
        return "The ERP" if self.erp == UNNAMED_ERP else self.erp
