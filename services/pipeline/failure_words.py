"""What people of a project are told of a failed export: no words about set-up, programs or networks."""

import re

from schemas.events import Failure
from schemas.fields import FailureClass

UNNAMED_ERP = "the ERP"
_NATIVE_CODE = re.compile(r"(?!HTTP\b)[A-Z]{0,6}[-. ]?[0-9][0-9A-Z.-]*")
"""A code that an accountant finds in the ERP's manual, such as 3070 or ORA-00001; not the name of a program's error."""


def native_code(failure: Failure) -> str | None:
    """The ERP's own code if people know it by that; None for one of ours, or of a program."""
    code = failure.code or ""
    return code if _NATIVE_CODE.fullmatch(code) else None


def why_not_exported(failure: Failure, number: str, erp: str = UNNAMED_ERP) -> str:
    """Why `number` is not in `erp`, in a sentence for everybody; what only administrators can use is left out."""
    match failure.failure_class:
        case FailureClass.FIX_SETUP:
            return f"{number} could not be exported to {erp} yet: something in the set-up has to be corrected first."
        case FailureClass.RETRY_LATER:
            return f"{erp[:1].upper()}{erp[1:]} could not take {number} when it was tried."
        case _:
            return failure.message.strip()
