"""The user stories, played through the running system: each step is done as its person would, and must be seen."""

from sandbox.story.plot import play
from sandbox.story.timeline import NotSeenError, Timeline

__all__ = ["NotSeenError", "Timeline", "play"]
