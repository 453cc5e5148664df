"""Text as searches compare it: without case, accents and the commas within amounts."""

import re
from collections.abc import Iterable
from decimal import Decimal
from unicodedata import combining, normalize

from schemas.commitment import Summary
from services.pipeline.formats import decimals_of

_SPELLED = str.maketrans(
    {
        "ø": "o",
        "ł": "l",
        "đ": "d",
        "ħ": "h",
        "\N{LATIN SMALL LETTER DOTLESS I}": "i",
        "æ": "ae",
        "œ": "oe",
        "þ": "th",
        "ð": "d",
    }
)
"""Letters that Unicode does not take apart, as people without them on the keyboard write them."""

_COMMA_OF_THOUSANDS = re.compile(r"(?<=\d),(?=\d{3}(?!\d))")
_CURRENCY_SIGN = re.compile(r"[$€£¥](?=\d)")
_GRAM = 3
_DECIMALS = 2
"""People write so many, also where the currency has none."""


def folded(text: str) -> str:
    """`text` in lower case and without accents: "Müller, 480,250.00" as "muller, 480250.00"."""
    if not text.isascii():
        apart = normalize("NFKD", normalize("NFKD", text).casefold())
        text = "".join(each for each in apart if not combining(each)).translate(_SPELLED)
    return _COMMA_OF_THOUSANDS.sub("", text.lower())


def searchable(summary: Summary) -> str:
    """What searches find a commitment by: number, title, names and total, folded."""
    people = dict.fromkeys((summary.sent_by.name, summary.creator.name))
    total = Decimal(summary.total)
    decimals = max(_DECIMALS, decimals_of(summary.currency))
    amount = f"{total:.{decimals}f}" if total == round(total, decimals) else summary.total
    texts = (summary.number, summary.title, summary.vendor, summary.project, *people, summary.currency, amount)
    return folded("\n".join(texts))


def company_gram(company_id: str | None) -> str:
    """What stands for the company among the grams of a commitment; no text has it, since it is longer."""
    return f"company:{company_id}"


def sought_words(text: str) -> tuple[str, ...]:
    """The words of a search, folded; each has to be somewhere in what is found."""
    return tuple(dict.fromkeys(folded(_CURRENCY_SIGN.sub("", text)).split()))


def grams(words: Iterable[str]) -> list[str]:
    """All sequences of three characters within folded `words`; a shorter word has none."""
    return sorted({word[start : start + _GRAM] for word in words for start in range(len(word) - _GRAM + 1)})
