"""The configuration of each OpenStack service, as values; and how it is written to its file.

Options that look odd have their reason beside them. Times are short so that a hypervisor that
dies is seen as down within seconds, not minutes.
"""

from __future__ import annotations

import configparser
import pathlib
import shutil
from collections.abc import Mapping

from .layout import REGION, Layout

Sections = Mapping[str, Mapping[str, object]]

_REPORT = {"report_interval": 3, "service_down_time": 12}


def write(file: pathlib.Path, sections: Sections) -> pathlib.Path:
    """Write an oslo.config file, readable by its owner only; returns it."""
    parser = configparser.RawConfigParser(default_section="none")
    parser.optionxform = str  # pyright: ignore[reportAttributeAccessIssue]
    parser.read_dict({name: dict(section) for name, section in sections.items()})
    file.touch(mode=0o600)
    with file.open("w", encoding="utf-8") as opened:
        parser.write(opened)
    return file


def write_all(layout: Layout) -> None:
    """Write the configuration of every service but the hypervisors."""
    etc = layout.environment / "etc"
    write(layout.configuration("keystone") / "keystone.conf", keystone(layout))
    write(layout.configuration("placement") / "placement.conf", placement(layout))
    write(layout.configuration("glance") / "glance-api.conf", glance(layout))
    write(layout.configuration("neutron") / "neutron.conf", neutron(layout))
    write(layout.configuration("nova") / "nova.conf", nova(layout))
    write(layout.configuration("cinder") / "cinder.conf", cinder(layout))
    # nova and glance look for their paste files beside their configuration.
    shutil.copy(etc / "nova" / "api-paste.ini", layout.configuration("nova"))
    shutil.copy(etc / "glance" / "glance-api-paste.ini", layout.configuration("glance"))


def keystone(layout: Layout) -> Sections:
    """The identity service."""
    keys = layout.data / "fernet"
    return {
        "database": {"connection": database_url(layout, "keystone")},
        "token": {"provider": "fernet"},
        "fernet_tokens": {"key_repository": keys},
        "fernet_receipts": {"key_repository": keys},
        "credential": {"key_repository": layout.data / "credential"},
        # The least that bcrypt takes: these accounts guard nothing.
        "identity": {"password_hash_algorithm": "bcrypt", "password_hash_rounds": 4},
        # In the memory of its one process, so that nothing gets stale: without it every token
        # that anybody checks costs a third of a second of CPU.
        "cache": {"enabled": "true", "backend": "oslo_cache.dict", "expiration_time": 600},
    }


def placement(layout: Layout) -> Sections:
    """The placement service."""
    return {
        "placement_database": {"connection": database_url(layout, "placement")},
        "api": {"auth_strategy": "keystone"},
        "keystone_authtoken": _token(layout, "placement"),
    }


def glance(layout: Layout) -> Sections:
    """The image service, with its images in a folder."""
    return {
        "DEFAULT": {
            "enabled_backends": "folder:file",
            "worker_self_reference_url": layout.glance.url,
        },
        "folder": {"filesystem_store_datadir": layout.made("images")},
        "glance_store": {"default_backend": "folder"},
        "os_glance_staging_store": {"filesystem_store_datadir": layout.made("images-staging")},
        "os_glance_tasks_store": {"filesystem_store_datadir": layout.made("images-tasks")},
        "database": {"connection": database_url(layout, "glance")},
        "paste_deploy": {
            "flavor": "keystone",
            "config_file": layout.configuration("glance") / "glance-api-paste.ini",
        },
        "keystone_authtoken": _token(layout, "glance"),
        "oslo_concurrency": {"lock_path": layout.made("lock")},
        "wsgi": {"python_interpreter": layout.program("python")},
    }


def neutron(layout: Layout) -> Sections:
    """The network service: ML2 with OVN."""
    etc = layout.environment / "etc" / "neutron"
    return {
        "DEFAULT": {
            **_messages(layout),
            "core_plugin": "ml2",
            "service_plugins": "ovn-router",
            "api_paste_config": etc / "api-paste.ini",
            "state_path": layout.made("neutron"),
            "notify_nova_on_port_status_changes": "true",
            "notify_nova_on_port_data_changes": "true",
            "dhcp_agent_notification": "false",
            "rpc_workers": 1,
            "global_physnet_mtu": 1500,
        },
        "database": {"connection": database_url(layout, "neutron")},
        "keystone_authtoken": _token(layout, "neutron"),
        "nova": _account(layout, "nova"),
        "agent": {"root_helper": ""},
        "ml2": {
            "type_drivers": "flat,vlan,geneve,local",
            "tenant_network_types": "geneve",
            "mechanism_drivers": "ovn",
            "extension_drivers": "port_security",
            "overlay_ip_version": 4,
        },
        "ml2_type_geneve": {"vni_ranges": "1:65536", "max_header_size": 38},
        "ml2_type_flat": {"flat_networks": "*"},
        "ml2_type_vlan": {"network_vlan_ranges": "physnet1:100:200"},
        "securitygroup": {"enable_security_group": "true"},
        "ovn": {
            "ovn_nb_connection": f"tcp:{layout.ovn_northbound}",
            "ovn_sb_connection": f"tcp:{layout.ovn_southbound}",
            "ovn_l3_scheduler": "leastloaded",
            "ovn_metadata_enabled": "false",
        },
        **_MESSAGING,
        **_locks(layout),
    }


