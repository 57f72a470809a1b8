-- The plugins of this installation: which build of each is in service, for all servers.

CREATE TABLE component (
    id {id},
    uuid {uuid} NOT NULL UNIQUE,
    -- The plugin's name: `file`.
    name {text} NOT NULL UNIQUE,
    version {text} NOT NULL,
    -- SHA-256 of the component in service.
    digest {bytes} NOT NULL,
    size {int} NOT NULL,
    -- `builtin`, `upload` or `directory`.
    origin {text} NOT NULL,
    -- Of a component that came from a directory.
    file {text},
    enabled {bool} NOT NULL,
    -- Counts the builds that were in service.
    generation {int} NOT NULL,
    -- Limits other than the server's own.
    limits {json} NOT NULL,
    pulp_created {int} NOT NULL,
    pulp_last_updated {int} NOT NULL
);

-- The components themselves, in parts. They are here and not among the artifacts: they are
-- no content of anybody's, every server reaches them whatever store it has, and a row and
-- its bytes come and go in one transaction.
CREATE TABLE component_part (
    digest {bytes} NOT NULL,
    number {int} NOT NULL,
    body {bytes} NOT NULL,
    PRIMARY KEY (digest, number)
);

-- Files in plugin directories as they were last taken up, so that a start takes none for new.
CREATE TABLE component_file (
    file {text} PRIMARY KEY,
    digest {bytes} NOT NULL,
    component_id {int} NOT NULL REFERENCES component (id) ON DELETE CASCADE
);
CREATE INDEX component_file_component ON component_file (component_id);

-- Raised by every change; whoever raises it changes components alone.
CREATE TABLE component_epoch (
    id {int} PRIMARY KEY,
    epoch {int} NOT NULL
);
INSERT INTO component_epoch (id, epoch) VALUES (1, 1);
