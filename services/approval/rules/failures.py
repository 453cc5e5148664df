"""What a failed export means for those who read of it: the people of its project, and an approver who rejects it."""

from schemas.events import Failure
from schemas.fields import FailureClass, Owner

_WRITTEN_NOTHING = " Nothing was written."


def suggested_reason(failure: Failure | None) -> str:
    """The reason that a rejection begins with, to the project: what is wrong, and what to change.

    Empty where the project cannot mend it: somebody else has to, or nobody knows why the ERP refused it.
    """
    if failure is None or failure.failure_class is not FailureClass.FIX_DATA:
        return ""
    if not failure.remedy and failure.owner is not Owner.PROJECT_MANAGER:
        return ""
    what = failure.message.removesuffix(_WRITTEN_NOTHING)
    return f"{what} Please {failure.remedy or 'correct it'}, and re-send it."
