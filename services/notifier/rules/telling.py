"""What the notifier tells of one mail, made of what it has stored: to whom and how it went, but no address."""

import json
import re
from collections.abc import Mapping
from typing import Any

_ADDRESS = re.compile(r"[^\s<>@,;:\"()]+@[^\s<>@,;:\"()]+")
_ROLES = (
    ("sender", ("summary", "sent_by")),
    ("creator", ("summary", "creator")),
    ("approver", ("decided_by",)),
    ("approver", ("approver",)),
    ("approver", ("asked_by",)),
)
"""Who gets a mail as what, and where the event names them; a creator who is the sender is called so."""


def role_of(recipient_id: str, event_data: str) -> str | None:
    """As what somebody gets a mail; None once what it said is deleted, or where they are named as nothing else."""
    data = json.loads(event_data) if event_data else {}
    return next((role for role, path in _ROLES if _id_at(data, path) == recipient_id), None)


def without_addresses(answer: str | None) -> str | None:
    """What a mail server answered, without the addresses that it names."""
    return answer and _ADDRESS.sub("(address)", answer)


def _id_at(data: Mapping[str, Any], path: tuple[str, ...]) -> str | None:
    found: Any = data
    for name in (*path, "id"):
        found = found.get(name) if isinstance(found, dict) else None
    return found if isinstance(found, str) else None
