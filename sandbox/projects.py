"""The projects of the sandbox: that of `schemas.examples.cast`, and some more for the examples of the demo."""

from schemas.commitment import Project
from schemas.examples.cast import RIVERSIDE

PROJECTS = (
    RIVERSIDE,
    Project(id="project-322", number="2026-11", name="Harbor View Clinic", erp_job_code="J-2611"),
    Project(id="project-305", number="2025-19", name="Mill Street Parking", erp_job_code="J-2519"),
    Project(id="project-331", number="2026-14", name="Depot 4 Renovation", erp_job_code="J-2614"),
)
