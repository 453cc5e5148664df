"""The columns of the lists: each has a macro for its cells, and each macro a column."""

from pathlib import Path

import pytest
from jinja2 import Environment, FileSystemLoader, nodes

from services.approval.storage.views import DeskView
from services.approval.web.desk import columns
from services.approval.web.desk.columns import COLUMNS, columns_for

TEMPLATES = Path(columns.__file__).parent / "templates"


def macros() -> set[str]:
    environment = Environment(loader=FileSystemLoader(TEMPLATES), autoescape=True)
    parsed = environment.parse((TEMPLATES / "cells.html").read_text())
    return {macro.name for macro in parsed.find_all(nodes.Macro)}


def test_every_column_has_its_macro_and_every_macro_its_column() -> None:
    assert {column.name for of_view in COLUMNS.values() for column in of_view} == macros()


def test_every_view_but_the_triage_page_has_columns() -> None:
    assert set(COLUMNS) == set(DeskView) - {DeskView.READY}


@pytest.mark.parametrize("view", COLUMNS)
def test_a_row_has_one_header(view: DeskView) -> None:
    assert [column.name for column in COLUMNS[view] if column.is_row_header] == ["commitment"]


def test_only_approvers_see_the_columns_with_controls() -> None:
    failed = DeskView.FAILED

    assert {column.name for column in columns_for(failed, is_approver=True, has_several_erps=False)} >= {"answer"}
    assert not {column.name for column in columns_for(failed, is_approver=False, has_several_erps=False)} & {"answer"}


@pytest.mark.parametrize("view", COLUMNS)
def test_a_list_says_to_which_erp_each_commitment_goes_where_there_are_several(view: DeskView) -> None:
    one, several = (
        {column.name for column in columns_for(view, is_approver=True, has_several_erps=several)}
        for several in (False, True)
    )

    assert several & {"erp", "erp_document"}
    assert "erp" not in one or view in (DeskView.FAILED, DeskView.EXPORTING)
