"""Makes a connector's answer fit for storing and publishing, whatever an ERP or a connector has put into it."""

import math
from dataclasses import dataclass, replace
from unicodedata import category

from pydantic import SecretStr, TypeAdapter

from schemas.fields import Code, ErpId, FailureClass, Url, valid_or_none
from services.exporter.connectors.secrets import without_secrets
from services.exporter.connectors.types import (
    ErpCopy,
    Exists,
    FindAnswer,
    FoundDocument,
    Landed,
    ReadAnswer,
    Refused,
    Transient,
    Unknown,
    UnreadableDocument,
    WriteAnswer,
)
from services.exporter.connectors.wording import one_line
from services.exporter.rules.about import About
from services.exporter.rules.failures import UNNAMED_DOCUMENT, unmarked_document

MAX_RETRY_AFTER_SECONDS = 86_400.0
_MAX_READ_CHARACTERS = 16_000
_MAX_SHOWN_CHARACTERS = 15_000
"""Fewer than are read, so that what is cut off never leaves the beginning of a secret that nobody recognises."""
_UNNAMED = About()
_ID: TypeAdapter[str] = TypeAdapter(ErpId)
_CODE: TypeAdapter[str] = TypeAdapter(Code)
_URL: TypeAdapter[str] = TypeAdapter(Url)


@dataclass(frozen=True, slots=True)
class Usable:
    """Returns the answers of one connection with texts that can be stored and read, and without its `token`."""

    token: SecretStr | None = None

    def found(self, answer: FindAnswer) -> FindAnswer:
        """Return `answer`; a document without a usable id becomes an UnreadableDocument."""
        if isinstance(answer, tuple):
            return tuple(self._document(each) for each in answer)
        return self._refused(answer) if isinstance(answer, Refused) else self._transient(answer)

    def written(self, answer: WriteAnswer, about: About = _UNNAMED) -> WriteAnswer:
        """Return `answer`; Unknown where no document of it can be, as it may have landed."""
        match answer:
            case Landed(documents):
                found = tuple(each for each in map(self._document, documents) if isinstance(each, FoundDocument))
                return Landed(found) if found else Unknown("The ERP's document cannot be read.", is_reached=True)
            case Exists(document):
                existing = self._document(document)
                if isinstance(existing, FoundDocument):
                    return Exists(existing)
                return unmarked_document(about, UNNAMED_DOCUMENT)
            case Refused():
                return self._refused(answer)
            case Transient():
                return self._transient(answer)
            case Unknown(message, refusal):
                return replace(answer, message=self.said(message), refusal=refusal and self._refused(refusal))

    def read(self, answer: ReadAnswer) -> ReadAnswer:
        """Return `answer`; a copy without a usable id is a refusal."""
        match answer:
            case ErpCopy(document, currency=currency):
                readable = self._document(document)
                if isinstance(readable, FoundDocument):
                    return replace(answer, document=readable, currency=currency and self.said(currency))
                return Refused(FailureClass.FIX_DATA, f"The ERP answered with {UNNAMED_DOCUMENT}.")
            case Refused():
                return self._refused(answer)
            case Transient():
                return self._transient(answer)

    def said(self, text: str) -> str:
        """Return what the ERP says in one line."""
        return one_line(without_secrets(text[:_MAX_READ_CHARACTERS], self._token, _MAX_SHOWN_CHARACTERS))

    @property
    def _token(self) -> str | None:
        return self.token.get_secret_value() if self.token else None

    def _code(self, text: str | None) -> str | None:
        return valid_or_none(_CODE, self.said(text)) if isinstance(text, str) else None

    def _document(self, document: FoundDocument | UnreadableDocument) -> FoundDocument | UnreadableDocument:
        number = self._code(document.number)
        if isinstance(document, UnreadableDocument) or not _is_usable(document.id):
            return UnreadableDocument(number)
        return replace(document, number=number, url=self._url(document.url))

    def _url(self, text: str | None) -> str | None:
        """Return the address of a document; None if it is not usable, or has a secret."""
        url = valid_or_none(_URL, text)
        return url if url and without_secrets(url, self._token) == url else None

    def _refused(self, refused: Refused) -> Refused:
        next_step = refused.next_step and self.said(refused.next_step)
        code, remedy = self._code(refused.code), refused.remedy and self.said(refused.remedy)
        return replace(refused, message=self.said(refused.message), code=code, next_step=next_step, remedy=remedy)

    def _transient(self, transient: Transient) -> Transient:
        seconds = transient.retry_after_seconds
        bounded = 0.0 if math.isnan(seconds) else min(max(seconds, 0.0), MAX_RETRY_AFTER_SECONDS)
        code, message = self._code(transient.code), self.said(transient.message)
        return replace(transient, message=message, code=code, retry_after_seconds=bounded)


def _is_usable(document_id: str) -> bool:
    """Whether it can be stored, and looks like what it is: some characters turn around or hide what follows them."""
    return valid_or_none(_ID, document_id) is not None and not any(map(_is_invisible, document_id))


def _is_invisible(character: str) -> bool:
    return category(character) == "Cf"
