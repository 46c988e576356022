"""What the applications of one cloud must agree on: region, virtual addresses, CA and spaces.

Clients begin at the identity service, so the others are measured by it. Virtual addresses are each
application's own. Pure.
"""

from __future__ import annotations

import ipaddress
import itertools
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from coherence import Finding, Member

if TYPE_CHECKING:
    from cloud import Application, Cloud
    from knowledge import Agreements, Knowledge

_ALPHA = "alpha"
"""The space that Juju has from the beginning."""


def findings(known: Sequence[Member], cloud: Cloud, knowledge: Knowledge) -> Iterator[Finding]:
    """Where these applications disagree, each with its remedy."""
    common = knowledge.agreements
    applications = [member.application for member in known]
    yield from _addresses(applications, cloud, common)
    identity = next((m.application for m in known if m.charm.role == common.identity), None)
    if identity is None:
        return
    for member in known:
        application = member.application
        if application is identity:
            continue
        yield from _region(application, identity, common)
        if any(need.endpoint == common.certificates for need in member.charm.needs):
            yield from _signer(application, identity, common)
        yield from _authority(application, identity, common)
        yield from _spaces(application, identity, common)


def _blocked(application: Application, problem: str, remedy: str) -> Finding:
    return Finding("blocked", application.name, problem, remedy)


def _text(application: Application, option: str) -> str:
    """The value in force; empty where there is none."""
    return str(application.options.get(option) or "").strip()


def _is_api(application: Application, common: Agreements) -> bool:
    """What has a region has endpoints in the catalogue."""
    return common.region in application.options


def _region(
    application: Application, identity: Application, common: Agreements
) -> Iterator[Finding]:
    option = common.region
    region, regions = _text(application, option), _text(identity, option).split()
    if region and regions and region not in regions:
        problem = f"{option} is {region}, and {identity.name} serves {', '.join(regions)}"
        yield _blocked(
            application, problem, f"juju config {application.name} {option}={regions[0]}"
        )


# -- virtual addresses ----------------------------------------------------------------------


def _addresses(
    applications: Sequence[Application], cloud: Cloud, common: Agreements
) -> Iterator[Finding]:
    owner: dict[str, str] = {}
    for application in applications:
        addresses = _text(application, common.address).split()
        option = f"juju config {application.name} {common.address}"
        for address in addresses:
            problem = _wrong(address, application, owner, cloud)
            if problem:
                problem = f"{common.address} {address} {problem}"
                yield _blocked(application, problem, f"{option}=<an address that nobody has>")
            owner.setdefault(address, application.name)
        spaces = sorted(set(_bound(application, common).values()))
        if addresses and len(spaces) > len(addresses):
            problem = f"{len(addresses)} {common.address} for {len(spaces)} spaces"
            remedy = f"{option}='<an address in each of {', '.join(spaces)}>'"
            yield _blocked(application, problem, remedy)


def _wrong(address: str, application: Application, owner: dict[str, str], cloud: Cloud) -> str:
    """What is wrong with a virtual address; empty when nothing is."""
    try:
        ipaddress.ip_address(address)
    except ValueError:
        return "is no address"
    if address in owner:
        return f"is that of {owner[address]}, too"
    # On the machine of a unit it is where it belongs.
    own = {unit.machine for unit in application.units}
    for machine in cloud.machines.values():
        if address in machine.addresses and machine.id not in own:
            return f"is on machine {machine.id}, where it has no unit"
    return ""


# -- the certificate authority --------------------------------------------------------------


def _signer(
    application: Application, identity: Application, common: Agreements
) -> Iterator[Finding]:
    mine, its = (a.relations.get(common.certificates, ()) for a in (application, identity))
    if mine and its and not set(mine) & set(its):
        problem = f"takes its certificates from {mine[0]}, and {identity.name} from {its[0]}"
        end = f"{application.name}:{common.certificates}"
        remedy = f"juju remove-relation {end} {mine[0]}; juju integrate {end} {its[0]}"
        yield _blocked(application, problem, remedy)


def _authority(
    application: Application, identity: Application, common: Agreements
) -> Iterator[Finding]:
    """Without a relation the CA is an option, which clients of the identity service need too."""
    option = common.authority
    has, wanted = _text(application, option), _text(identity, option)
    related = application.relations.get(common.certificates)
    asks = _is_api(application, common) and option in application.options
    if wanted and has != wanted and asks and not related:
        problem = f"{option} is {'another than' if has else 'not set, as is'} that of"
        value = f"$(juju config {identity.name} {option})"
        remedy = f'juju config {application.name} {option}="{value}"'
        yield _blocked(application, f"{problem} {identity.name}", remedy)


# -- spaces ---------------------------------------------------------------------------------


def _bound(application: Application, common: Agreements) -> dict[str, str]:
    """Endpoint of an API -> its space, of those that the application has."""
    if application.bindings:
        bound = ((endpoint, application.bindings.get(endpoint)) for endpoint in common.spaces)
        return {endpoint: space for endpoint, space in bound if space}
    # Juju names no binding where all are in the default space.
    return dict.fromkeys(common.spaces, _ALPHA) if _is_api(application, common) else {}


def _spaces(
    application: Application, identity: Application, common: Agreements
) -> Iterator[Finding]:
    mine, its = _bound(application, common), _bound(identity, common)
    apart = [
        (endpoint, space, its[endpoint])
        for endpoint, space in mine.items()
        if its.get(endpoint, space) != space
    ]
    for wanted, ends in itertools.groupby(apart, key=lambda found: found[2]):
        several = list(ends)
        told = ", ".join(f"{endpoint} is in {space}" for endpoint, space, _ in several)
        problem = f"{told}; that of {identity.name} is in {wanted}"
        bound = " ".join(f"{endpoint}={wanted}" for endpoint, _, _ in several)
        yield _blocked(application, problem, f"juju bind {application.name} {bound}")
