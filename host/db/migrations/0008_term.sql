-- What units can be found by beside their fields: hashes of words, of which one unit may have
-- thousands. The words themselves are in the unit's fields.
CREATE TABLE unit_term (
    hash {int} NOT NULL,
    unit_id {int} NOT NULL,
    PRIMARY KEY (hash, unit_id)
){clustered};
-- A clean-up looks for the rows of units; a key into `unit` would be checked row by row.
CREATE INDEX unit_term_unit ON unit_term (unit_id);
