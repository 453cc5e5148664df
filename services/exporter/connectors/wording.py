"""Makes text that an ERP sent fit for events and pages."""

MAX_MESSAGE_CHARACTERS = 2_000


def one_line(text: str) -> str:
    """Return `text` in one line of at most MAX_MESSAGE_CHARACTERS, without what cannot be stored or read."""
    beginning = text[: 4 * MAX_MESSAGE_CHARACTERS]
    printable = "".join(each if each.isprintable() else " " for each in beginning)
    return " ".join(printable.split())[:MAX_MESSAGE_CHARACTERS]
