"""Failures as data: a file in TOML says of each of an ERP's codes who has to act, in which words, and what comes next.

    [[failure]]
    code = "party_missing"            # the ERP's code, or the connector's; "31*" stands for all that begin with 31
    contains = "inactive"             # optional: only if the ERP's words contain this, in any case
    class = "wait_for_dependency"
    sentence = "Vendor {value} is not in {erp}. {text}"
    owner = "erp_admin"               # optional: that of the class, if absent
    next_step = "Add the vendor there, then retry the export."   # optional: that of the class, if absent
    remedy = "name another vendor"    # optional: what the project has to change; its people read it in a rejection

The first entry that fits counts. A sentence may name `{code}`, `{text}` (the ERP's own words) and the values that the
connector knows, such as `{field}` and `{value}`, or `{place}`, which says where in the document; what is not known is
left out.
"""

import tomllib
from collections.abc import Iterable, Mapping
from importlib.resources import files
from string import Formatter
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, TypeAdapter

from schemas.fields import FailureClass, Owner
from services.exporter.connectors.types import Refused
from services.exporter.connectors.wording import one_line, sentence


def _readable(sentence: str) -> str:
    """`sentence` itself; ValueError if it is no format of plain names."""
    for _, name, spec, conversion in Formatter().parse(sentence):
        if name is not None and (not name.isidentifier() or spec or conversion):
            raise ValueError("may contain only names in braces, such as {text}")
    return sentence


class FailureEntry(BaseModel):
    """What one code of an ERP, or several that begin alike, means for people."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)

    code: str = Field(min_length=1, description="The ERP's code; a star at its end stands for any ending.")
    contains: str = Field(default="", description="What the ERP's words must contain, in any case.")
    failure_class: FailureClass = Field(alias="class", description="Who can mend it.")
    sentence: Annotated[str, AfterValidator(_readable)] = Field(
        default="{place}{text}", description="What people read; names in braces stand for what is known."
    )
    owner: Owner | None = Field(default=None, description="Who acts next; absent means the class's own.")
    next_step: Annotated[str, AfterValidator(_readable)] | None = Field(
        default=None, description="What the owner does next; absent means the class's own."
    )

    remedy: Annotated[str, AfterValidator(_readable)] | None = Field(
        default=None, description="What the project has to change, if a rejection can mend it."
    )

    def fits(self, code: str, text: str) -> bool:
        """Whether this entry is about `code` with the words `text`."""
        is_code = code.startswith(self.code[:-1]) if self.code.endswith("*") else code == self.code
        return is_code and self.contains.casefold() in text.casefold()

    def refused(self, code: str | None, values: Mapping[str, str]) -> Refused:
        """Return the refusal with `code` in the words of this entry; a value that is not known is left out."""
        known = _Known(values)
        next_step = self.next_step and sentence(self.next_step.format_map(known))
        remedy = self.remedy and one_line(self.remedy.format_map(known))
        message = sentence(self.sentence.format_map(known))
        return Refused(self.failure_class, message, code, self.owner, next_step, remedy)


_ENTRIES: TypeAdapter[tuple[FailureEntry, ...]] = TypeAdapter(tuple[FailureEntry, ...])


class FailureTable:
    """The failures of one kind of ERP, by its codes."""

    def __init__(self, entries: Iterable[FailureEntry] = (), known: Mapping[str, str] | None = None) -> None:
        self.entries = tuple(entries)
        self._known = dict(known or {})

    @classmethod
    def of_package(cls, package: str, file_name: str) -> "FailureTable":
        """Read the table that comes with a connector; ValueError if it is none."""
        content = tomllib.loads(files(package).joinpath(file_name).read_text(encoding="utf-8"))
        return cls(_ENTRIES.validate_python(content.get("failure", [])))

    def after(self, first: Iterable[FailureEntry], **known: str) -> "FailureTable":
        """Return this table with the entries of `first` before its own: an operator knows the ERP better.

        `known` are values that every sentence may name, such as `erp`.
        """
        return FailureTable((*first, *self.entries), {**self._known, **known})

    def find(self, code: str | None, text: str) -> FailureEntry | None:
        """Return the first entry that fits; None for a code that nobody has described."""
        return next((each for each in self.entries if each.fits(code or "", text)), None)

    def refusal(
        self,
        code: str | None,
        text: str,
        values: Mapping[str, str] | None = None,
        otherwise: FailureClass | None = None,
    ) -> Refused:
        """Return what `code` means; an unknown one keeps the ERP's own words, with the class `otherwise`."""
        entry = self.find(code, text)
        if entry is None:
            message = sentence(text or f"The ERP answered {code}.")
            return Refused(otherwise or FailureClass.FIX_SETUP, message, code)
        return entry.refused(code, {**self._known, **(values or {}), "code": code or "", "text": text})


class _Known(dict[str, Any]):
    """The values that a sentence may name; an unknown one is empty."""

    def __missing__(self, key: str) -> str:
        return ""
