-- The ground: who, what, where from, and what was done.
--
-- Words in braces are types that the dialects spell differently (`dialect.rs`).
-- Moments are microseconds since 1970-01-01 UTC. Labels and settings are JSON.

-- Who ---------------------------------------------------------------------

CREATE TABLE app_user (
    id {id},
    username {text} NOT NULL UNIQUE,
    first_name {text} NOT NULL DEFAULT '',
    last_name {text} NOT NULL DEFAULT '',
    email {text} NOT NULL DEFAULT '',
    password_hash {text},
    is_superuser {bool} NOT NULL DEFAULT FALSE,
    is_active {bool} NOT NULL DEFAULT TRUE,
    -- Raised with every change of password or standing: what was verified before is
    -- not valid after.
    credential_version {int} NOT NULL DEFAULT 1,
    date_joined {int} NOT NULL
);

CREATE TABLE api_token (
    id {id},
    uuid {uuid} NOT NULL UNIQUE,
    user_id {int} NOT NULL REFERENCES app_user (id) ON DELETE CASCADE,
    name {text} NOT NULL,
    -- SHA-256 of the token; the token itself is shown once and not kept.
    token_hash {bytes} NOT NULL UNIQUE,
    pulp_created {int} NOT NULL,
    expires {int}
);
CREATE INDEX api_token_user ON api_token (user_id);

CREATE TABLE web_session (
    -- SHA-256 of the cookie.
    session_hash {bytes} PRIMARY KEY,
    user_id {int} NOT NULL REFERENCES app_user (id) ON DELETE CASCADE,
    credential_version {int} NOT NULL,
    expires {int} NOT NULL
);
CREATE INDEX web_session_user ON web_session (user_id);

-- Bytes -------------------------------------------------------------------

CREATE TABLE artifact (
    id {id},
    uuid {uuid} NOT NULL UNIQUE,
    pulp_created {int} NOT NULL,
    -- Last time somebody asked for these bytes to be kept.
    touched {int} NOT NULL,
    size {int} NOT NULL,
    sha256 {bytes} NOT NULL UNIQUE,
    md5 {bytes},
    sha1 {bytes},
    sha224 {bytes},
    sha384 {bytes},
    sha512 {bytes}
);

-- Bytes whose row is gone and whose file is about to go. While a digest stands
-- here it may not be stored anew: the file under its name is not to be trusted.
CREATE TABLE artifact_removal (
    sha256 {bytes} PRIMARY KEY
);

-- Content -----------------------------------------------------------------

-- What each content table was made from.
CREATE TABLE content_type (
    id {id},
    -- `file.file`
    name {text} NOT NULL UNIQUE,
    schema_version {int} NOT NULL,
    -- Columns and keys as they were made.
    shape {json} NOT NULL
);

CREATE TABLE unit (
    id {int} PRIMARY KEY,
    uuid {uuid} NOT NULL UNIQUE,
    content_type_id {int} NOT NULL REFERENCES content_type (id),
    pulp_created {int} NOT NULL,
    -- Last time somebody asked for this unit to be kept.
    touched {int} NOT NULL,
    pulp_labels {json}
);
CREATE INDEX unit_type ON unit (content_type_id, id);

-- Remotes come before the artifacts that may be fetched from them.
CREATE TABLE remote (
    id {id},
    uuid {uuid} NOT NULL UNIQUE,
    plugin {text} NOT NULL,
    type_name {text} NOT NULL,
    name {text} NOT NULL UNIQUE,
    pulp_created {int} NOT NULL,
    pulp_last_updated {int} NOT NULL,
    pulp_labels {json} NOT NULL,
    url {text} NOT NULL,
    policy {text} NOT NULL,
    ca_cert {text},
    client_cert {text},
    tls_validation {bool} NOT NULL DEFAULT TRUE,
    proxy_url {text},
    headers {json} NOT NULL,
    download_concurrency {int},
    max_retries {int},
    total_timeout {real},
    connect_timeout {real},
    sock_connect_timeout {real},
    sock_read_timeout {real},
    rate_limit {int},
    -- Client key, user names and passwords, encrypted.
    secrets {bytes},
    -- Which secrets are set, so that a list need not open them.
    secret_names {json} NOT NULL,
    config {json} NOT NULL
);