def nova(layout: Layout, host: str = "controller", address: str = "") -> Sections:
    """The compute service: its controller, or the hypervisor of this name and address."""
    etc = layout.environment / "etc" / "nova"
    return {
        "DEFAULT": {
            **_messages(layout),
            **_REPORT,
            "host": host,
            "state_path": layout.made("nova", host),
            "my_ip": address or layout.nova.host,
            "compute_driver": "sandbox_hypervisor.SandboxDriver",
            "osapi_compute_workers": 1,
            "sync_power_state_interval": -1,
            "periodic_fuzzy_delay": 1,
            "running_deleted_instance_poll_interval": -1,
            "update_resources_interval": 30,
        },
        "api_database": {"connection": database_url(layout, "nova_api"), "max_pool_size": 10},
        "database": {"connection": database_url(layout, "nova"), "max_pool_size": 10},
        "api": {"auth_strategy": "keystone", "response_validation": "ignore"},
        "wsgi": {"api_paste_config": etc / "api-paste.ini"},
        "keystone_authtoken": _token(layout, "nova"),
        "service_user": {**_account(layout, "nova"), "send_service_user_token": "true"},
        "placement": _account(layout, "nova"),
        "glance": {"endpoint_override": layout.glance.url, "region_name": REGION},
        "neutron": {
            **_account(layout, "neutron"),
            "service_metadata_proxy": "true",
            "metadata_proxy_shared_secret": layout.passwords["metadata"],
        },
        "cinder": {**_account(layout, "cinder"), "os_region_name": REGION},
        "vnc": {"enabled": "false"},
        "spice": {"enabled": "false"},
        "scheduler": {"workers": 1, "discover_hosts_in_cells_interval": 5},
        "conductor": {"workers": 1},
        # The fake hypervisor sends no vif-plugged events while a guest migrates.
        "compute": {"live_migration_wait_for_vif_plug": "false"},
        "filter_scheduler": {"track_instance_changes": "false"},
        **_MESSAGING,
        **_locks(layout),
    }


def cinder(layout: Layout) -> Sections:
    """The block storage service, with cinder's own fake volume driver."""
    etc = layout.environment / "etc" / "cinder"
    state = layout.made("cinder")
    return {
        "DEFAULT": {
            **_messages(layout),
            **_REPORT,
            "auth_strategy": "keystone",
            "host": "controller",
            "state_path": state,
            "api_paste_config": etc / "api-paste.ini",
            "resource_query_filters_file": etc / "resource_filters.json",
            "rootwrap_config": etc / "rootwrap.conf",
            "enabled_backends": "fake",
            "default_volume_type": "__DEFAULT__",
            "glance_api_servers": layout.glance.url,
            "osapi_volume_workers": 1,
        },
        "fake": {
            "volume_driver": "cinder.tests.fake_driver.FakeLoggingVolumeDriver",
            "volume_backend_name": "fake",
            "target_helper": "fake",
        },
        "coordination": {"backend_url": f"file://{state}/coordination"},
        "database": {"connection": database_url(layout, "cinder")},
        "keystone_authtoken": _token(layout, "cinder"),
        "service_user": {**_account(layout, "cinder"), "send_service_user_token": "true"},
        "nova": _account(layout, "nova"),
        **_MESSAGING,
        **_locks(layout),
    }


def database_url(layout: Layout, name: str) -> str:
    """SQLAlchemy's URL of a database: it holds the password."""
    password = layout.passwords["database"]
    return f"mysql+pymysql://sandbox:{password}@{layout.database}/{name}?charset=utf8"


def _messages(layout: Layout) -> dict[str, object]:
    password = layout.passwords["rabbit"]
    return {
        "transport_url": f"rabbit://sandbox:{password}@{layout.queue}/",
        "rpc_response_timeout": 60,
    }


_MESSAGING: Sections = {
    "oslo_messaging_rabbit": {"heartbeat_in_pthread": "false"},
    "oslo_messaging_notifications": {"driver": "noop"},
}


def _locks(layout: Layout) -> Sections:
    return {"oslo_concurrency": {"lock_path": layout.made("lock")}}


def _account(layout: Layout, user: str) -> dict[str, object]:
    """How one service authenticates with another."""
    return {
        "auth_type": "password",
        "auth_url": layout.identity_url,
        "username": user,
        "password": layout.passwords[user],
        "project_name": "service",
        "user_domain_name": "Default",
        "project_domain_name": "Default",
        "region_name": REGION,
    }


def _token(layout: Layout, user: str) -> dict[str, object]:
    """How a service checks its callers' tokens."""
    return {
        **_account(layout, user),
        "www_authenticate_uri": layout.identity_url,
        "service_token_roles_required": "true",
        "service_token_roles": "service,admin",
        "token_cache_time": 300,
    }
