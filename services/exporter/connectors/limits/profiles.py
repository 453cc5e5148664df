"""Reads the limits profiles, and completes the limits of a connection that names one."""

import tomllib
from collections.abc import Mapping
from datetime import date
from functools import cache
from importlib.resources import files
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from schemas.events import LimitsProfile
from schemas.fields import Id, Name

PACKAGE = "services.exporter.connectors.limits"


class Limit(BaseModel):
    """One limit with its source; `doubt` says why the ERP may take something else."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    value: int | bool | str = Field(description="As the member of LimitsProfile.")
    source: str = Field(min_length=1, description="Where it is written: an address, or the name of a document.")
    doubt: str | None = Field(default=None, min_length=1, description="Why a connection may have to say otherwise.")


class PublishedProfile(BaseModel):
    """What one ERP takes, by the name of the limit."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: Id = Field(description="What a connection names.")
    title: Name = Field(description="What people call the ERP.")
    version: date = Field(description="The day of its last change.")
    limits: Mapping[str, Limit] = Field(description="What is known, by the name of the limit.")

    def completed(self, own: Mapping[str, Any]) -> dict[str, Any]:
        """The members of LimitsProfile: those of a connection's `own` limits, and this profile's where it has none."""
        known = {name: limit.value for name, limit in self.limits.items()}
        return {**known, **own, "profile": self.id, "profile_version": self.version}


@cache
def published_profiles() -> Mapping[str, PublishedProfile]:
    """Return all profiles that come with the exporter, by their ids."""
    texts = [each.read_text(encoding="utf-8") for each in files(PACKAGE).iterdir() if each.name.endswith(".toml")]
    profiles = [PublishedProfile.model_validate(tomllib.loads(text)) for text in texts]
    return {each.id: each for each in sorted(profiles, key=lambda each: each.id)}


def with_profile(limits: Any) -> Any:
    """Return the limits as a connection has them in its file, completed by the profile that they name, if any.

    They are a profile's id, or a table that may name one as `profile`. ValueError if there is no such profile, or if
    the table asks for another `profile_version` than comes with this exporter.
    """
    own = {"profile": limits} if isinstance(limits, str) else limits
    if not isinstance(own, Mapping) or not (own.get("profile") or own.get("profile_version")):
        return own
    profile = _profile(own.get("profile"))
    wanted = own.get("profile_version", profile.version)
    if str(wanted) != str(profile.version):
        raise ValueError(
            f"the profile {profile.id} is of {profile.version}, not of {wanted}; compare them, then correct it"
        )
    return profile.completed(own)


def _profile(name: object) -> PublishedProfile:
    known = published_profiles()
    if not isinstance(name, str) or name not in known:
        raise ValueError(f"no profile is called {name!r}; there are {', '.join(known)}")
    return known[name]


ConnectionLimits = Annotated[LimitsProfile, BeforeValidator(with_profile, json_schema_input_type=LimitsProfile | str)]
"""The limits of a connection: a table of its own, the id of a profile, or both."""
