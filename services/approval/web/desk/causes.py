"""Groups failed exports by their cause, so that those with the same one are answered together."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from schemas.fields import FailureClass
from services.approval.web.desk.list_rows import ListRow


@dataclass(frozen=True, slots=True)
class Cause:
    """Why exports failed: the class of the failure and the ERP's own code."""

    failure_class: FailureClass | None
    code: str = ""

    @property
    def name(self) -> str:
        """Names it in an address."""
        return f"{self.failure_class or ''}:{self.code}"


def by_cause(rows: Sequence[ListRow]) -> Mapping[Cause, Sequence[ListRow]]:
    """Return failed rows by their cause, in the order in which the first of each failed."""
    groups: dict[Cause, list[ListRow]] = {}
    for row in rows:
        groups.setdefault(cause_of(row), []).append(row)
    return groups


def cause_of(row: ListRow) -> Cause:
    """Return the cause of a failed export."""
    failure = row.current.ruling.failure if row.current.ruling else None
    return Cause(failure.failure_class, failure.code or "") if failure else Cause(None)
