"""Reads the approval rules of all companies from the file that APPROVAL_RULES names, and says what is wrong there."""

import tomllib
from collections.abc import Mapping, Sequence
from decimal import Decimal
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from schemas.message import wording
from services.approval.rules.approval_rules import ApprovalRules, ApproverRules, CompanyRules
from services.pipeline.errors import SettingsError

_MODELS: Mapping[str, type[BaseModel]] = {"company": CompanyRules, "approver": ApproverRules}
_WORDS = {
    "dict_type": 'must be a table of amounts by currency, such as { USD = "100000.00" }',
    "missing": "is missing; add it",
    "too_short": "must not be empty; leave it out to set none",
}


def read_rules(path: Path | None) -> ApprovalRules:
    """Return the rules of all companies, the defaults without a file; SettingsError names each wrong member."""
    if path is None:
        return ApprovalRules()
    content = _content(path)
    tables = content.get("company", [])
    if set(content) - {"company"} or not isinstance(tables, list):
        raise SettingsError(f"{path} may contain only [[company]] tables.")
    try:
        rules = ApprovalRules.model_validate(content)
    except ValidationError as error:
        problems = error.errors(include_url=False, include_input=False)
        raise SettingsError("\n".join(f"{path}, {_in_words(each, tables)}" for each in problems)) from None
    _check_ids(path, rules.company)
    return rules


def _content(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"), parse_float=Decimal)
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"The file of approval rules {path} cannot be read: {error}") from error
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(f"{path} is not valid TOML: {error}") from error


def _check_ids(path: Path, companies: Sequence[CompanyRules]) -> None:
    ids = [each.id for each in companies]
    if twice := next((each for each in ids if ids.count(each) > 1), None):
        raise SettingsError(f"{path}, company {twice}: is listed more than once; leave one [[company]] with this id.")


def _in_words(problem: ErrorDetails, tables: Sequence[Any]) -> str:
    """What is wrong with which member of which company."""
    _, number, *members = problem["loc"]
    table = tables[int(number)]
    company = table.get("id", int(number) + 1) if isinstance(table, dict) else int(number) + 1
    named = [str(each + 1) if isinstance(each, int) else str(each) for each in members if each != "[key]"]
    where = f"company {company}: {'.'.join(named)}".removesuffix(": ")
    return f"{where}: {_asked_for(problem, [str(each) for each in members])}"


def _asked_for(problem: ErrorDetails, members: Sequence[str]) -> str:
    match problem["type"]:
        case "extra_forbidden":
            return f"is not known{_suggestion(members)}"
        case "enum":
            return f"must be {problem['ctx']['expected']}"
        case "model_type" | "tuple_type":
            return f"must be a table [[{'company.approver' if 'approver' in members else 'company'}]]"
        case known:
            return _WORDS.get(known) or wording(problem)


def _suggestion(members: Sequence[str]) -> str:
    """Which member was probably meant."""
    model = _MODELS["approver" if "approver" in members[:-1] else "company"]
    close = get_close_matches(members[-1], model.model_fields, n=1)
    return f"; did you mean {close[0]}?" if close else "; remove it"
