"""The addresses of the desk's lists: which view, filters, order, page and commitment a link or a form is about."""

from datetime import datetime
from decimal import Decimal
from http import HTTPStatus
from typing import Annotated, Any, Literal
from urllib.parse import parse_qs, parse_qsl, urlencode

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError
from starlette.exceptions import HTTPException

from schemas.fields import TEXT_PATTERN
from schemas.limits import MAX_ID_CHARACTERS
from services.approval.rules.triage import Group
from services.approval.storage.list_filter import ListFilter
from services.approval.storage.views import DEFAULT_SORTS, Cursor, DeskView, Sort, parse_cursor
from services.approval.web.desk.forms import FormProblem
from services.pipeline.typed_number import plain_number

_Text = Annotated[str, Field(max_length=200, pattern=TEXT_PATTERN)]
_Texts = Annotated[tuple[Annotated[str, Field(max_length=400, pattern=TEXT_PATTERN)], ...], Field(max_length=20)]
_Typed = Annotated[str, Field(max_length=60, pattern=TEXT_PATTERN)]
_AMOUNT: TypeAdapter[Decimal] = TypeAdapter(Annotated[Decimal, Field(max_digits=20, allow_inf_nan=False)])
_SIZES = {"k": 1_000, "m": 1_000_000}
_MAX_DAYS = 3_650
MAX_TEXT = 20_000
"""Characters of a list's query in a form."""


class ListQuery(BaseModel):
    """A page of a list, as in the address; `at` is the place of its first row in the list.

    `min` and `max` are amounts as people typed them.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    view: DeskView = DeskView.READY
    q: _Text = ""
    project: _Texts = ()
    vendor: _Texts = ()
    age: int = Field(default=0, ge=0, le=_MAX_DAYS)
    min: _Typed = ""
    max: _Typed = ""
    changed: bool = False
    blocked: bool = False
    sort: Sort | None = None
    after: str = Field(default="", max_length=400, pattern=TEXT_PATTERN)
    at: int = Field(default=1, ge=1, le=10_000_000)
    item: str = Field(default="", max_length=MAX_ID_CHARACTERS, pattern=TEXT_PATTERN)

    @classmethod
    def read(cls, text: str, view: DeskView = DeskView.READY) -> "ListQuery":
        """The list that a form was sent from, as `text` describes it; the whole `view` if it does not."""
        several = ("project", "vendor")
        try:
            given = parse_qs(text, max_num_fields=60) if len(text) < MAX_TEXT else {}
            members: dict[str, Any] = {name: texts if name in several else texts[-1] for name, texts in given.items()}
            return cls(**({"view": view} | members))
        except ValueError:  # too many fields, or one that is not valid
            return cls(view=view)

    @property
    def text(self) -> str:
        """The list as the query of an address, which `read` reads; what is as usual is left out."""
        usual = ListQuery.model_fields
        given = self.model_dump(mode="json")
        shown = {
            name: "yes" if value is True else value
            for name, value in given.items()
            if name == "view" or value != _usual(usual[name].default)
        }
        return urlencode(shown, doseq=True)

    @property
    def address(self) -> str:
        """The address of the list."""
        return f"/commitments?{self.text}"

    @property
    def pairs(self) -> list[tuple[str, str]]:
        """The list as the hidden fields of a form."""
        return parse_qsl(self.text)

    @property
    def review_address(self) -> str:
        """The address of the review of what is marked, from which one returns to this list."""
        return f"/review?{urlencode({'list': self.text})}"

    def reject_all_address(self, group: Group) -> str:
        """The address of the page that rejects several commitments of a group of this page for one reason."""
        return f"/reject-several?{urlencode({'list': self.text, 'group': group.value})}"

    def reject_failed_address(self, cause: str) -> str:
        """The address of the page that rejects the failed exports of this page with one cause."""
        return f"/failed/reject?{urlencode({'list': self.text, 'cause': cause})}"

    def news_address(self, since: datetime, count: int) -> str:
        """The address that says how many more have come since this list was read, when its view had `count`."""
        return f"/news?{urlencode({'list': self.but().text, 'since': since.isoformat(), 'count': count})}"

    def toggled(self, name: Literal["project", "vendor"], entry: str) -> "ListQuery":
        """The list with another project or vendor, or without it."""
        chosen: tuple[str, ...] = getattr(self, name)
        changed = tuple(each for each in chosen if each != entry) if entry in chosen else (*chosen, entry)
        return self.but(**{name: changed})

    def but(self, **changes: Any) -> "ListQuery":
        """The list with `changes`; without a page or a commitment, unless they name one."""
        return self.model_copy(update={"after": "", "at": 1, "item": ""} | changes)

    def showing(self, commitment_id: str) -> "ListQuery":
        """The page with another commitment opened."""
        return self.model_copy(update={"item": commitment_id})

    @property
    def order(self) -> Sort:
        """The order of the list; each view has its own."""
        return self.sort or DEFAULT_SORTS[self.view]

    @property
    def is_sorted(self) -> bool:
        """Whether somebody chose another order than that of the view."""
        return self.order != DEFAULT_SORTS[self.view]

    @property
    def amounts(self) -> str:
        """The amounts that are listed, as they were typed; empty if all are."""
        least, most = self.min.strip(), self.max.strip()
        if least and most:
            return f"{least} to {most}"
        return f"from {least}" if least else f"to {most}" if most else ""

    @property
    def filter(self) -> ListFilter:
        """What of the view is listed."""
        return ListFilter(
            search=self.q.strip(),
            projects=self.project,
            vendors=self.vendor,
            waited_days=self.age or None,
            min_total=_amount(self.min),
            max_total=_amount(self.max),
            is_changed=self.changed,
        )

    @property
    def problems(self) -> list[FormProblem]:
        """What was typed and cannot be read; the list is not narrowed by it."""
        given = {"min": self.min, "max": self.max}
        wrong = [name for name, text in given.items() if text.strip() and _amount(text) is None]
        return [FormProblem(name, "Enter an amount, such as 100,000 or 250k") for name in wrong]

    @property
    def cursor(self) -> Cursor | None:
        """The last row of the page before; a 404 if `after` is not one of ours."""
        if not self.after:
            return None
        cursor = parse_cursor(self.after, self.order)
        if cursor is None:
            raise HTTPException(HTTPStatus.NOT_FOUND)
        return cursor

    @property
    def is_filtered(self) -> bool:
        """Whether it leaves out any commitment of the view."""
        return self.is_of_blocked or self.filter != ListFilter()

    @property
    def is_of_blocked(self) -> bool:
        """Whether it has only what is blocked; that is asked for in the view of what waits."""
        return self.blocked and self.view is DeskView.READY


def _amount(typed: str) -> Decimal | None:
    """The amount that somebody typed: 100,000, 1'250.50, 250k or 1.2 M; None for anything else."""
    text = typed.strip().lower()
    size = _SIZES.get(text[-1:], 1)
    number = plain_number(text.removesuffix(text[-1:]).strip() if size > 1 else text)
    try:
        return _AMOUNT.validate_python(number) * size
    except ValidationError:
        return None


def _usual(default: Any) -> Any:
    """`default` as an address would have it."""
    return list(default) if isinstance(default, tuple) else default
