"""The cluster that the options ask for, checked before anything is created."""

from __future__ import annotations

import collections
from collections.abc import Mapping
from typing import Annotated, Any, Literal

import pydantic

Word = Annotated[str, pydantic.Field(pattern=r"^\S+$")]
"""Constraints of Juju are separated by spaces."""


class InvalidOption(Exception):
    """An option has a value that makes no cluster; the message names both and what is right."""


class ClusterOptions(pydantic.BaseModel):
    """The options of one cluster."""

    model_config = pydantic.ConfigDict(
        alias_generator=lambda field: field.replace("_", "-"), extra="forbid", frozen=True
    )

    kubernetes_channel: Annotated[
        str, pydantic.Field(pattern=r"^1\.\d{2}/(stable|candidate|beta|edge)$")
    ]
    control_plane_count: Literal[1, 3, 5]
    """An odd number: etcd needs a majority."""
    worker_count: pydantic.PositiveInt
    control_plane_flavour: Word
    worker_flavour: Word
    services_flavour: str
    """Empty: that of the control plane."""
    image: str
    """Empty: Juju looks one up in the cloud's image metadata."""
    base: Literal["ubuntu@22.04", "ubuntu@24.04"]
    cni: Literal["calico", "cilium"]
    external_network: str
    """Empty: the only external network of the cloud."""
    availability_zones: tuple[Word, ...]
    """Empty: Nova chooses."""
    juju_credentials: str | None = None
    """The id of the secret."""

    @pydantic.field_validator("availability_zones", mode="before")
    @classmethod
    def _split(cls, zones: Any) -> Any:
        return tuple(z.strip() for z in zones.split(",")) if zones else ()

    @pydantic.field_validator("availability_zones")
    @classmethod
    def _are_distinct(cls, zones: tuple[str, ...]) -> tuple[str, ...]:
        twice = [zone for zone, count in collections.Counter(zones).items() if count > 1]
        if twice:
            raise ValueError(f"{twice[0]} is named twice")
        return zones


def read(config: Mapping[str, Any]) -> ClusterOptions:
    """The options of a charm's config.

    Raises:
        InvalidOption: names every option that is wrong.
    """
    try:
        return ClusterOptions.model_validate(dict(config))
    except pydantic.ValidationError as error:
        raise InvalidOption("; ".join(map(_complaint, error.errors()))) from None


def _complaint(error: Any) -> str:
    option = error["loc"][0] if error["loc"] else "options"
    said = error["msg"].removeprefix("Value error, ")
    return f"{option}: {error['input']!r}: {said[0].lower()}{said[1:]}"