CREATE TABLE unit_artifact (
    id {int} PRIMARY KEY,
    unit_id {int} NOT NULL REFERENCES unit (id) ON DELETE CASCADE,
    relative_path {text} NOT NULL,
    -- None while the bytes are still upstream.
    artifact_id {int} REFERENCES artifact (id)
);
CREATE UNIQUE INDEX unit_artifact_unit ON unit_artifact (unit_id, relative_path);
CREATE INDEX unit_artifact_path ON unit_artifact (relative_path, unit_id);
CREATE INDEX unit_artifact_artifact ON unit_artifact (artifact_id);

-- Where the bytes of a unit can be had.
CREATE TABLE remote_artifact (
    unit_artifact_id {int} NOT NULL REFERENCES unit_artifact (id) ON DELETE CASCADE,
    remote_id {int} NOT NULL REFERENCES remote (id) ON DELETE CASCADE,
    -- In order of choice, separated by line feeds.
    urls {text} NOT NULL,
    size {int},
    -- `sha256:…` and so on, separated by spaces.
    digests {text} NOT NULL,
    PRIMARY KEY (unit_artifact_id, remote_id)
);
CREATE INDEX remote_artifact_remote ON remote_artifact (remote_id);

-- The numbers of units and their artifacts are known before the rows are written.
{sequence unit_number}
{sequence unit_artifact_number}

-- Repositories ------------------------------------------------------------

CREATE TABLE repository (
    id {id},
    uuid {uuid} NOT NULL UNIQUE,
    plugin {text} NOT NULL,
    type_name {text} NOT NULL,
    name {text} NOT NULL UNIQUE,
    description {text},
    pulp_created {int} NOT NULL,
    pulp_last_updated {int} NOT NULL,
    pulp_labels {json} NOT NULL,
    remote_id {int} REFERENCES remote (id) ON DELETE SET NULL,
    retain_repo_versions {int},
    autopublish {bool} NOT NULL DEFAULT FALSE,
    config {json} NOT NULL,
    -- Numbers are never used twice, not even a deleted version's.
    next_version {int} NOT NULL DEFAULT 1
);
CREATE INDEX repository_remote ON repository (remote_id);

CREATE TABLE repository_version (
    id {id},
    uuid {uuid} NOT NULL UNIQUE,
    repository_id {int} NOT NULL REFERENCES repository (id) ON DELETE CASCADE,
    number {int} NOT NULL,
    base_number {int},
    pulp_created {int} NOT NULL,
    UNIQUE (repository_id, number)
);

-- The unit is in every version v with added <= v < removed. A row whose `added` is
-- the number of no version is invisible: that is how big changes are prepared.
CREATE TABLE membership (
    repository_id {int} NOT NULL REFERENCES repository (id) ON DELETE CASCADE,
    unit_id {int} NOT NULL REFERENCES unit (id),
    added {int} NOT NULL,
    removed {int} NOT NULL DEFAULT 9223372036854775807,
    PRIMARY KEY (repository_id, unit_id, added)
);
CREATE INDEX membership_unit ON membership (unit_id);
CREATE INDEX membership_added ON membership (repository_id, added);
CREATE INDEX membership_removed ON membership (repository_id, removed)
    WHERE removed < 9223372036854775807;

-- Versions that are being prepared, so that a start after a crash can clear them.
CREATE TABLE pending_version (
    repository_id {int} PRIMARY KEY REFERENCES repository (id) ON DELETE CASCADE,
    number {int} NOT NULL,
    task_id {int} NOT NULL
);

CREATE TABLE version_count (
    version_id {int} NOT NULL REFERENCES repository_version (id) ON DELETE CASCADE,
    content_type_id {int} NOT NULL REFERENCES content_type (id),
    present {int} NOT NULL,
    added {int} NOT NULL,
    removed {int} NOT NULL,
    PRIMARY KEY (version_id, content_type_id)
);

-- What a sync remembers for the next one of the same repository and remote.
CREATE TABLE sync_checkpoint (
    repository_id {int} NOT NULL REFERENCES repository (id) ON DELETE CASCADE,
    remote_id {int} NOT NULL REFERENCES remote (id) ON DELETE CASCADE,
    -- The version that the sync left, and the remote's last change that it saw.
    version_number {int} NOT NULL,
    remote_updated {int} NOT NULL,
    value {json},
    -- By URL: the validators of the last answer.
    validators {json} NOT NULL,
    PRIMARY KEY (repository_id, remote_id)
);

-- Publishing --------------------------------------------------------------

