"""The approval desk: pages for the people who view and answer commitments; all of it works without scripts."""

from collections.abc import Mapping

from fastapi import FastAPI

from services.approval.web.desk.commitment_actions import deciding_router
from services.approval.web.desk.errors import Answering, ErrorPages
from services.approval.web.desk.list_actions import answer_router
from services.approval.web.desk.lists import list_router
from services.approval.web.desk.pages import ASSETS, Assets, Pages, SafeHeaders
from services.approval.web.desk.parts import Parts
from services.approval.web.desk.people import people_router
from services.approval.web.desk.sign_in import sign_in_router

__all__ = ["add_desk"]


def add_desk(app: FastAPI, parts: Parts) -> Mapping[type[Exception], Answering]:
    """Add the desk's pages, its style sheet and safe headers to `app`; return how it answers each kind of error.

    Registering those answers is left to the caller, since programs read the same errors in another form.
    """
    pages = Pages()
    for router in (list_router, answer_router, deciding_router, people_router, sign_in_router):
        app.include_router(router(parts, pages))
    app.mount("/assets", Assets(directory=ASSETS), name="assets")
    app.add_middleware(SafeHeaders, is_secure=parts.settings.public_url.startswith("https:"))
    return ErrorPages(pages).by_error
