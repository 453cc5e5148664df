"""Words an error for the log: where it was raised and of which type, but not what it says of other people's content.

The text of an error often quotes what it was raised about: a row, an answer of an ERP, an address, a URL with a
password. Only texts that cannot are shown: our own, the system's, and what the interpreter says about a program.
"""

from collections.abc import Iterator
from traceback import format_tb

from sqlalchemy.exc import DBAPIError

from services.pipeline.errors import CountersignError

INTERPRETER_ERRORS = frozenset(
    {
        AttributeError,
        ImportError,
        ModuleNotFoundError,
        NameError,
        NotImplementedError,
        RecursionError,
        TypeError,
        UnboundLocalError,
        ZeroDivisionError,
    }
)
"""What the interpreter says with them names types and members of the program; of a subclass, that is not known."""

MAX_ERRORS = 16
"""Of a chain or a group, so many are shown."""


def worded(error: BaseException | None) -> str:
    """Return the type of `error`, and its text if that cannot quote content."""
    if error is None:
        return "unknown"
    said = _said(error)
    return f"{type(error).__name__}: {said}" if said else type(error).__name__


def named(error: BaseException) -> str:
    """Return the type of `error`; with the state if it is the database's, whose types are too wide to tell a cause."""
    return worded(error) if isinstance(error, DBAPIError) else type(error).__name__


def traceback_of(error: BaseException) -> str:
    """Return the traceback of `error`, after those of its causes and before those of its group, each `worded`."""
    shown = [each for _, each in zip(range(MAX_ERRORS), _related(error, set()), strict=False)]
    return "\n".join(f"{''.join(format_tb(each.__traceback__))}{worded(each)}" for each in shown)


def _said(error: BaseException) -> str:
    if isinstance(error, CountersignError) or type(error) in INTERPRETER_ERRORS:
        return str(error)
    if isinstance(error, DBAPIError):
        return _state(error)
    return error.strerror or "" if isinstance(error, OSError) else ""


def _state(error: DBAPIError) -> str:
    """Return the state that the database gave, and the driver's name for it, such as LockNotAvailableError."""
    state = getattr(error.orig, "sqlstate", None)
    driver = (error.orig and error.orig.__cause__) or error.orig
    return f"SQLSTATE {state} ({type(driver).__name__})" if state else ""


def _related(error: BaseException, seen: set[int]) -> Iterator[BaseException]:
    if id(error) in seen:
        return
    seen.add(id(error))
    before = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    if before is not None:
        yield from _related(before, seen)
    yield error
    for each in error.exceptions if isinstance(error, BaseExceptionGroup) else ():
        yield from _related(each, seen)


def is_of_aiokafka(error: object) -> bool:
    """Whether the digest's Kafka client raised `error`: it says what Kafka did, and no code of ours is to blame."""
    return isinstance(error, BaseException) and type(error).__module__.partition(".")[0] == "aiokafka"


def place_of(error: BaseException) -> str:
    """Return the line of code that raised `error`."""
    raised = error.__traceback__
    if raised is None:
        return ""
    while raised.tb_next is not None:
        raised = raised.tb_next
    return f"{raised.tb_frame.f_code.co_filename}:{raised.tb_lineno}"
