"""The columns of all lists but that of the triage page; the macro of a column's name in `cells.html` fills it."""

from collections.abc import Mapping
from dataclasses import dataclass

from services.approval.storage.views import DeskView


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a list; `name` is its macro in `cells.html`, `css` the class of its cells."""

    name: str
    label: str
    css: str = ""
    is_row_header: bool = False
    is_for_approvers: bool = False
    """Left out for people who may only view; such cells hold buttons, so they have no label in narrow windows."""
    is_for_several_erps: bool = False
    """Left out where the company has one ERP, to which everything goes."""


_COMMITMENT = Column("commitment", "Number and title", "what", is_row_header=True)
_VENDOR = Column("vendor", "Vendor")
_PROJECT = Column("project", "Project")
_TOTAL = Column("total", "Total", "amount")
_REVISION = Column("revision", "Revision", "amount")
_ERP = Column("erp", "ERP")
_WHICH_ERP = Column("erp", "ERP", is_for_several_erps=True)
_WAITING = Column("waited", "Waiting", "short")

COLUMNS: Mapping[DeskView, tuple[Column, ...]] = {
    DeskView.FAILED: (
        _COMMITMENT,
        _TOTAL,
        _ERP,
        Column("error", "Errors"),
        Column("owner", "Who acts"),
        Column("next_step", "Next step"),
        Column("attempts", "Attempts", "amount"),
        Column("failed", "Failed"),
        Column("answer", "Answer", "act", is_for_approvers=True),
    ),
    DeskView.EXPORTING: (
        _COMMITMENT,
        _ERP,
        Column("accepted_by", "Accepted by"),
        _WAITING,
        Column("stage", "Stage"),
    ),
    DeskView.SYNCED: (
        _COMMITMENT,
        _VENDOR,
        _PROJECT,
        _TOTAL,
        Column("erp_document", "ERP document"),
        Column("locked_fields", "Locked fields"),
        Column("since", "Synced", "short"),
    ),
    DeskView.DIFFERING: (
        Column("choose_drift", "Choose", "choose", is_for_approvers=True),
        _COMMITMENT,
        _VENDOR,
        _TOTAL,
        Column("erp_document", "ERP document"),
        Column("compared", "Compared", "short"),
    ),
    DeskView.REJECTED: (
        _COMMITMENT,
        _VENDOR,
        _PROJECT,
        _TOTAL,
        _WHICH_ERP,
        Column("reason", "Reason", "words"),
        Column("rejected_by", "Rejected by"),
        Column("since", "Rejected", "short"),
    ),
    DeskView.ALL: (
        _COMMITMENT,
        Column("status", "Status"),
        _VENDOR,
        _PROJECT,
        _TOTAL,
        _WHICH_ERP,
        _REVISION,
        Column("since", "Since", "short"),
    ),
}


def columns_for(view: DeskView, *, is_approver: bool, has_several_erps: bool) -> tuple[Column, ...]:
    """The columns of `view` that a person sees whose company has several ERPs, or not."""
    return tuple(
        column
        for column in COLUMNS[view]
        if (is_approver or not column.is_for_approvers) and (has_several_erps or not column.is_for_several_erps)
    )
