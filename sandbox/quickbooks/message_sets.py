"""The memory of message sets, with which QuickBooks tells after a lost answer what became of a request.

A set with a newMessageSetID is remembered with its response, and the same set again is not carried out again. The same
id as oldMessageSetID and newMessageSetID, without requests, asks for the response. An oldMessageSetID alone makes
QuickBooks FORGET that set (IntuitDeveloper/QBXML_SDK_Samples, xmlfiles/legacy/ErrRecovery1 to 3; Intuit's page “Error
recovery”). The status codes are those of its sample QBInvoiceAdd; that an unknown id in a check is 9002 is our reading.
"""

import hashlib
from dataclasses import dataclass

from lxml import etree

from sandbox.quickbooks.qbxml import RequestSet

MAX_ID_CHARACTERS = 23
CLEAR_ALL = "ClearAllMessageSets"
DONE, NOT_STORED, OTHER_CONTENT, NO_RESPONSE, TOO_LONG = "0", "600", "9001", "9002", "9004"


@dataclass(frozen=True, slots=True)
class Recalled:
    """What the memory says of a set: its status code, and the saved response as text if there is one."""

    code: str
    response: str | None = None


@dataclass(frozen=True, slots=True)
class _Saved:
    digest: str
    response: str


class MessageSets:
    """The sets that a company file remembers, by id."""

    def __init__(self) -> None:
        self._saved: dict[str, _Saved] = {}

    def __contains__(self, message_set_id: str) -> bool:
        return message_set_id in self._saved

    def recall(self, asked: RequestSet) -> Recalled | None:
        """Return what is known of a set before it is carried out, and forget what it says; None to carry it out."""
        if any(len(each or "") > MAX_ID_CHARACTERS for each in (asked.new_id, asked.old_id)):
            return Recalled(TOO_LONG)
        if asked.new_id is None:
            forgotten = None if asked.old_id is None else self._forget(asked.old_id)
            return None if asked.requests else forgotten
        saved = self._saved.get(asked.new_id)
        if saved is None and not asked.requests:
            return Recalled(NO_RESPONSE)
        if saved is None:
            self._saved.pop(asked.old_id or "", None)
            return None
        if asked.requests and saved.digest != _digest(asked):
            return Recalled(OTHER_CONTENT)
        return Recalled(DONE, saved.response)

    def save(self, asked: RequestSet, response: str) -> None:
        """Remember the response to a set, if it has an id."""
        if asked.new_id is not None:
            self._saved[asked.new_id] = _Saved(_digest(asked), response)

    def _forget(self, message_set_id: str) -> Recalled:
        if message_set_id == CLEAR_ALL:
            self._saved.clear()
            return Recalled(DONE)
        return Recalled(DONE if self._saved.pop(message_set_id, None) else NOT_STORED)


def _digest(asked: RequestSet) -> str:
    """A checksum of the requests; the attributes of the set do not count."""
    requests = b"".join(etree.tostring(each, method="c14n") for each in asked.requests)
    return hashlib.sha256(requests).hexdigest()
