-- The file of an entity, such as the picture of a namespace: one at most.
CREATE TABLE entity_file (
    entity_id {int} PRIMARY KEY REFERENCES entity (id) ON DELETE CASCADE,
    artifact_id {int} NOT NULL REFERENCES artifact (id),
    -- As its first bytes say.
    media_type {text} NOT NULL
);
-- A clean-up asks whether anything has an artifact.
CREATE INDEX entity_file_artifact ON entity_file (artifact_id);
