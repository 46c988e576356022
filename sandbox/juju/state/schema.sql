-- The controller's whole state. Columns named `doc` or ending in `_json` hold JSON.
-- Times are RFC 3339 UTC strings with microseconds, as Juju's API shows them.

CREATE TABLE IF NOT EXISTS controller (key TEXT PRIMARY KEY, value TEXT NOT NULL);

CREATE TABLE IF NOT EXISTS users (
    name TEXT PRIMARY KEY,
    display_name TEXT NOT NULL DEFAULT '',
    password_hash TEXT NOT NULL,          -- scrypt: salt$hash, hexadecimal
    access TEXT NOT NULL,                 -- login | superuser
    created TEXT NOT NULL
);

CREATE TABLE IF NOT EXISTS clouds (
    name TEXT PRIMARY KEY,
    type TEXT NOT NULL,                   -- maas | openstack | lxd | manual
    doc TEXT NOT NULL                     -- endpoint, auth-types, regions, ca-certificates, config, skip-tls-verify
);

CREATE TABLE IF NOT EXISTS credentials (
    cloud TEXT NOT NULL REFERENCES clouds(name),
    owner TEXT NOT NULL,
    name TEXT NOT NULL,
    auth_type TEXT NOT NULL,
    attributes_json TEXT NOT NULL,        -- holds secrets: never log
    revoked INTEGER NOT NULL DEFAULT 0,
    invalid INTEGER NOT NULL DEFAULT 0,
    invalid_reason TEXT NOT NULL DEFAULT '',
    PRIMARY KEY (cloud, owner, name)
);

CREATE TABLE IF NOT EXISTS models (
    uuid TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    owner TEXT NOT NULL,
    cloud TEXT NOT NULL REFERENCES clouds(name),
    region TEXT NOT NULL DEFAULT '',
    credential TEXT NOT NULL DEFAULT '',  -- cloud/owner/name, empty where the cloud needs none
    life TEXT NOT NULL DEFAULT 'alive',
    config_json TEXT NOT NULL DEFAULT '{}',       -- only what differs from the defaults
    constraints_json TEXT NOT NULL DEFAULT '{}',
    access_json TEXT NOT NULL DEFAULT '{}',       -- user -> read | write | admin
    sequences_json TEXT NOT NULL DEFAULT '{}',    -- next machine, relation, operation, unit numbers
    created TEXT NOT NULL,
    UNIQUE (owner, name)
);

CREATE TABLE IF NOT EXISTS charms (
    model TEXT NOT NULL REFERENCES models(uuid),
    url TEXT NOT NULL,                    -- local:maas-bmc-0, ch:amd64/keystone-700
    name TEXT NOT NULL,
    revision INTEGER NOT NULL,
    source TEXT NOT NULL,                 -- local | charm-hub
    sha256 TEXT NOT NULL,
    archive TEXT NOT NULL,                -- path of the stored archive
    charm_version TEXT NOT NULL DEFAULT '',
    metadata_json TEXT NOT NULL,
    config_json TEXT NOT NULL,            -- the `options` map of config.yaml
    actions_json TEXT NOT NULL,
    bases_json TEXT NOT NULL,             -- [{"name": "ubuntu", "channel": "24.04/stable", "architectures": ["amd64"]}]
    PRIMARY KEY (model, url)
);

CREATE TABLE IF NOT EXISTS applications (
    model TEXT NOT NULL REFERENCES models(uuid),
    name TEXT NOT NULL,
    charm_url TEXT NOT NULL,
    channel TEXT NOT NULL DEFAULT '',     -- 2024.1/stable; empty for a local charm
    base TEXT NOT NULL,                   -- ubuntu@24.04/stable
    subordinate INTEGER NOT NULL DEFAULT 0,
    life TEXT NOT NULL DEFAULT 'alive',
    config_json TEXT NOT NULL DEFAULT '{}',       -- only what was set
    config_version INTEGER NOT NULL DEFAULT 0,
    charm_version INTEGER NOT NULL DEFAULT 0,     -- rises with every refresh, forced or not
    force_charm INTEGER NOT NULL DEFAULT 0,       -- units in error take the new charm too
    trust INTEGER NOT NULL DEFAULT 0,
    exposed_json TEXT NOT NULL DEFAULT '',        -- empty: not exposed; else endpoint -> {"expose-to-cidrs": [], "expose-to-spaces": []}
    constraints_json TEXT NOT NULL DEFAULT '{}',
    placement_json TEXT NOT NULL DEFAULT '[]',
    bindings_json TEXT NOT NULL DEFAULT '{}',     -- endpoint -> space; "" is the default
    storage_json TEXT NOT NULL DEFAULT '{}',      -- storage name -> {"pool","size","count"}
    resources_json TEXT NOT NULL DEFAULT '{}',
    annotations_json TEXT NOT NULL DEFAULT '{}',
    created TEXT NOT NULL,
    PRIMARY KEY (model, name)
);

