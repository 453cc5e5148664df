"""Keeps what somebody typed into a form that could not be taken: to be read, and to be sent again."""

from dataclasses import dataclass

from services.approval.web.desk.forms import Fields

MAX_KEPT_CHARACTERS = 65_536
"""What a page shows again of a form; whoever sends more has made it without our pages."""

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
    """What somebody typed into a form, a paragraph for each field; the name is left out if there is only one."""
    typed = {name: text.strip() for name, text in fields.items() if name in _TYPED and text.strip()}
    if len(typed) == 1:
        return next(iter(typed.values()))[:MAX_KEPT_CHARACTERS]
    return "\n\n".join(f"{_TYPED[name]}: {text}" for name, text in typed.items())[:MAX_KEPT_CHARACTERS]


@dataclass(frozen=True, slots=True)
class SentForm:
    """A form that was sent to `address` and could not be taken, so that it can be sent again as it was."""

    address: str
    fields: Fields

    @property
    def can_be_kept(self) -> bool:
        """Whether it is short enough to be sent to the browser and back."""
        return len(self.address) + sum(len(name) + len(text) for name, text in self.fields.items()) <= (
            MAX_KEPT_CHARACTERS
        )
