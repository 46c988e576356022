"""Application 19 to 22: the table of its methods."""

from __future__ import annotations

from sandbox.juju.api.facades import (
    application_config,
    application_deploy,
    application_relations,
    application_units,
)
from sandbox.juju.api.registry import Facade, Method
from sandbox.juju.api.session import Access

_READ, _WRITE = Access.READ, Access.WRITE

_METHODS = {
    "Deploy": Method(application_deploy.deploy, _WRITE),
    "DeployFromRepository": Method(application_deploy.deploy_from_repository, _WRITE),
    "SetCharm": Method(application_deploy.set_charm, _WRITE),
    "GetCharmURLOrigin": Method(application_deploy.get_charm_url_origin, _WRITE),
    "UpdateApplicationBase": Method(application_deploy.update_application_base, _WRITE),
    "AddUnits": Method(application_units.add_units, _WRITE),
    "DestroyUnit": Method(application_units.destroy_unit, _WRITE),
    "DestroyApplication": Method(application_units.destroy_application, _WRITE),
    "ResolveUnitErrors": Method(application_units.resolve_unit_errors, _WRITE),
    "ApplicationsInfo": Method(application_units.applications_info, _READ),
    "UnitsInfo": Method(application_units.units_info, _READ),
    "Leader": Method(application_units.leader, _READ),
    "ScaleApplications": Method(application_units.scale_applications, _WRITE),
    "AddRelation": Method(application_relations.add_relation, _WRITE),
    "DestroyRelation": Method(application_relations.destroy_relation, _WRITE),
    "SetRelationsSuspended": Method(application_relations.set_relations_suspended, _WRITE),
    "Consume": Method(application_relations.consume, _WRITE),
    "DestroyConsumedApplications": Method(
        application_relations.destroy_consumed_applications, _WRITE
    ),
    "CharmRelations": Method(application_relations.charm_relations, _READ),
    "Get": Method(application_config.get, _READ),
    "CharmConfig": Method(application_config.charm_config, _READ),
    "GetConfig": Method(application_config.get_config, _READ),
    "SetConfigs": Method(application_config.set_configs, _WRITE),
    "UnsetApplicationsConfig": Method(application_config.unset_config, _WRITE),
    "GetConstraints": Method(application_config.get_constraints, _READ),
    "SetConstraints": Method(application_config.set_constraints, _WRITE),
    "Expose": Method(application_config.expose, _WRITE),
    "Unexpose": Method(application_config.unexpose, _WRITE),
    "MergeBindings": Method(application_config.merge_bindings, _WRITE),
}

FACADES = tuple(Facade("Application", version, _METHODS) for version in range(19, 23))
