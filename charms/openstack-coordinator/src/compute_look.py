"""One look at Nova's computes: when it is due, and what it leads to."""

from __future__ import annotations

import datetime
import hashlib
from collections.abc import Iterable, MutableMapping

import computes
from coherence import Finding
from keystone_admin import AdminAccount

_KEY = "computes"


def findings(
    shared: MutableMapping[str, str],
    account: AdminAccount,
    ca_certificate: str,
    units: Iterable[str],
    now: datetime.datetime,
) -> tuple[Finding, ...]:
    """What Nova says of its computes: the last judgement while it counts, else a new one.

    `shared` is the databag that keeps the judgement, `units` are the units of Juju that run
    hypervisors. An OpenStack that does not answer is a finding, too.
    """
    last = computes.judged_from_json(shared.get(_KEY, ""))
    judged = _judge(account, ca_certificate, units, last, now)
    if judged != last:
        shared[_KEY] = judged.to_json()
    return judged.findings


def _judge(
    account: AdminAccount,
    ca_certificate: str,
    units: Iterable[str],
    last: computes.Judged | None,
    now: datetime.datetime,
) -> computes.Judged:
    names = sorted(units)
    digest = hashlib.sha256("\n".join((account.digest, *names)).encode()).hexdigest()[:16]
    if last is not None and last.counts(digest, now):
        return last
    import nova
    import openstack_api

    try:
        with openstack_api.session(account, ca_certificate, "") as cloud:
            found = computes.findings(nova.Nova(cloud).computes(), len(names), now)
    except openstack_api.LoginRefused as error:
        found = (_refused(account.application, error),)
    except openstack_api.OpenStackApiError as error:
        found = (_silent(error),)
    return computes.Judged(now, digest, found)


def room(account: AdminAccount, ca_certificate: str) -> tuple[computes.Room, ...]:
    """The room of each zone and of all together; none where Nova does not tell."""
    import nova
    import openstack_api

    try:
        with openstack_api.session(account, ca_certificate, "") as cloud:
            return computes.room(nova.Nova(cloud).computes())
    except openstack_api.OpenStackApiError:
        # Why it does not is among the findings of the look.
        return ()


def _refused(keystone: str, error: Exception) -> Finding:
    return Finding(
        "blocked",
        keystone,
        f"it does not accept its own administrator: {error}",
        "after rotate-admin-password, let the leader tell the new one: juju exec --unit "
        f"{keystone}/leader hooks/config-changed; else compare what juju run {keystone}/leader "
        "get-admin-password shows with Keystone's own",
    )


def _silent(error: Exception) -> Finding:
    return Finding(
        "waiting",
        "nova",
        f"its computes cannot be looked at: {error}",
        "where a certificate is not trusted, set ca-certificate; else see whether the APIs of "
        "Keystone and Nova answer",
    )
