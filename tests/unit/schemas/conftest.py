"""Runs Hypothesis without a deadline: on a busy machine an example is slow, not wrong."""

from hypothesis import settings

settings.register_profile("countersign", deadline=None)
settings.load_profile("countersign")
