"""What a reply means, by `quickbooks.failures.toml`: certainly not carried out, refused, or unknown.

QuickBooks carries out a request wholly or not at all, so an error of its own kinds (3000 to 3999) means that nothing
was stored. An internal error, an error of error recovery, or a reply that cannot be read may come after it was.
"""

import re
from collections.abc import Iterable, Mapping
from functools import cache

from schemas.fields import FailureClass
from services.exporter.connectors.failure_table import FailureEntry, FailureTable
from services.exporter.connectors.pull import Question, Reply
from services.exporter.connectors.quickbooks.elements import PACKAGE
from services.exporter.connectors.quickbooks.reply import MessageSet, Response, message_set_in
from services.exporter.connectors.types import Gone, Refused, Transient, Unknown
from services.exporter.connectors.wording import sentence

OUT_OF_DATE = 3_200
OBJECT_NOT_FOUND = 3_120
_CERTAIN = range(3_000, 4_000)
_HEXADECIMAL = re.compile(r"0[xX][0-9A-Fa-f]{8}")
_DECIMAL = re.compile(r"-?[0-9]{1,10}")
_REQUEST_ID = re.compile(r' requestID="([^"]*)"')
_QUOTED = re.compile(r'"([^"]*)"')


class Failures:
    """The meaning of replies on one connection to `erp`; the operator's `own` entries come first."""

    def __init__(self, own: Iterable[FailureEntry] = (), erp: str = "QuickBooks") -> None:
        self.table = _built_in().after(own, erp=erp)

    def refusal(self, code: str, **values: str) -> Refused:
        """Return the refusal with the connector's own `code`."""
        return self.table.refusal(code, "", values)

    def gone(self, code: str, **values: str) -> Gone:
        """Return that refusal where an order is not there any more."""
        refusal = self.refusal(code, **values)
        return Gone(refusal.failure_class, refusal.message, refusal.code, refusal.owner, refusal.next_step)

    def answers_in(self, reply: Reply) -> MessageSet | Refused | Transient | Unknown:
        """Return the answers in a reply to a write; Unknown without them, unless it certainly was not carried out."""
        if reply.hresult.strip():
            return self._not_passed_on(reply)
        answers = message_set_in(reply.text)
        if answers is None:
            return Unknown("The answer of QuickBooks cannot be read.", is_reached=bool(reply.text.strip()))
        return answers

    def answers_to(self, question: Question, reply: Reply) -> MessageSet | Refused | Transient | Unknown:
        """Return the answers in a reply to `question`; Unknown also for one that came late or twice.

        Counterparts that leave out the ids of requests are trusted.
        """
        answers = self.answers_in(reply)
        if isinstance(answers, MessageSet) and not answers.request_ids <= set(_REQUEST_ID.findall(question.text)):
            return Unknown("The answer of QuickBooks is to another question.", is_reached=True)
        return answers

    def of_error(self, response: Response, values: Mapping[str, str]) -> Refused | Transient | Unknown:
        """Return what an error means that QuickBooks answers to a write."""
        code, words = str(response.status or ""), sentence(response.message)
        known = {"value": named_in(response), **values}
        if self._is_transient(code, response.message):
            return Transient(self.table.refusal(code, words, known).message, code, is_reached=True)
        if response.status in _CERTAIN or self.table.find(code, words):
            return self.table.refusal(code, words, known)
        return Unknown(words or "QuickBooks gave no reason.", is_reached=True)

    def _not_passed_on(self, reply: Reply) -> Refused | Transient | Unknown:
        code, words = _hresult(reply.hresult), sentence(reply.message)
        if self.table.find(code, reply.message) is None:
            return Unknown(words or f"The Web Connector answered {code}.")
        refusal = self.table.refusal(code, words)
        return Transient(refusal.message, code) if self._is_transient(code, reply.message) else refusal

    def _is_transient(self, code: str, words: str) -> bool:
        entry = self.table.find(code, words)
        return entry is not None and entry.failure_class == FailureClass.RETRY_LATER


def named_in(response: Response) -> str:
    """Return what the words of an error name in quotation marks; empty if nothing."""
    found = _QUOTED.search(response.message)
    return found[1] if found else ""


def of_question(answer: Refused | Transient | Unknown) -> Refused | Transient:
    """Return what `answer` means for a question, which stores nothing and can be asked again."""
    return Transient(answer.message, is_reached=answer.is_reached) if isinstance(answer, Unknown) else answer


def _hresult(code: str) -> str:
    """Return `code` as the table writes it, also where it is a decimal number with a sign."""
    bare = code.strip()
    if _HEXADECIMAL.fullmatch(bare):
        return f"0x{bare[2:].upper()}"
    return f"0x{int(bare) & 0xFFFFFFFF:08X}" if _DECIMAL.fullmatch(bare) else bare


@cache
def _built_in() -> FailureTable:
    return FailureTable.of_package(PACKAGE, "quickbooks.failures.toml")
