"""Makes text that an ERP sent fit for events and pages."""

MAX_MESSAGE_CHARACTERS = 2_000
_ENDS = (".", "!", "?", "…")
_CLOSING = "\"'\N{RIGHT DOUBLE QUOTATION MARK}\N{RIGHT SINGLE QUOTATION MARK})"


def one_line(text: str) -> str:
    """Return `text` in one line of at most MAX_MESSAGE_CHARACTERS, without what cannot be stored or read."""
    beginning = text[: 4 * MAX_MESSAGE_CHARACTERS]
    printable = "".join(each if each.isprintable() else " " for each in beginning)
    return " ".join(printable.split())[:MAX_MESSAGE_CHARACTERS]


def sentence(text: str) -> str:
    """Return `text` as `one_line` does, with a full stop at its end; empty if it is empty."""
    line = one_line(text)
    if not line or line.rstrip(_CLOSING).endswith(_ENDS):
        return line
    return f"{line[: MAX_MESSAGE_CHARACTERS - 1].rstrip(',;: ')}."
