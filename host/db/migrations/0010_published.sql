-- Units' artifacts that a publication has at other paths than their own; their bytes may
-- still be upstream.
CREATE TABLE published_unit (
    publication_id {int} NOT NULL REFERENCES publication (id) ON DELETE CASCADE,
    relative_path {text} NOT NULL,
    unit_artifact_id {int} NOT NULL REFERENCES unit_artifact (id) ON DELETE CASCADE,
    PRIMARY KEY (publication_id, relative_path)
);
CREATE INDEX published_unit_artifact ON published_unit (unit_artifact_id);

-- Texts of a publication that say where they are served; filled in for each distribution.
CREATE TABLE published_template (
    publication_id {int} NOT NULL REFERENCES publication (id) ON DELETE CASCADE,
    relative_path {text} NOT NULL,
    body {text} NOT NULL,
    -- The setting of a distribution without which it does not have the text.
    setting {text},
    PRIMARY KEY (publication_id, relative_path)
);
