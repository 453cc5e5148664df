"""Looks, before the first export, whether Lambda ERP has what writing purchase orders needs."""

from typing import Any

import httpx2

from services.exporter.connectors.check_words import problem_of
from services.exporter.connectors.http_body import json_of
from services.exporter.connectors.lambda_erp_answer import codes_in
from services.exporter.connectors.lambda_erp_call import Calls
from services.exporter.connectors.lambda_erp_failure import LambdaErpFailures
from services.exporter.connectors.types import Checked

_WRITING_ROLES = ("manager", "admin")
_NEEDED_FIELDS = ("external_source", "external_reference", "remarks", "docstatus", "discarded")


async def check(calls: Calls, company: str, failures: LambdaErpFailures) -> tuple[Checked, ...]:
    """Return what was found of the API key, the company and the orders; a key that is refused ends the look."""
    until = calls.deadline()
    sign_in = Checked("API key", await _sign_in_problem(calls, until, failures))
    if sign_in.problem:
        return (sign_in,)
    return (
        sign_in,
        Checked(f"company {company}", await _company_problem(calls, until, company, failures)),
        Checked("purchase orders", await _orders_problem(calls, until, failures)),
    )


async def _sign_in_problem(calls: Calls, until: float, failures: LambdaErpFailures) -> str | None:
    user = await _read(calls, failures, until, "auth", "me")
    if isinstance(user, str):
        return user
    role = user.get("role")
    return None if role in _WRITING_ROLES else f"The API key has the role {role}; create one with the role manager."


async def _company_problem(calls: Calls, until: float, company: str, failures: LambdaErpFailures) -> str | None:
    answer = await calls.read(until, "masters", "company", params={"name": company})
    if not isinstance(answer, httpx2.Response):
        return answer.message
    companies = codes_in(answer)
    if companies is None:
        return problem_of(failures.of_read(answer))
    return (
        None
        if company in companies
        else f"Lambda ERP has no company {company}; name one of its companies, as it writes it."
    )


async def _orders_problem(calls: Calls, until: float, failures: LambdaErpFailures) -> str | None:
    fields = await _read(calls, failures, until, "documents", "purchase-order", "fields")
    if isinstance(fields, str):
        return fields
    known = fields.get("fields")
    missing = [name for name in _NEEDED_FIELDS if not isinstance(known, list) or name not in known]
    return f"Purchase orders lack {', '.join(missing)}; update Lambda ERP." if missing else None


async def _read(calls: Calls, failures: LambdaErpFailures, until: float, *path: str) -> dict[str, Any] | str:
    """Return the JSON object that the ERP answers; a sentence if it answers something else."""
    answer = await calls.read(until, *path)
    if not isinstance(answer, httpx2.Response):
        return answer.message
    body = json_of(answer) if answer.is_success else None
    return body if isinstance(body, dict) else problem_of(failures.of_read(answer))
