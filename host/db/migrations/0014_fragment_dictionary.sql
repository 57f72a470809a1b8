-- What many fragments of a type have in common, so that each is compressed without it. Rows of
-- fragments need theirs forever: a dictionary is never changed nor removed.
CREATE TABLE fragment_dictionary (
    id {id},
    content_type_id {int} NOT NULL,
    body {bytes} NOT NULL,
    -- How many bytes one byte of a row stood for when it was made.
    ratio {real} NOT NULL
);
CREATE INDEX fragment_dictionary_type ON fragment_dictionary (content_type_id, id);
-- None where a row was compressed by itself.
ALTER TABLE unit_fragment ADD COLUMN dictionary_id {int};
