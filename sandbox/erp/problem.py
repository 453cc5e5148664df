"""Why the ERP refused a call, as problem details (RFC 9457)."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from schemas.fields import FailureClass

MEDIA_TYPE = "application/problem+json"


@dataclass(frozen=True)
class Problem:
    """A refusal or an error; `failure_class` says who can fix it, if the ERP knows."""

    status: int
    code: str
    title: str
    detail: str = ""
    failure_class: FailureClass | None = None
    extra: Mapping[str, Any] = field(default_factory=dict)

    @property
    def body(self) -> dict[str, Any]:
        """The members of the problem document."""
        members = {
            "type": f"urn:sandbox-erp:{self.code}",
            "title": self.title,
            "status": self.status,
            "detail": self.detail,
            "code": self.code,
        }
        return members | ({"failure_class": self.failure_class} if self.failure_class else {}) | dict(self.extra)
