"""A traceback says where and of which type an error is, and never what it quotes."""

from sqlalchemy.exc import DBAPIError, IntegrityError

from services.pipeline.errors import SettingsError
from services.pipeline.tracebacks import MAX_ERRORS, named, traceback_of, worded

CANARY = "Quetzal Masonry"


def raised(error: Exception, *, cause: Exception | None = None) -> Exception:
    """Return `error` as it is after it was raised."""
    try:
        raise error from cause
    except type(error) as caught:
        return caught


def test_the_text_of_a_foreign_error_is_not_shown() -> None:
    shown = traceback_of(raised(ValueError(CANARY), cause=raised(KeyError(CANARY))))

    assert CANARY not in shown
    assert shown.index("KeyError") < shown.index("ValueError")
    assert "test_tracebacks.py" in shown


def test_texts_that_cannot_quote_content_are_shown() -> None:
    assert worded(SettingsError("Set LINK_SECRET.")) == "SettingsError: Set LINK_SECRET."
    assert worded(AttributeError("no x")) == "AttributeError: no x"
    assert worded(ConnectionRefusedError(111, "Connection refused", CANARY)) == (
        "ConnectionRefusedError: Connection refused"
    )
    assert worded(None) == "unknown"


def test_a_subclass_of_what_the_interpreter_raises_may_quote_content() -> None:
    assert worded(type("Refusal", (TypeError,), {})(CANARY)) == "Refusal"


def test_a_database_error_is_shown_by_its_state_only() -> None:
    class ViolationError(Exception):
        sqlstate = "23505"

    error = IntegrityError("insert", {}, ViolationError(f"Key (title)=({CANARY}) already exists."))

    assert worded(error) == named(error) == "IntegrityError: SQLSTATE 23505 (ViolationError)"


def test_a_database_error_has_the_name_that_the_driver_gave_it_before_it_was_wrapped() -> None:
    class WrappedError(Exception):
        sqlstate = "55P03"

    cause = type("LockNotAvailableError", (Exception,), {})(CANARY)
    error = DBAPIError("select", {}, raised(WrappedError(CANARY), cause=cause))

    assert named(error) == "DBAPIError: SQLSTATE 55P03 (LockNotAvailableError)"
    assert named(ValueError(CANARY)) == "ValueError"


def test_groups_show_their_members_and_endless_chains_end() -> None:
    shown = traceback_of(ExceptionGroup(CANARY, [raised(OSError(5, "I/O")), raised(ValueError(CANARY))]))
    assert "OSError: I/O" in shown
    assert CANARY not in shown

    one, other = ValueError(), KeyError()
    one.__context__, other.__context__ = other, one
    assert traceback_of(one).split("\n") == ["KeyError", "ValueError"]

    many = ExceptionGroup("", [ValueError() for _ in range(2 * MAX_ERRORS)])
    assert len(traceback_of(many).split("\n")) == MAX_ERRORS
