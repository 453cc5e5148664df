"""Keeps what somebody typed into a form that could not be taken: to be read, and to be sent again."""

from dataclasses import dataclass

from services.approval.web.desk.forms import Fields

_TYPED = {
    "reason": "Reason",
    "title": "Title",
    "text": "Text",
    "question": "Question",
    "answer": "Answer",
    "why": "Why",
    "evidence": "Evidence",
    "document_number": "Document number",
    "document_id": "The ERP's own id",
    "erp_code": "Document number",
    "accounting_date": "Accounting date",
    "note": "Note",
    "erp_note": "Note in the ERP",
}


def typed_text(fields: Fields) -> str:
    """All that somebody typed into a form, a paragraph for each field; the name is left out if there is only one."""
    typed = {name: text.strip() for name, text in fields.items() if name in _TYPED and text.strip()}
    if len(typed) == 1:
        return next(iter(typed.values()))
    return "\n\n".join(f"{_TYPED[name]}: {text}" for name, text in typed.items())


@dataclass(frozen=True, slots=True)
class SentForm:
    """A form that was sent to `address` and could not be taken, so that it can be sent again as it was."""

    address: str
    fields: Fields
