"""OpenStack's own services on one machine: keystone, placement, glance, neutron, nova, cinder.

They come from PyPI in an environment of their own (`pyproject.toml` and `uv.lock` here), with
MariaDB, RabbitMQ and OVN from the distribution, as plain processes that each listen on an
address of the sandbox. Only the hypervisor is not real: nova's fake driver, mended so that its
guests survive a restart and their ports become ACTIVE through the real ovn-controller.

`python -m sandbox.openstack` runs all of it until SIGTERM; `<home>/openstack/clouds.yaml` is how
clients reach it.
"""
