"""Which availability zone a machine goes to.

Juju's rule (internal/worker/provisioner, machineAvailabilityZoneDistribution): the zone with
the fewest machines of the same applications, or of the whole model where the machine has no
such kin, among the zones that the constraints allow and that have not failed this time round.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence


def choose(
    zones: Sequence[str],
    placed: Mapping[str, str],
    *,
    kin: Collection[str] = (),
    allowed: Collection[str] = (),
    failed: Collection[str] = (),
) -> str | None:
    """The zone to try, or None where none is left; the first of equals.

    `placed` maps the machines that are or start somewhere to their zones; `kin` are the
    machines with units of the same applications; `allowed` is the zones constraint, empty
    for any.
    """
    counted = [zone for machine, zone in placed.items() if not kin or machine in kin]
    suitable = candidates(zones, allowed=allowed, failed=failed)
    return min(suitable, key=counted.count, default=None)


def candidates(
    zones: Sequence[str], *, allowed: Collection[str] = (), failed: Collection[str] = ()
) -> list[str]:
    """The zones that constraints allow and that have not failed."""
    return [z for z in zones if (not allowed or z in allowed) and z not in failed]
