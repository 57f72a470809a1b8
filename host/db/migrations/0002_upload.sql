-- Files that come in chunks.

CREATE TABLE upload (
    id {id},
    uuid {uuid} NOT NULL UNIQUE,
    user_id {int} NOT NULL REFERENCES app_user (id) ON DELETE CASCADE,
    pulp_created {int} NOT NULL,
    pulp_last_updated {int} NOT NULL,
    expires {int} NOT NULL,
    -- As announced; none where chunks just follow one another.
    size {int},
    -- So many bytes from the beginning are there, and `hash_state` has seen them.
    received {int} NOT NULL,
    hash_state {bytes} NOT NULL,
    -- The same for what is on the disk. Bytes beyond are there as long as the store's
    -- keeper is `keeper`; without one, every chunk is brought to the disk.
    synced {int} NOT NULL,
    synced_state {bytes} NOT NULL,
    keeper {text},
    -- Nothing may be written to the file any more.
    sealed {bool} NOT NULL DEFAULT FALSE,
    artifact_id {int} REFERENCES artifact (id)
);
CREATE INDEX upload_user ON upload (user_id);
CREATE INDEX upload_expires ON upload (expires);
CREATE INDEX upload_artifact ON upload (artifact_id);

-- The chunks of uploads whose size was announced, in any order.
CREATE TABLE upload_chunk (
    upload_id {int} NOT NULL REFERENCES upload (id) ON DELETE CASCADE,
    first_byte {int} NOT NULL,
    -- The first byte after it.
    end_byte {int} NOT NULL,
    PRIMARY KEY (upload_id, first_byte)
);
