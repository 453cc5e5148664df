"""The user stories, played against the running system: every step is taken as its person would, and then checked."""

from sandbox.story.chapters import REASON, play
from sandbox.story.timeline import StepFailedError, Timeline

__all__ = ["REASON", "StepFailedError", "Timeline", "play"]
