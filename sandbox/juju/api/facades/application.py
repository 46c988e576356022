"""Application 15 to 22: the table of its methods."""

from __future__ import annotations

from sandbox.juju.api.facades import (
    application_config as config,
)
from sandbox.juju.api.facades import (
    application_deploy as deploy,
)
from sandbox.juju.api.facades import (
    application_relations as relations,
)
from sandbox.juju.api.facades import (
    application_units as units,
)
from sandbox.juju.api.registry import Facade, Method
from sandbox.juju.api.session import Access

_READ, _WRITE = Access.READ, Access.WRITE

_METHODS = {
    "Deploy": Method(deploy.deploy, _WRITE),
    "DeployFromRepository": Method(deploy.deploy_from_repository, _WRITE),
    "SetCharm": Method(deploy.set_charm, _WRITE),
    "GetCharmURLOrigin": Method(deploy.get_charm_url_origin, _WRITE),
    "UpdateApplicationBase": Method(deploy.update_application_base, _WRITE),
    "AddUnits": Method(units.add_units, _WRITE),
    "DestroyUnit": Method(units.destroy_unit, _WRITE),
    "DestroyApplication": Method(units.destroy_application, _WRITE),
    "ResolveUnitErrors": Method(units.resolve_unit_errors, _WRITE),
    "ApplicationsInfo": Method(units.applications_info, _READ),
    "UnitsInfo": Method(units.units_info, _READ),
    "Leader": Method(units.leader, _READ),
    "ScaleApplications": Method(units.scale_applications, _WRITE),
    "AddRelation": Method(relations.add_relation, _WRITE),
    "DestroyRelation": Method(relations.destroy_relation, _WRITE),
    "SetRelationsSuspended": Method(relations.set_relations_suspended, _WRITE),
    "CharmRelations": Method(relations.charm_relations, _READ),
    "Get": Method(config.get, _READ),
    "CharmConfig": Method(config.charm_config, _READ),
    "GetConfig": Method(config.get_config, _READ),
    "SetConfigs": Method(config.set_configs, _WRITE),
    "UnsetApplicationsConfig": Method(config.unset_config, _WRITE),
    "GetConstraints": Method(config.get_constraints, _READ),
    "SetConstraints": Method(config.set_constraints, _WRITE),
    "Expose": Method(config.expose, _WRITE),
    "Unexpose": Method(config.unexpose, _WRITE),
    "MergeBindings": Method(config.merge_bindings, _WRITE),
}

FACADES = tuple(Facade("Application", version, _METHODS) for version in range(19, 23))
