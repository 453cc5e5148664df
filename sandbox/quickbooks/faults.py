"""The faults of QuickBooks and of the Web Connector between it and Countersign."""

import re
from enum import StrEnum

from pydantic import Field

from sandbox.erp.faults import SLOWEST_SECONDS, Calls
from sandbox.faults import Fault
from sandbox.quickbooks.hresult import Hresult
from sandbox.quickbooks.qbxml import Status
from sandbox.quickbooks.wording import LOCKED

_WRITE = re.compile(r"<[A-Za-z]+(Add|Mod)Rq[ >]")
CLOSED_BOOKS = 3171
"""The code with which QuickBooks refuses a change in a closed accounting period."""


class QuickBooksFaultKind(StrEnum):
    """The ways in which a conversation can fail; `slow` only delays QuickBooks."""

    SLOW = "slow"
    REFUSE = "refuse"
    LOCKED = "locked"
    LOSE_ANSWER = "lose_answer"
    CUT_ANSWER = "cut_answer"
    DIE_AFTER_SIGN_IN = "die_after_sign_in"
    DIE_BEFORE_QUICKBOOKS = "die_before_quickbooks"
    HRESULT_BEFORE_STORING = "hresult_before_storing"
    HRESULT_AFTER_STORING = "hresult_after_storing"


class QuickBooksFault(Fault):
    """A fault of the next matching request, or of the next sign-in; `seconds` delay the request."""

    kind: QuickBooksFaultKind
    calls: Calls = Calls.WRITES
    reference: str | None = None
    seconds: float = Field(default=0, ge=0, le=SLOWEST_SECONDS)
    code: int = Field(default=CLOSED_BOOKS, ge=1000, le=9999)
    message: str = "QuickBooks was told to refuse this."
    hresult: Hresult = Hresult.UNEXPECTED

    @property
    def refusal(self) -> Status | None:
        """How QuickBooks refuses a write; None if it does not."""
        if self.kind is QuickBooksFaultKind.LOCKED:
            return LOCKED
        return Status(self.code, self.message) if self.kind is QuickBooksFaultKind.REFUSE else None

    def hits_request(self, text: str) -> bool:
        """Whether this fault hits a request; a reference is a commitment, or whatever else the text has as a word."""
        if self.kind is QuickBooksFaultKind.DIE_AFTER_SIGN_IN:
            return False
        is_kind = self.calls is Calls.EVERY or (self.calls is Calls.WRITES) == bool(_WRITE.search(text))
        return is_kind and (self.reference is None or _has_word(text, self.reference))

    @property
    def hits_sign_in(self) -> bool:
        """Whether this fault hits a sign-in."""
        return self.kind is QuickBooksFaultKind.DIE_AFTER_SIGN_IN


def _has_word(text: str, word: str) -> bool:
    return re.search(rf"(?<![\w-]){re.escape(word)}(?![\w-])", text) is not None
