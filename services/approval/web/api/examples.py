"""What the OpenAPI document shows as examples: answers that are sent, and what comes back."""

from typing import Any

from fastapi import Body
from pydantic import ConfigDict

_HASH = "5024af1e3244a39e71d9f548392b2152fe9d135a794add02c69d6572536213bf"
_DOCUMENT = {"connection": "quickbooks-main", "number": "PO-1001"}

ACCEPT = {"revision": 1, "content_hash": _HASH}
REJECT = {"revision": 1, "content_hash": _HASH, "reason": "Line 3: cost code 03-300 is closed. Use 03-310."}
RETRY = {"revision": 1, "round": 1}
SETTLE = {"revision": 1, "round": 1, "document": _DOCUMENT, "note": "I opened PO-1001: it has both lines."}
CONFIRM = {"revision": 1, "round": 1, "evidence": 1, "agrees": True, "note": "I opened PO-1001 as well."}
EXPORT_AGAIN = {"revision": 1, "reopened": 0, "document": "erp-17", "replaces": True, "note": "It was deleted."}
ASK = {"revision": 1, "content_hash": _HASH, "question": "Does line 3 include the slabs of levels 8 to 12?"}
ACCEPT_DRIFT = {"revision": 1, "version": 1, "note": "Change order 1."}
MARK = {"verb": "accept", "commitment_id": "8841", "answer": ACCEPT}
ANSWERS = {
    "answers": [
        {"verb": "accept", "commitment_id": "8841", "answer": ACCEPT},
        {"verb": "reject", "commitment_id": "8842", "answer": REJECT},
    ]
}


