"""Why a bundle cannot be deployed."""

from __future__ import annotations

from collections.abc import Sequence


class BundleError(Exception):
    """The bundle makes no sense; the message says where and why, in Juju's words."""


class NotABundle(BundleError):
    """There is no bundle at the path."""


class InvalidBundle(BundleError):
    """The bundle was understood, but says things that contradict each other or the world."""

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__("the provided bundle has the following errors:\n" + "\n".join(problems))
        self.problems = tuple(problems)
