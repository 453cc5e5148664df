"""Builds an approver's answer from a form of the desk, or says what is wrong with the form."""

from collections.abc import Mapping
from typing import Any, TypeVar

from pydantic import ValidationError

from schemas.events import LimitsProfile
from services.approval.rules.answers import Accept, AcceptDrift, Answer, Confirm, ExportAgain, Reject, Retry, Settle
from services.approval.rules.commitment import CurrentStatus
from services.approval.rules.guards import is_erp_left, missing_document
from services.approval.rules.marks import Verb
from services.approval.rules.named_document import id_said
from services.approval.web.desk import forms
from services.approval.web.desk.forms import BadFormError, Choice, DriftChoice, DriftVerb, Fields, FormProblem

AnswerT = TypeVar("AnswerT", bound=Answer)


def chosen_answer(choice: Choice, reason: str) -> Accept | Reject:
    """The answer that was chosen in the list; `reason` has been checked."""
    if choice.verb is Verb.REJECT:
        return _built(Reject, revision=choice.revision, content_hash=choice.content_hash, reason=reason)
    return _built(Accept, revision=choice.revision, content_hash=choice.content_hash)


def drift_answer(verb: DriftVerb, choice: DriftChoice, why: str) -> ExportAgain | AcceptDrift:
    """The answer that was chosen for what differs in the ERP; a document that is missing is replaced by a new one."""
    if verb is DriftVerb.LEAVE:
        return _built(AcceptDrift, revision=choice.revision, version=choice.version, note=why)
    return _built(
        ExportAgain,
        revision=choice.revision,
        reopened=choice.reopened,
        document=choice.document_id,
        replaces=choice.is_missing,
        version=choice.version,
        note=why,
    )


def read_accept(fields: Fields, limits: LimitsProfile | None) -> Accept | list[FormProblem]:
    """The acceptance; an ERP code and an accounting date are read only if the ERP's `limits` allow them."""
    code = _text(fields, "erp_code") if limits and limits.takes_erp_code else ""
    day = _text(fields, "accounting_date") if limits and limits.takes_accounting_date else ""
    note = _text(fields, "note")
    accounting_date, date_problems = forms.read_date(day)
    problems = [*forms.code_problems("erp_code", "ERP code", code), *date_problems, *forms.note_problems(note)]
    return problems or _built(
        Accept,
        revision=_revision(fields),
        content_hash=fields.get("content_hash", ""),
        erp_code=code or None,
        accounting_date=accounting_date,
        note=note or None,
    )


def read_reject(fields: Fields, number: str) -> Reject | list[FormProblem]:
    """The rejection of the commitment with this `number`."""
    reason = _text(fields, "reason")
    return forms.reason_problems(reason, number) or _built(
        Reject, revision=_revision(fields), content_hash=fields.get("content_hash", ""), reason=reason
    )


def read_retry(fields: Fields) -> Retry | list[FormProblem]:
    """The order to retry."""
    terms, problems = _read_terms(fields)
    return problems or _built(Retry, revision=_revision(fields), round=_round(fields), **terms)


def read_create_anew(fields: Fields, current: CurrentStatus) -> Retry | list[FormProblem]:
    """The order to create anew the document that the page names; the approver has to confirm that it is given up."""
    if fields.get("deleted") != "yes":
        return [FormProblem("deleted", f"Confirm that {_given_up(current)}, since a new one will be created")]
    terms, problems = _read_terms(fields)
    replaces = fields.get("replaces")
    return problems or _built(Retry, revision=_revision(fields), round=_round(fields), replaces=replaces, **terms)


def _given_up(current: CurrentStatus) -> str:
    missing = missing_document(current)
    if missing and is_erp_left(current):
        return f"{missing.name} is closed or cancelled in {missing.connection}"
    return f"{missing.name if missing else 'the document'} was deleted on purpose"


def read_export_again(fields: Fields) -> ExportAgain | list[FormProblem]:
    """The order to export a synced commitment again."""
    why, (terms, problems) = _text(fields, "why"), _read_terms(fields)
    return [*problems, *forms.why_problems(why)] or _built(
        ExportAgain,
        revision=_revision(fields),
        reopened=forms.whole_number(fields.get("reopened", "")),
        document=fields.get("document"),
        replaces=fields.get("replaces") == "yes",
        version=forms.whole_number(fields["version"]) if "version" in fields else None,
        note=why,
        **terms,
    )


