-- The region's database. One process writes it; every operation is one transaction.

CREATE TABLE IF NOT EXISTS setting (name TEXT PRIMARY KEY, value TEXT NOT NULL);

CREATE TABLE IF NOT EXISTS user (
    username TEXT PRIMARY KEY,
    email TEXT NOT NULL,
    is_superuser INTEGER NOT NULL
);

-- `machine` is set for the key that a machine gets to speak to the metadata service with.
CREATE TABLE IF NOT EXISTS token (
    key TEXT PRIMARY KEY,
    secret TEXT NOT NULL,
    consumer TEXT NOT NULL UNIQUE,
    username TEXT REFERENCES user ON DELETE CASCADE,
    machine TEXT REFERENCES machine (system_id) ON DELETE CASCADE
);

CREATE TABLE IF NOT EXISTS zone (
    id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, description TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS pool (
    id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, description TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS space (
    id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, description TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS fabric (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);
CREATE TABLE IF NOT EXISTS vlan (
    id INTEGER PRIMARY KEY,
    vid INTEGER NOT NULL,
    name TEXT NOT NULL,
    mtu INTEGER NOT NULL,
    dhcp_on INTEGER NOT NULL,
    fabric_id INTEGER NOT NULL REFERENCES fabric ON DELETE CASCADE,
    space_id INTEGER REFERENCES space ON DELETE SET NULL
);
CREATE TABLE IF NOT EXISTS subnet (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL,
    cidr TEXT NOT NULL UNIQUE,
    gateway_ip TEXT,
    vlan_id INTEGER NOT NULL REFERENCES vlan ON DELETE CASCADE
);

-- The address that a NIC always gets (MAAS's reserved IPs).
CREATE TABLE IF NOT EXISTS reserved_ip (mac TEXT PRIMARY KEY, ip TEXT NOT NULL UNIQUE);

CREATE TABLE IF NOT EXISTS machine (
    id INTEGER PRIMARY KEY,
    system_id TEXT NOT NULL UNIQUE,
    hostname TEXT NOT NULL UNIQUE,
    description TEXT NOT NULL DEFAULT '',
    status INTEGER NOT NULL,
    previous_status INTEGER NOT NULL,
    owner TEXT,
    agent_name TEXT NOT NULL DEFAULT '',
    zone_id INTEGER NOT NULL REFERENCES zone,
    pool_id INTEGER NOT NULL REFERENCES pool,
    architecture TEXT NOT NULL,
    power_type TEXT NOT NULL,
    power_parameters TEXT NOT NULL,
    power_state TEXT NOT NULL DEFAULT 'unknown',
    locked INTEGER NOT NULL DEFAULT 0,
    netboot INTEGER NOT NULL DEFAULT 1,
    osystem TEXT NOT NULL DEFAULT '',
    distro_series TEXT NOT NULL DEFAULT '',
    hwe_kernel TEXT,
    min_hwe_kernel TEXT NOT NULL DEFAULT '',
    user_data TEXT,
    enable_hw_sync INTEGER NOT NULL DEFAULT 0,
    error_description TEXT NOT NULL DEFAULT '',
    commissioned INTEGER NOT NULL DEFAULT 0,
    -- -1: never ran; else MAAS's script status: 0 pending, 1 running, 2 passed, 3 failed.
    commissioning_status INTEGER NOT NULL DEFAULT -1,
    testing_status INTEGER NOT NULL DEFAULT -1,
    hardware_uuid TEXT,
    cpu_count INTEGER NOT NULL DEFAULT 0,
    cpu_speed INTEGER NOT NULL DEFAULT 0,
    memory INTEGER NOT NULL DEFAULT 0,
    swap_size INTEGER,
    hardware_info TEXT NOT NULL DEFAULT '{}',
    numa TEXT NOT NULL DEFAULT '[]',
    expires REAL
);
CREATE INDEX IF NOT EXISTS machine_status ON machine (status);

-- A power action that was decided and is not over: taken up again after a restart.
CREATE TABLE IF NOT EXISTS power_call (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    machine_id INTEGER NOT NULL UNIQUE REFERENCES machine ON DELETE CASCADE,
    action TEXT NOT NULL,
    revert INTEGER,
    username TEXT
);

CREATE TABLE IF NOT EXISTS owner_data (
    machine_id INTEGER NOT NULL REFERENCES machine ON DELETE CASCADE,
    key TEXT NOT NULL,
    value TEXT NOT NULL,
    PRIMARY KEY (machine_id, key)
);

CREATE TABLE IF NOT EXISTS tag (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    definition TEXT NOT NULL DEFAULT '',
    comment TEXT NOT NULL DEFAULT '',
    kernel_opts TEXT NOT NULL DEFAULT ''
);
CREATE TABLE IF NOT EXISTS machine_tag (
    machine_id INTEGER NOT NULL REFERENCES machine ON DELETE CASCADE,
    tag_id INTEGER NOT NULL REFERENCES tag ON DELETE CASCADE,
    PRIMARY KEY (machine_id, tag_id)
);

CREATE TABLE IF NOT EXISTS interface (
    id INTEGER PRIMARY KEY,
    machine_id INTEGER NOT NULL REFERENCES machine ON DELETE CASCADE,
    name TEXT NOT NULL,
    mac TEXT NOT NULL UNIQUE,
    vlan_id INTEGER REFERENCES vlan ON DELETE SET NULL,
    link_speed INTEGER NOT NULL DEFAULT 0,
    interface_speed INTEGER NOT NULL DEFAULT 0,
    link_connected INTEGER NOT NULL DEFAULT 1,
    vendor TEXT,
    product TEXT,
    firmware_version TEXT,
    boot INTEGER NOT NULL DEFAULT 0
);
CREATE TABLE IF NOT EXISTS link (
    id INTEGER PRIMARY KEY,
    interface_id INTEGER NOT NULL REFERENCES interface ON DELETE CASCADE,
    mode TEXT NOT NULL,
    subnet_id INTEGER REFERENCES subnet ON DELETE CASCADE,
    ip_address TEXT
);

CREATE TABLE IF NOT EXISTS block_device (
    id INTEGER PRIMARY KEY,
    machine_id INTEGER NOT NULL REFERENCES machine ON DELETE CASCADE,
    name TEXT NOT NULL,
    model TEXT NOT NULL,
    serial TEXT NOT NULL,
    id_path TEXT,
    size INTEGER NOT NULL,
    block_size INTEGER NOT NULL,
    tags TEXT NOT NULL,
    firmware_version TEXT,
    boot INTEGER NOT NULL DEFAULT 0
);

CREATE TABLE IF NOT EXISTS event (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    machine_id INTEGER NOT NULL REFERENCES machine ON DELETE CASCADE,
    type TEXT NOT NULL,
    level INTEGER NOT NULL,
    description TEXT NOT NULL,
    action TEXT NOT NULL,
    username TEXT NOT NULL,
    created REAL NOT NULL
);
CREATE INDEX IF NOT EXISTS event_machine ON event (machine_id, level, id);
