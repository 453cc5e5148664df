"""The approval desk: pages for people who view and answer commitments. Every page works without scripts."""

from collections.abc import Mapping

from fastapi import FastAPI

from services.approval.web.dependencies import Dependencies
from services.approval.web.desk.access import access_router
from services.approval.web.desk.commitment_actions import commitment_router
from services.approval.web.desk.delegations import delegation_router
from services.approval.web.desk.directory import directory_router
from services.approval.web.desk.drift_actions import drift_action_router
from services.approval.web.desk.errors import ErrorHandler, ErrorPages
from services.approval.web.desk.failed_actions import failed_router
from services.approval.web.desk.help import help_router
from services.approval.web.desk.history_page import history_router
from services.approval.web.desk.keys import KnowsKeys
from services.approval.web.desk.list_copies import list_copy_router
from services.approval.web.desk.lists import list_router
from services.approval.web.desk.mark_actions import mark_router
from services.approval.web.desk.news import news_router
from services.approval.web.desk.pages import ASSETS, Assets, Pages
from services.approval.web.desk.question_actions import question_router
from services.approval.web.desk.reasons import reason_router
from services.approval.web.desk.review_page import review_router
from services.approval.web.desk.sessions import session_router
from services.approval.web.desk.several import several_router
from services.approval.web.desk.sign_in import sign_in_router
from services.approval.web.desk.story_page import story_router
from services.approval.web.desk.undo_actions import undo_router


def add_desk(app: FastAPI, dependencies: Dependencies) -> Mapping[type[Exception], ErrorHandler]:
    """Add the desk's pages and its style sheet to `app`; return its handler for each kind of error.

    The caller registers the handlers, because the API responds to the same errors in its own way.
    """
    pages = Pages(dependencies.lateness)
    for router in (
        list_router,
        list_copy_router,
        mark_router,
        review_router,
        undo_router,
        question_router,
        several_router,
        drift_action_router,
        failed_router,
        history_router,
        story_router,
        commitment_router,
        directory_router,
        access_router,
        reason_router,
        delegation_router,
        help_router,
        session_router,
        sign_in_router,
    ):
        app.include_router(router(dependencies, pages))
    app.add_middleware(KnowsKeys, cookies=dependencies.identity.cookies)
    app.include_router(news_router(dependencies))
    app.mount("/assets", Assets(directory=ASSETS), name="assets")
    return ErrorPages(pages, dependencies.identity).by_error
