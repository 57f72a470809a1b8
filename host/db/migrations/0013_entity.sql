-- Objects of a plugin's own, such as namespaces: a name, settings, and roles for each.
CREATE TABLE entity (
    id {id},
    uuid {uuid} NOT NULL UNIQUE,
    plugin {text} NOT NULL,
    type_name {text} NOT NULL,
    name {text} NOT NULL,
    pulp_created {int} NOT NULL,
    pulp_last_updated {int} NOT NULL,
    -- By the schema of its type.
    config {json} NOT NULL,
    UNIQUE (plugin, type_name, name)
);

{forgets role_assignment: entity}
