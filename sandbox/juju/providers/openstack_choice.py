"""Which flavour and which image a machine gets: Juju's rules, as pure functions.

Source of the rules: environs/instances/instancetype.go and internal/provider/openstack/image.go.
Where a real controller looks up images in simplestreams metadata, the properties of Glance's
images (os_distro, os_version, architecture) are that metadata here.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sandbox.juju.constraints import render
from sandbox.juju.providers.provider import Refused

_LEAST_MEMORY = 2048
"""MiB that Juju wants where nobody asked for any."""
_ARCHITECTURES = {"amd64": "x86_64", "arm64": "aarch64"}
"""Juju's names, and Glance's where they differ."""


def flavour(
    flavours: Iterable[Mapping[str, Any]], wanted: Mapping[str, Any], region: str
) -> Mapping[str, Any]:
    """The smallest flavour that satisfies the constraints.

    Without a constraint on memory one with 2 GiB is preferred, else the largest.

    Raises:
        Refused: none satisfies them.
    """
    every = sorted(flavours, key=_cost)
    named = bool(wanted.get("instance-type"))
    usual = dict(wanted)
    if not named:
        usual["cores"] = wanted.get("cores") or 1
        usual["mem"] = wanted.get("mem") or _LEAST_MEMORY
    fitting = [f for f in every if _fits(f, usual)]
    if not fitting and not wanted.get("mem"):
        fitting = sorted((f for f in every if _fits(f, wanted)), key=_memory)[-1:]
    if not fitting:
        raise Refused(f'no instance types in {region} matching constraints "{render(wanted)}"')
    return fitting[0]


def image(
    images: Sequence[Mapping[str, Any]], base: str, architecture: str, region: str
) -> Mapping[str, Any]:
    """The newest image of a base, for example ubuntu@24.04/stable.

    Raises:
        Refused: there is none.
    """
    system, _, channel = base.partition("@")
    version = channel.partition("/")[0]
    names = (architecture, _ARCHITECTURES.get(architecture, architecture))
    fitting = [
        i
        for i in images
        if i.get("os_distro") == system
        and i.get("os_version") == version
        and i.get("architecture", names[1]) in names
    ]
    if not fitting:
        raise Refused(
            f'no metadata for "{system}@{version}" images in {region} with arch {architecture}'
        )
    return max(fitting, key=lambda i: i.get("created_at", ""))


def _fits(flavour: Mapping[str, Any], wanted: Mapping[str, Any]) -> bool:
    volume = wanted.get("root-disk-source") == "volume"
    disk = 0 if volume else wanted.get("root-disk") or 0
    size = flavour["disk"] * 1024
    return (
        wanted.get("instance-type") in (None, "", flavour["name"])
        and flavour["vcpus"] >= (wanted.get("cores") or 0)
        and flavour["ram"] >= (wanted.get("mem") or 0)
        # A flavour without a disk takes the size of the image.
        and (not size or size >= disk)
        and not wanted.get("tags")
    )


def _cost(flavour: Mapping[str, Any]) -> tuple[int, int, int, str]:
    return flavour["ram"], flavour["vcpus"], flavour["disk"], flavour["name"]


def _memory(flavour: Mapping[str, Any]) -> int:
    return flavour["ram"]