CREATE TABLE publication (
    id {id},
    uuid {uuid} NOT NULL UNIQUE,
    plugin {text} NOT NULL,
    type_name {text} NOT NULL,
    version_id {int} NOT NULL REFERENCES repository_version (id) ON DELETE CASCADE,
    pulp_created {int} NOT NULL,
    pass_through {bool} NOT NULL DEFAULT FALSE,
    config {json} NOT NULL
);
CREATE INDEX publication_version ON publication (version_id);

CREATE TABLE published_file (
    publication_id {int} NOT NULL REFERENCES publication (id) ON DELETE CASCADE,
    relative_path {text} NOT NULL,
    artifact_id {int} NOT NULL REFERENCES artifact (id),
    media_type {text},
    PRIMARY KEY (publication_id, relative_path)
);
CREATE INDEX published_file_artifact ON published_file (artifact_id);

CREATE TABLE distribution (
    id {id},
    uuid {uuid} NOT NULL UNIQUE,
    plugin {text} NOT NULL,
    type_name {text} NOT NULL,
    name {text} NOT NULL UNIQUE,
    base_path {text} NOT NULL UNIQUE,
    pulp_created {int} NOT NULL,
    pulp_last_updated {int} NOT NULL,
    pulp_labels {json} NOT NULL,
    hidden {bool} NOT NULL DEFAULT FALSE,
    repository_id {int} REFERENCES repository (id) ON DELETE SET NULL,
    version_id {int} REFERENCES repository_version (id) ON DELETE SET NULL,
    publication_id {int} REFERENCES publication (id) ON DELETE SET NULL,
    config {json} NOT NULL
);
CREATE INDEX distribution_repository ON distribution (repository_id);
CREATE INDEX distribution_publication ON distribution (publication_id);
CREATE INDEX distribution_version ON distribution (version_id);

-- Raised by every change that a server of content must notice.
CREATE TABLE serving_epoch (
    id {int} PRIMARY KEY,
    epoch {int} NOT NULL
);
INSERT INTO serving_epoch (id, epoch) VALUES (1, 1);

-- Tasks -------------------------------------------------------------------

-- A server process.
CREATE TABLE worker (
    id {id},
    uuid {uuid} NOT NULL UNIQUE,
    -- Stays the same over restarts of one installation.
    name {text} NOT NULL,
    pulp_created {int} NOT NULL,
    last_heartbeat {int} NOT NULL,
    version {text} NOT NULL
);

CREATE TABLE task (
    id {id},
    uuid {uuid} NOT NULL UNIQUE,
    name {text} NOT NULL,
    -- What runs it; `plugin` is `core` for the host's own.
    plugin {text} NOT NULL,
    type_name {text} NOT NULL,
    plugin_version {text},
    state {text} NOT NULL,
    -- How many of its locks are not granted yet.
    ungranted {int} NOT NULL DEFAULT 0,
    parameters {json} NOT NULL,
    -- What the HTTP side resolved for the worker: row numbers, not for clients.
    work {json} NOT NULL,
    reserved {json} NOT NULL,
    logging_cid {text} NOT NULL,
    user_id {int} REFERENCES app_user (id) ON DELETE SET NULL,
    parent_id {int} REFERENCES task (id) ON DELETE SET NULL,
    worker_id {int} REFERENCES worker (id) ON DELETE SET NULL,
    pulp_created {int} NOT NULL,
    pulp_last_updated {int} NOT NULL,
    unblocked_at {int},
    started_at {int},
    finished_at {int},
    error {json},
    result {json},
    -- Of `progress_reports`, as they are shown.
    progress {json} NOT NULL,
    -- Paths below an API root and PRNs of what it made: [{"path", "prn"}].
    created {json} NOT NULL
);
-- The next task that could run is the first of this index.
CREATE INDEX task_ready ON task (id) WHERE state = 'waiting' AND ungranted = 0;
CREATE INDEX task_unfinished ON task (state, id)
    WHERE state IN ('waiting', 'running', 'canceling');
CREATE INDEX task_state ON task (state, id);
CREATE INDEX task_worker ON task (worker_id);
CREATE INDEX task_parent ON task (parent_id);
CREATE INDEX task_name ON task (name, id);

-- A queue for each resource, in the order of the tasks' numbers.
CREATE TABLE task_lock (
    resource {text} NOT NULL,
    task_id {int} NOT NULL REFERENCES task (id) ON DELETE CASCADE,
    exclusive {bool} NOT NULL,
    granted {bool} NOT NULL,
    PRIMARY KEY (resource, granted, task_id)
);
CREATE INDEX task_lock_task ON task_lock (task_id);

CREATE TABLE setting (
    name {text} PRIMARY KEY,
    value {json} NOT NULL
);
