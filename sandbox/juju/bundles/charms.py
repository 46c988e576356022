"""Which charm a bundle's application means, once Charmhub or a file has been asked."""

from __future__ import annotations

import dataclasses

from sandbox.juju.bundles.bundle import Application


@dataclasses.dataclass(frozen=True)
class Resolved:
    """What there is for an application's charm."""

    channel: str = ""
    """The channel that was found, with its track and risk; empty for a local charm."""
    revision: int = -1
    """-1 when it is not known or does not matter, as for a local charm."""
    base: str = ""
    """The base that the application will run on; empty to leave it to the controller."""


def channel_of(app: Application) -> str:
    """The channel that an application follows: `stable` when the bundle names none."""
    return app.channel if app.channel or app.is_local else "stable"


def same_channel(one: str, other: str) -> bool:
    """Whether two channels are the same: `stable`, `latest` and `latest/stable` are."""
    return full_channel(one) == full_channel(other)


def full_channel(channel: str) -> str:
    """A channel with its track and its risk; empty stays empty."""
    if not channel:
        return ""
    parts = channel.split("/")
    risks = ("stable", "candidate", "beta", "edge")
    track = "latest" if parts[0] in risks else parts[0]
    risk = next((part for part in parts if part in risks), "stable")
    branch = parts[-1] if parts[-1] not in (*risks, parts[0]) else ""
    return f"{track}/{risk}" + (f"/{branch}" if branch else "")
