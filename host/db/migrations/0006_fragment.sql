-- What plugins keep beside their units to make indexes of: opaque, compressed, and
-- never a part of an answer.
CREATE TABLE unit_fragment (
    unit_id {int} PRIMARY KEY REFERENCES unit (id) ON DELETE CASCADE,
    -- All fragments of the unit, in one frame.
    body {bytes} NOT NULL
);