def read_accept_drift(fields: Fields) -> AcceptDrift | list[FormProblem]:
    """The answer that leaves a document as the ERP has it."""
    why = _text(fields, "why")
    return forms.why_problems(why) or _built(
        AcceptDrift, revision=_revision(fields), version=forms.whole_number(fields.get("version", "")), note=why
    )


def read_unlink(fields: Fields, number: str) -> Reject | list[FormProblem]:
    """The rejection of a synced commitment, which no longer has the document that the page names."""
    reason = _text(fields, "reason")
    problems = forms.reason_problems(reason, number)
    if fields.get("unlinked") != "yes":
        confirm = "Confirm that the document is not, or no longer, that of this commitment"
        problems = [FormProblem("unlinked", confirm), *problems]
    return problems or _built(
        Reject,
        revision=_revision(fields),
        content_hash=fields.get("content_hash", ""),
        reason=reason,
        unlinks=fields.get("document"),
    )


def read_settle(fields: Fields, connection: str | None) -> Settle | list[FormProblem]:
    """The settlement of a doubt; a document that was found belongs to `connection`."""
    evidence, is_found = _text(fields, "evidence"), fields.get("found") == "yes"
    terms, problems = ({}, []) if is_found else _read_terms(fields)
    return [*_settle_problems(fields, evidence), *problems] or _built(
        Settle,
        revision=_revision(fields),
        round=_round(fields),
        document=_document(fields, connection) if is_found else None,
        note=evidence,
        **terms,
    )


def read_confirm(fields: Fields) -> Confirm | list[FormProblem]:
    """A second approver's word on evidence, or its withdrawal."""
    evidence, problems = _text(fields, "evidence"), []
    if fields.get("agrees") not in ("yes", "no"):
        problems = [FormProblem("agrees", "Choose whether it is the document")]
    return [*problems, *forms.evidence_problems(evidence)] or _built(
        Confirm,
        revision=_revision(fields),
        round=_round(fields),
        evidence=forms.positive_number(fields.get("number", "")),
        agrees=fields.get("agrees") == "yes",
        note=evidence,
    )


def _read_terms(fields: Fields) -> tuple[dict[str, Any], list[FormProblem]]:
    """What is asked of the ERP anew, by member, and what is wrong with it; a field that is not there says nothing."""
    code, note = _text(fields, "erp_code"), _text(fields, "erp_note")
    day, date_problems = forms.read_date(_text(fields, "accounting_date"))
    asked = {"erp_code": code or None, "accounting_date": day, "erp_note": note or None}
    problems = [
        *forms.code_problems("erp_code", "document number", code),
        *date_problems,
        *forms.erp_note_problems(note),
    ]
    return {name: value for name, value in asked.items() if name in fields}, problems


def _settle_problems(fields: Fields, evidence: str) -> list[FormProblem]:
    problems = forms.evidence_problems(evidence)
    match fields.get("found"):
        case "yes":
            return [*_document_problems(fields), *problems]
        case "no":
            if fields.get("confirmed") != "yes":
                return [FormProblem("confirmed", "Confirm that it does not exist, since it will be created"), *problems]
            return problems
        case _:
            return [FormProblem("found", "Choose whether it exists"), *problems]


def _document_problems(fields: Fields) -> list[FormProblem]:
    number, own_id = _text(fields, "document_number"), _own_id(fields)
    if not number and not own_id:
        return [FormProblem("document_number", "Enter the number of the document that you found, or the ERP's own id")]
    return [
        *forms.code_problems("document_number", "document number", number),
        *forms.id_problems("document_number", "id", id_said(number)),
        *forms.id_problems("document_id", "id", own_id),
    ]


def _document(fields: Fields, connection: str | None) -> Mapping[str, str | None]:
    """The document that was found, by its number, by the ERP's own id, or by both."""
    if not connection:
        raise BadFormError
    number, own_id = _text(fields, "document_number"), _own_id(fields)
    return {"connection": connection, "id": own_id or None, "number": number or None}


def _own_id(fields: Fields) -> str:
    """The id that was typed, also if it was typed as people read it: `ID 2`."""
    typed = _text(fields, "document_id")
    return id_said(typed) or typed


def _built(answer_type: type[AnswerT], **members: Any) -> AnswerT:
    """The answer; BadFormError if a member that our pages fill in themselves is not valid."""
    try:
        return answer_type(**members)
    except ValidationError as error:
        raise BadFormError from error


def _text(fields: Fields, name: str) -> str:
    return forms.seen_text(fields, name)


def _revision(fields: Fields) -> int:
    return forms.positive_number(fields.get("revision", ""))


def _round(fields: Fields) -> int:
    return forms.positive_number(fields.get("round", ""))
