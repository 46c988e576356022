"""A large cloud is read and judged in well under a second."""

from __future__ import annotations

import copy
import time

import cloud
import full_status
import knowledge
import readiness

HYPERVISORS = 1000


def test_a_thousand_hypervisors_are_judged_within_a_second() -> None:
    model = copy.deepcopy(full_status.of_bundle())
    compute = model["applications"]["nova-compute"]["units"]
    for number in range(3, HYPERVISORS):
        id_ = str(1000 + number)
        model["machines"][id_] = full_status.machine(id_, "tags=openstack-compute")
        compute[f"nova-compute/{number}"] = {
            **full_status.unit(id_),
            "subordinates": {f"ovn-chassis/{number}": full_status.unit("")},
        }
    known = knowledge.load()
    started = time.process_time()
    assessment = readiness.assess(cloud.from_full_status(model), known)
    assert time.process_time() - started < 1.0
    assert assessment.ready
    assert assessment.hypervisors == HYPERVISORS
