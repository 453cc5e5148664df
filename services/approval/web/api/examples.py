"""The answers that the OpenAPI document shows as examples; docs/api.md sends the same ones."""

from typing import Any

from fastapi import Body

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
ANSWERS = {
    "answers": [
        {"verb": "accept", "commitment_id": "8841", "answer": ACCEPT},
        {"verb": "reject", "commitment_id": "8842", "answer": REJECT},
    ]
}


def body(example: dict[str, Any]) -> Any:
    """Return the parameter of a route for a body of which this is an example."""
    return Body(openapi_examples={"usual": {"value": example}})