_PERSON = {"id": "person-17", "name": "Sam Lee", "email": "sam.lee@harbor-builders.example"}
STATE = {
    "id": "8841",
    "project_id": "project-310",
    "status": "ready",
    "ribbon": "BLUE",
    "editable": False,
    "locked_fields": [],
    "message": "SC-014 was sent to ERP Integrations and is waiting for an accounting approver.",
    "revision": 1,
    "waiting_revision": None,
    "round": 0,
    "reopened": 0,
    "content_hash": _HASH,
    "since": "2026-11-16T15:02:00Z",
    "failure_class": None,
    "failure_code": None,
    "missing_document": None,
    "erp_document": None,
    "left_documents": [],
    "waiting": None,
    "evidence": None,
    "first_approval": None,
    "drift": None,
    "summary": {
        "number": "SC-014",
        "title": "Concrete works",
        "kind": "subcontract",
        "project": "Riverside Tower",
        "vendor": "Acme Concrete",
        "currency": "USD",
        "total": "480250.00",
        "creator": _PERSON,
        "sent_by": _PERSON,
        "url": "https://pm.example/commitments/8841",
        "connection": None,
    },
    "questions": [],
}
PAGE = {
    "items": [STATE],
    "next_after": None,
    "behind_seconds": None,
    "counts": {"ready": 1, "failed": 0, "exporting": 0, "synced": 0, "differing": 0, "rejected": 0, "all": 1},
}
DETAIL = STATE | {
    "submissions": [
        {
            "content_hash": _HASH,
            "sent_by": _PERSON,
            "sent_at": "2026-11-16T15:02:00Z",
            "note": None,
            "commitment": {"id": "8841", "number": "SC-014", "title": "Concrete works"},
            "findings": [],
        }
    ],
    "changes": [],
}
HISTORY_ITEM = {
    "event_id": "0d6b1f5e-1f0c-5f55-8a3e-6b0a9a1f2c3d",
    "at": "2026-11-16T15:02:00Z",
    "kind": "commitment.sent",
    "actor": "Sam Lee",
    "revision": 1,
    "round": None,
    "text": "Sam Lee sent revision 1.",
    "chain": None,
}
AUDIT_TRAIL = {
    "company_id": "company-204",
    "commitment_id": "8841",
    "exported_at": "2026-11-16T16:00:00Z",
    "status": "ready",
    "revision": 1,
    "round": 0,
    "summary": STATE["summary"],
    "erp_document": None,
    "erp_documents": [],
    "revisions": [],
    "history": [HISTORY_ITEM],
    "chain": {"decisions": 0, "head": None},
}
ME = {
    "id": "person-5",
    "name": "Dana Ruiz",
    "company_id": "company-204",
    "is_accounting_approver": True,
    "erp_tool": "standard",
    "can_push_to_accounting": True,
    "commitments_tool": {},
    "rights": [{"name": "ERP Integrations", "value": "Standard", "allows": "Viewing the tool."}],
    "missing_to_view": [],
    "missing_to_answer": [],
    "accepting": {
        "separation_of_duties": "warn",
        "limits": {"EUR": "90000.00", "USD": None},
        "second_approval_above": {"USD": "250000.00"},
        "delegated": [],
        "words": ["You are warned before you accept what you sent or created."],
    },
}
MARKED = {
    "commitment_id": "8841",
    "verb": "accept",
    "revision": 1,
    "content_hash": _HASH,
    "reason": None,
    "erp_code": None,
    "accounting_date": None,
    "note": None,
    "number": "SC-014",
    "currency": "USD",
    "total": "480250.00",
    "at": "2026-11-16T15:02:00Z",
}
REASON = {"title": "Closed cost code", "text": "Its cost code is closed. Use another one."}
DELEGATE = {"to": "person-6", "first_day": "2026-12-01", "last_day": "2026-12-04"}
DELEGATION = {
    "id": "8d2e1b6f5c4a4d1fab2c3d4e5f6a7b8c",
    "owner": {"id": "person-5", "name": "Dana Ruiz", "email": "dana.ruiz@harbor-builders.example"},
    "to": {"id": "person-6", "name": "Lee Park", "email": "lee.park@harbor-builders.example"},
    "first_day": "2026-12-01",
    "last_day": "2026-12-04",
    "is_in_force": False,
}
KEPT_REASON = REASON | {
    "id": "5c1f0a7e4d3b4c0e9a1b2c3d4e5f6a7b",
    "created_by": {"id": "person-5", "name": "Dana Ruiz", "email": "dana.ruiz@harbor-builders.example"},
    "at": "2026-11-16T15:02:00Z",
}
RESULTS = {
    "results": [
        {"commitment_id": "8841", "status": 200, "etag": '"1794842520000"', "commitment": STATE, "problem": None},
    ]
}
COLLEAGUE = {
    "id": "person-5",
    "name": "Dana Ruiz",
    "email": "dana.ruiz@harbor-builders.example",
    "erp_tool": "standard",
    "is_accounting_approver": True,
}
SESSION = {
    "name": "0e8f4b6f1c2d3a495867768594a3b2c1d0e8f4b6f1c2d3a495867768594a3b2c",
    "browser": "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0",
    "used_at": "2026-11-16T15:02:00Z",
    "expires_at": "2026-11-16T17:02:00Z",
    "is_current": True,
}
SUMMARY = {"subscribed": False, "directory_subscribed": True, "is_accounting_approver": True}
STORY = {
    "commitment_id": "8841",
    "as_of": "2026-11-16T15:04:00Z",
    "who": "Countersign",
    "step": "Nothing to do: it is queued for QuickBooks, or being sent.",
    "troubles": [],
    "upcoming": [{"at": "2026-11-16T15:04:08Z", "service": "exporter", "text": "It is sent to QuickBooks."}],
    "timeline": [
        {
            "at": "2026-11-16T15:02:00Z",
            "service": "approval",
            "text": "Dana Ruiz accepted revision 1.",
            "times": 1,
            "last_at": None,
        },
        {
            "at": "2026-11-16T15:02:04Z",
            "service": "exporter",
            "text": "Revision 1: QuickBooks could not take it yet: The vendor is being edited (code 3176).",
            "times": 3,
            "last_at": "2026-11-16T15:04:00Z",
        },
    ],
    "missing": [],
}


def shown(example: dict[str, Any]) -> ConfigDict:
    """Return the configuration of a model of which this is an example."""
    return ConfigDict(json_schema_extra={"examples": [example]})


def body(example: dict[str, Any]) -> Any:
    """Return the parameter of a route for a body of which this is an example."""
    return Body(openapi_examples={"usual": {"value": example}})
