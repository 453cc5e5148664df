"""The API and the form with which the faults of a sandbox server are switched on and off."""

from collections.abc import Callable
from typing import Annotated, Any

from fastapi import Body, FastAPI, Form, Request
from fastapi.responses import RedirectResponse, Response

from sandbox.faults import FaultInjector, FaultT
from sandbox.pages import wants_page


def add_fault_routes(
    app: FastAPI, injector: FaultInjector[FaultT], fault_type: type[FaultT], render_page: Callable[[], Response]
) -> None:
    """Add `/faults` to `app`: JSON for programs, and for browsers the page that `render_page` makes."""

    @app.get("/faults", response_model=None)
    async def faults(request: Request) -> Response | dict[str, Any]:
        return render_page() if wants_page(request) else {"faults": injector.faults}

    @app.put("/faults")
    async def replace(faults: Annotated[list[fault_type], Body(embed=True)]) -> dict[str, Any]:  # type: ignore[valid-type]
        injector.replace(faults)
        return {"faults": injector.faults}

    @app.post("/faults")
    async def switch_on(fault: Annotated[fault_type, Form()]) -> RedirectResponse:  # type: ignore[valid-type]
        injector.switch_on(fault)
        return RedirectResponse("/faults", status_code=303)

    @app.post("/faults/{place}/off")
    async def switch_off(place: int) -> RedirectResponse:
        injector.switch_off(place)
        return RedirectResponse("/faults", status_code=303)