CREATE TABLE IF NOT EXISTS machines (
    model TEXT NOT NULL REFERENCES models(uuid),
    id TEXT NOT NULL,                     -- 0, 0/lxd/1
    parent TEXT,                          -- the host of a container
    base TEXT NOT NULL,
    constraints_json TEXT NOT NULL DEFAULT '{}',
    placement TEXT NOT NULL DEFAULT '',   -- the provider's directive: system-id=abc123, zone=az1
    instance_id TEXT NOT NULL DEFAULT '', -- MAAS system_id, Nova server id; empty while pending
    hostname TEXT NOT NULL DEFAULT '',
    display_name TEXT NOT NULL DEFAULT '',
    addresses_json TEXT NOT NULL DEFAULT '[]',    -- [{"value","type","scope","space","cidr"}]
    hardware_json TEXT NOT NULL DEFAULT '{}',     -- arch, cores, mem (MiB), root-disk (MiB), availability-zone, tags
    annotations_json TEXT NOT NULL DEFAULT '{}',
    retry_provisioning INTEGER NOT NULL DEFAULT 0,
    life TEXT NOT NULL DEFAULT 'alive',
    force_destroy INTEGER NOT NULL DEFAULT 0,
    keep_instance INTEGER NOT NULL DEFAULT 0,
    clean INTEGER NOT NULL DEFAULT 1,             -- no unit was ever on it, so that one without placement may take it
    created TEXT NOT NULL,
    PRIMARY KEY (model, id)
);

CREATE INDEX IF NOT EXISTS machines_by_parent ON machines (model, parent);

-- Numbers of addresses that the controller hands out itself (containers, localhost machines),
-- unique over all models.
CREATE TABLE IF NOT EXISTS address_numbers (
    number INTEGER PRIMARY KEY,
    model TEXT NOT NULL,
    machine TEXT NOT NULL,
    UNIQUE (model, machine)
);

CREATE TABLE IF NOT EXISTS units (
    model TEXT NOT NULL REFERENCES models(uuid),
    name TEXT NOT NULL,                   -- nova-compute/3
    application TEXT NOT NULL,
    number INTEGER NOT NULL,
    principal TEXT,                       -- of a subordinate
    machine TEXT,                         -- null while unassigned
    life TEXT NOT NULL DEFAULT 'alive',
    charm_url TEXT NOT NULL DEFAULT '',   -- the charm that the agent runs now; empty before install
    workload_version TEXT NOT NULL DEFAULT '',
    ports_json TEXT NOT NULL DEFAULT '[]',
    resolved TEXT NOT NULL DEFAULT '',    -- '' | retry-hooks | no-hooks
    state_json TEXT NOT NULL DEFAULT '{}',        -- what state-set keeps
    uniter_json TEXT NOT NULL DEFAULT '{}',       -- what the unit agent has seen and done
    password_hash TEXT NOT NULL DEFAULT '',
    force_destroy INTEGER NOT NULL DEFAULT 0,
    destroy_storage INTEGER NOT NULL DEFAULT 0,
    created TEXT NOT NULL,
    PRIMARY KEY (model, name)
);
CREATE INDEX IF NOT EXISTS units_by_application ON units (model, application);
CREATE INDEX IF NOT EXISTS units_by_machine ON units (model, machine);
CREATE INDEX IF NOT EXISTS units_by_principal ON units (model, principal);

