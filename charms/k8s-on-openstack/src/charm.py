#!/usr/bin/env python3
"""The life of one Kubernetes cluster on OpenStack: so far its options and its wait for a cloud."""

from __future__ import annotations

import ops


class K8sOnOpenStackCharm(ops.CharmBase):
    """Checks the options, reads the cloud, and reports."""

    def __init__(self, framework: ops.Framework) -> None:
        super().__init__(framework)
        for event in (
            self.on.config_changed,
            self.on.leader_elected,
            self.on["openstack-cloud"].relation_changed,
            self.on["openstack-cloud"].relation_broken,
            self.on["kubernetes-cluster"].relation_created,
        ):
            framework.observe(event, self._reconcile)
        framework.observe(self.on.collect_unit_status, self._on_collect_unit_status)
        framework.observe(self.on.collect_app_status, self._on_collect_app_status)

    def _reconcile(self, _: ops.EventBase) -> None:
        """Tell whoever wants the cluster that there is none, and why."""
        if not self.unit.is_leader() or not self.model.relations["kubernetes-cluster"]:
            return
        from charms.k8s_on_openstack.v0 import kubernetes_cluster

        cluster = kubernetes_cluster.KubernetesCluster(ready=False, reason=self._status().message)
        kubernetes_cluster.KubernetesClusterProvider(self).publish(cluster)

    def _on_collect_unit_status(self, event: ops.CollectStatusEvent) -> None:
        if self.unit.is_leader():
            event.add_status(self._status())
        else:
            event.add_status(ops.ActiveStatus("standby, another unit leads"))

    def _on_collect_app_status(self, event: ops.CollectStatusEvent) -> None:
        event.add_status(self._status())

    def _status(self) -> ops.StatusBase:
        # Both need pydantic, which costs a hook as much as ops: a standby goes without.
        import cluster_options
        from charms.openstack_coordinator.v0 import openstack_cloud

        try:
            cluster_options.read(self.config)
        except cluster_options.InvalidOption as error:
            return ops.BlockedStatus(str(error))
        cloud = openstack_cloud.OpenStackCloudRequirer(self).cloud()
        if cloud is None:
            return ops.BlockedStatus(
                "openstack-cloud is not related: "
                f"juju integrate {self.app.name}:openstack-cloud openstack-coordinator"
            )
        if not cloud.ready:
            return ops.WaitingStatus(f"for OpenStack: {cloud.reason}")
        return ops.BlockedStatus(
            f"OpenStack {cloud.release} is there, but this revision of the charm creates no "
            f"cluster: juju refresh {self.app.name}"
        )


if __name__ == "__main__":
    ops.main(K8sOnOpenStackCharm)
