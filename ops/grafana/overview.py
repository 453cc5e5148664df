"""The dashboard *Countersign*: its rows, its variables, and what its links need to know."""

from collections.abc import Sequence

from grafana_foundation_sdk.builders import dashboard
from grafana_foundation_sdk.models import dashboard as models

from ops.grafana.panels import SOURCE, Panel
from ops.grafana.rows import exports, mails, messages, now, resources

UID = "countersign"
DESK = "http://localhost:8080"
"""Where Compose has the approval desk."""

DOCS = "https://git.example/countersign/docs"
"""Nobody but the reader knows where they keep the documentation."""

Variable = dashboard.DatasourceVariable | dashboard.QueryVariable | dashboard.TextBoxVariable

_ROWS = (
    ("Now: what is wrong, and who acts", now.panels()),
    ("Exports", exports.panels()),
    ("Pipeline", messages.panels()),
    ("Mails and digest", mails.panels()),
)


def overview(desk: str = DESK, docs: str = DOCS) -> models.Dashboard:
    """The dashboard, whose links lead to the approval desk and the documentation at these addresses."""
    board = dashboard.Dashboard("Countersign").uid(UID).tags(["countersign"]).readonly()
    board.description("What a commitment passes from Send to ERP to its document, and whose move it is.")
    board.time("now-1h", "now").refresh("30s").timezone("browser").tooltip(models.DashboardCursorSync.CROSSHAIR)
    for variable in _variables(desk, docs):
        board.with_variable(variable)
    board.annotation(_firing())
    for title, panels in _ROWS:
        _add(board, dashboard.Row(title), panels)
    _add(board, dashboard.Row("Resources of $service").repeat("service"), resources.panels())
    return board.build()


def _add(board: dashboard.Dashboard, row: dashboard.Row, panels: Sequence[Panel]) -> None:
    board.with_row(row)
    for panel in panels:
        board.with_panel(panel)


def _variables(desk: str, docs: str) -> Sequence[Variable]:
    return [
        dashboard.DatasourceVariable("datasource").label("Prometheus").type("prometheus"),
        _chosen("connection", "Connection", "erp_circuit_open"),
        _chosen("service", "Service", 'up{job="countersign"}'),
        dashboard.TextBoxVariable("desk").label("Desk").description("The address of the desk.").default_value(desk),
        dashboard.TextBoxVariable("docs").label("Docs").description("Where docs is read.").default_value(docs),
    ]


def _chosen(name: str, label: str, metric: str) -> dashboard.QueryVariable:
    """A variable with all values of a label of `metric`, of which several can be chosen."""
    values = dashboard.QueryVariable(name).label(label).datasource(SOURCE).query(f"label_values({metric}, {name})")
    values.refresh(models.VariableRefresh.ON_TIME_RANGE_CHANGED).sort(models.VariableSort.ALPHABETICAL_ASC)
    values.multi(multi=True).include_all(include_all=True).all_value(".*")
    return values.current(models.VariableOption(selected=True, text=["All"], value=["$__all"]))


def _firing() -> dashboard.AnnotationQuery:
    firing = 'max by (alertname, owner) (ALERTS{alertstate="firing"})'
    return dashboard.AnnotationQuery().name("Alerts").icon_color("red").datasource(SOURCE).expr(firing)
