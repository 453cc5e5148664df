"""Says how many of something there are, the same way on pages and in commands."""


def counted(count: int, noun: str) -> str:
    """`count` with its noun, for example "1 day" or "1,200 days"."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"
