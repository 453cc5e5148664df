"""Hypothesis without a deadline: a busy machine makes an example slow, not wrong."""

from hypothesis import settings

settings.register_profile("countersign", deadline=None)
settings.load_profile("countersign")