-- entity: model | application | unit | machine, and kind tells which of its statuses.
CREATE TABLE IF NOT EXISTS statuses (
    model TEXT NOT NULL,
    kind TEXT NOT NULL,                   -- model | application | workload | agent | machine | instance | modification
    entity TEXT NOT NULL,                 -- name or id; '' for the model
    status TEXT NOT NULL,
    message TEXT NOT NULL DEFAULT '',
    data_json TEXT NOT NULL DEFAULT '{}',
    since TEXT NOT NULL,
    PRIMARY KEY (model, kind, entity)
);
CREATE TABLE IF NOT EXISTS status_history (
    id INTEGER PRIMARY KEY,
    model TEXT NOT NULL,
    kind TEXT NOT NULL,
    entity TEXT NOT NULL,
    status TEXT NOT NULL,
    message TEXT NOT NULL,
    data_json TEXT NOT NULL,
    since TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS history_by_entity ON status_history (model, kind, entity, id);

CREATE TABLE IF NOT EXISTS relations (
    model TEXT NOT NULL REFERENCES models(uuid),
    id INTEGER NOT NULL,
    key TEXT NOT NULL,                    -- nova-compute:amqp rabbitmq-server:amqp, requirer first; a peer's has one endpoint
    interface TEXT NOT NULL,
    scope TEXT NOT NULL,                  -- global | container
    life TEXT NOT NULL DEFAULT 'alive',
    suspended INTEGER NOT NULL DEFAULT 0,
    suspended_reason TEXT NOT NULL DEFAULT '',
    status TEXT NOT NULL DEFAULT 'joining',
    created TEXT NOT NULL,
    PRIMARY KEY (model, id)
);
CREATE UNIQUE INDEX IF NOT EXISTS relations_by_key ON relations (model, key);
-- The subnets that `integrate --via` names: where traffic of a relation between models comes from.
CREATE TABLE IF NOT EXISTS relation_egress (
    model TEXT NOT NULL,
    relation INTEGER NOT NULL,
    subnets_json TEXT NOT NULL,           -- CIDRs
    PRIMARY KEY (model, relation)
);

CREATE TABLE IF NOT EXISTS relation_endpoints (
    model TEXT NOT NULL,
    relation INTEGER NOT NULL,
    application TEXT NOT NULL,
    endpoint TEXT NOT NULL,
    role TEXT NOT NULL,                   -- provider | requirer | peer
    settings_json TEXT NOT NULL DEFAULT '{}',     -- the application databag
    version INTEGER NOT NULL DEFAULT 0,           -- rises with every change of it
    PRIMARY KEY (model, relation, application, endpoint)
);
CREATE INDEX IF NOT EXISTS endpoints_by_application ON relation_endpoints (model, application);
CREATE TABLE IF NOT EXISTS relation_units (
    model TEXT NOT NULL,
    relation INTEGER NOT NULL,
    unit TEXT NOT NULL,
    settings_json TEXT NOT NULL DEFAULT '{}',     -- the unit databag; kept after departure until the relation is gone
    version INTEGER NOT NULL DEFAULT 0,
    in_scope INTEGER NOT NULL DEFAULT 0,
    departing INTEGER NOT NULL DEFAULT 0,         -- a dying unit: the others see it gone, though it has not left yet
    PRIMARY KEY (model, relation, unit)
);
CREATE INDEX IF NOT EXISTS relation_units_by_unit ON relation_units (model, unit);

-- Agents that are away from the controller, and when it notices.
CREATE TABLE IF NOT EXISTS absences (
    model TEXT NOT NULL,
    kind TEXT NOT NULL,                   -- unit | machine
    entity TEXT NOT NULL,
    noticed REAL NOT NULL,                -- seconds since the epoch
    PRIMARY KEY (model, kind, entity)
);

-- What a forced removal finishes by itself when agents or the provider have not by then.
CREATE TABLE IF NOT EXISTS cleanups (
    model TEXT NOT NULL,
    kind TEXT NOT NULL,                   -- unit | machine | relation
    entity TEXT NOT NULL,
    due REAL NOT NULL,                    -- seconds since the epoch
    PRIMARY KEY (model, kind, entity)
);

CREATE TABLE IF NOT EXISTS leases (
    model TEXT NOT NULL,
    application TEXT NOT NULL,
    holder TEXT NOT NULL,                 -- unit name
    expires REAL NOT NULL,                -- seconds since the epoch
    PRIMARY KEY (model, application)
);
-- What leader-set keeps: older than relation data of applications, and still a hook tool.
CREATE TABLE IF NOT EXISTS leader_settings (
    model TEXT NOT NULL,
    application TEXT NOT NULL,
    settings_json TEXT NOT NULL DEFAULT '{}',
    version INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (model, application)
);

CREATE TABLE IF NOT EXISTS secrets (
    model TEXT NOT NULL,
    id TEXT NOT NULL,                     -- 20 characters, as in secret:<id>
    owner_kind TEXT NOT NULL,             -- model (a user secret) | application | unit
    owner TEXT NOT NULL,
    label TEXT NOT NULL DEFAULT '',       -- the owner's label; a user secret's name
    description TEXT NOT NULL DEFAULT '',
    rotate_policy TEXT NOT NULL DEFAULT 'never',
    next_rotate TEXT,
    auto_prune INTEGER NOT NULL DEFAULT 0,
    latest INTEGER NOT NULL DEFAULT 1,
    created TEXT NOT NULL,
    updated TEXT NOT NULL,
    PRIMARY KEY (model, id)
);
CREATE INDEX IF NOT EXISTS secrets_by_owner ON secrets (model, owner_kind, owner);
CREATE TABLE IF NOT EXISTS secret_revisions (
    model TEXT NOT NULL,
    secret TEXT NOT NULL,
    revision INTEGER NOT NULL,
    content_json TEXT NOT NULL,           -- key -> base64 text: never log
    expire TEXT,
    obsolete INTEGER NOT NULL DEFAULT 0,
    created TEXT NOT NULL,
    PRIMARY KEY (model, secret, revision)
);
CREATE TABLE IF NOT EXISTS secret_grants (
    model TEXT NOT NULL,
    secret TEXT NOT NULL,
    subject_kind TEXT NOT NULL,           -- application | unit
    subject TEXT NOT NULL,
    relation INTEGER,                     -- the scope; null for a user secret's grant
    role TEXT NOT NULL DEFAULT 'view',
    PRIMARY KEY (model, secret, subject_kind, subject)
);
CREATE TABLE IF NOT EXISTS secret_consumers (
    model TEXT NOT NULL,
    secret TEXT NOT NULL,
    unit TEXT NOT NULL,
    label TEXT NOT NULL DEFAULT '',
    revision INTEGER NOT NULL,            -- the revision that the consumer tracks
    PRIMARY KEY (model, secret, unit)
);
CREATE INDEX IF NOT EXISTS secret_consumers_by_unit ON secret_consumers (model, unit);

CREATE TABLE IF NOT EXISTS operations (
    model TEXT NOT NULL,
    id INTEGER NOT NULL,
    summary TEXT NOT NULL,
    fail TEXT NOT NULL DEFAULT '',
    enqueued TEXT NOT NULL,
    PRIMARY KEY (model, id)
);
CREATE TABLE IF NOT EXISTS tasks (
    model TEXT NOT NULL,
    id INTEGER NOT NULL,                  -- the same sequence as operations: operation 1 has task 2
    operation INTEGER NOT NULL,
    receiver TEXT NOT NULL,               -- unit name or machine id
    name TEXT NOT NULL,                   -- the action; juju-exec for a command
    parameters_json TEXT NOT NULL,
    execution_group TEXT NOT NULL DEFAULT '',
    parallel INTEGER NOT NULL DEFAULT 0,
    status TEXT NOT NULL,                 -- pending | running | completed | failed | cancelled | aborting | aborted | error
    message TEXT NOT NULL DEFAULT '',
    results_json TEXT NOT NULL DEFAULT '{}',
    log_json TEXT NOT NULL DEFAULT '[]',  -- [{"timestamp","message"}]
    enqueued TEXT NOT NULL,
    started TEXT,
    completed TEXT,
    PRIMARY KEY (model, id)
);
CREATE INDEX IF NOT EXISTS tasks_by_receiver ON tasks (model, receiver, status);

CREATE TABLE IF NOT EXISTS spaces (
    model TEXT NOT NULL,
    name TEXT NOT NULL,
    id TEXT NOT NULL,
    subnets_json TEXT NOT NULL DEFAULT '[]',      -- [{"cidr","provider-id","zones","vlan-tag"}]
    PRIMARY KEY (model, name)
);

CREATE TABLE IF NOT EXISTS storage (
    model TEXT NOT NULL,
    id TEXT NOT NULL,                     -- osd-devices/0
    name TEXT NOT NULL,
    kind TEXT NOT NULL,                   -- block | filesystem
    owner TEXT NOT NULL,                  -- unit name; empty while detached
    pool TEXT NOT NULL,
    size INTEGER NOT NULL,                -- MiB
    location TEXT NOT NULL DEFAULT '',    -- device or mount point
    life TEXT NOT NULL DEFAULT 'alive',
    status TEXT NOT NULL DEFAULT 'pending',
    PRIMARY KEY (model, id)
);

CREATE TABLE IF NOT EXISTS resources (
    model TEXT NOT NULL,
    application TEXT NOT NULL,
    name TEXT NOT NULL,
    kind TEXT NOT NULL,
    origin TEXT NOT NULL,                 -- upload | store
    revision INTEGER NOT NULL DEFAULT -1,
    path TEXT NOT NULL DEFAULT '',
    sha384 TEXT NOT NULL DEFAULT '',
    size INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (model, application, name)
);

CREATE TABLE IF NOT EXISTS application_offers (
    model TEXT NOT NULL,
    name TEXT NOT NULL,
    uuid TEXT NOT NULL UNIQUE,
    application TEXT NOT NULL,
    description TEXT NOT NULL,
    endpoints_json TEXT NOT NULL,         -- the name that consumers see -> the charm's endpoint
    access_json TEXT NOT NULL,            -- user -> read | consume | admin
    PRIMARY KEY (model, name)
);
-- What a model consumes of an offer (its SAAS), and in the offering model a stand-in for each
-- application that consumes.
CREATE TABLE IF NOT EXISTS remote_applications (
    model TEXT NOT NULL,
    name TEXT NOT NULL,
    offer TEXT NOT NULL,                  -- the offer's uuid
    url TEXT NOT NULL,                    -- of the offer; empty for a consumer's stand-in
    other_model TEXT NOT NULL,            -- where the application itself is
    endpoints_json TEXT NOT NULL,         -- [{"name","role","interface"}]
    life TEXT NOT NULL DEFAULT 'alive',
    created TEXT NOT NULL,
    PRIMARY KEY (model, name)
);
-- A relation between models is a relation in each of them: the second mirrors the first.
CREATE TABLE IF NOT EXISTS offer_connections (
    offer TEXT NOT NULL,
    user TEXT NOT NULL,
    model TEXT NOT NULL,                  -- the consuming model
    relation INTEGER NOT NULL,
    offering_model TEXT NOT NULL,
    offering_relation INTEGER NOT NULL,
    PRIMARY KEY (model, relation)
);
CREATE UNIQUE INDEX IF NOT EXISTS connections_by_offering
    ON offer_connections (offering_model, offering_relation);

-- One row for each hook or action that ran: what the trace shows.
CREATE TABLE IF NOT EXISTS runs (
    id INTEGER PRIMARY KEY,
    model TEXT NOT NULL,
    unit TEXT NOT NULL,
    kind TEXT NOT NULL,                   -- install, amqp-relation-joined, action pause
    detail TEXT NOT NULL DEFAULT '',      -- remote unit, secret, task
    started TEXT NOT NULL,
    seconds REAL,                         -- null while it runs
    exit_code INTEGER,
    pid INTEGER,
    changes_json TEXT NOT NULL DEFAULT '{}'
);
CREATE INDEX IF NOT EXISTS runs_by_unit ON runs (model, unit, id);

CREATE TABLE IF NOT EXISTS log (
    id INTEGER PRIMARY KEY,
    model TEXT NOT NULL,
    time TEXT NOT NULL,
    entity TEXT NOT NULL,                 -- unit-keystone-0, machine-0, controller-0
    severity TEXT NOT NULL,               -- TRACE | DEBUG | INFO | WARNING | ERROR | CRITICAL
    module TEXT NOT NULL,
    message TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS log_by_model ON log (model, id);
