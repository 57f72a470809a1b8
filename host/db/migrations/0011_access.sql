-- Who may do what: groups, roles, and roles that are given to somebody.

-- A mark without rights, as in Pulp; administrators are those with `is_superuser`.
ALTER TABLE app_user ADD COLUMN is_staff {bool} NOT NULL DEFAULT FALSE;
UPDATE app_user SET is_staff = is_superuser;

CREATE TABLE app_group (
    id {id},
    name {text} NOT NULL UNIQUE
);

CREATE TABLE group_member (
    user_id {int} NOT NULL REFERENCES app_user (id) ON DELETE CASCADE,
    group_id {int} NOT NULL REFERENCES app_group (id) ON DELETE CASCADE,
    PRIMARY KEY (user_id, group_id)
);
CREATE INDEX group_member_group ON group_member (group_id);

CREATE TABLE role (
    id {id},
    uuid {uuid} NOT NULL UNIQUE,
    name {text} NOT NULL UNIQUE,
    description {text},
    -- The server's own: nobody changes it.
    locked {bool} NOT NULL,
    -- Holds one permission, which was given without naming a role; in no list of roles.
    single {bool} NOT NULL DEFAULT FALSE,
    pulp_created {int} NOT NULL,
    pulp_last_updated {int} NOT NULL
);

CREATE TABLE role_permission (
    role_id {int} NOT NULL REFERENCES role (id) ON DELETE CASCADE,
    -- `file.view_filerepository`
    permission {text} NOT NULL,
    PRIMARY KEY (role_id, permission)
);

-- A role that a user or a group has: for one object, or for all there are and will be.
CREATE TABLE role_assignment (
    id {id},
    uuid {uuid} NOT NULL UNIQUE,
    role_id {int} NOT NULL REFERENCES role (id) ON DELETE CASCADE,
    -- One of the two.
    user_id {int} REFERENCES app_user (id) ON DELETE CASCADE,
    group_id {int} REFERENCES app_group (id) ON DELETE CASCADE,
    -- The object's table, its row, and the model that permissions name it by:
    -- `repository`, 7, `file.filerepository`. None of the three for all objects.
    kind {text},
    object_id {int},
    model {text},
    pulp_created {int} NOT NULL
);
CREATE INDEX role_assignment_role ON role_assignment (role_id);
CREATE INDEX role_assignment_object ON role_assignment (object_id, kind)
    WHERE object_id IS NOT NULL;
CREATE INDEX role_assignment_user ON role_assignment (user_id, kind, object_id, role_id);
CREATE INDEX role_assignment_group ON role_assignment (group_id, kind, object_id, role_id)
    WHERE group_id IS NOT NULL;

-- Roles go with their object, however it goes.
{forgets role_assignment: repository remote publication distribution task task_schedule upload app_group}

-- Who sent bytes and units may use them, also where no repository that he sees has them.
CREATE TABLE artifact_uploader (
    artifact_id {int} NOT NULL REFERENCES artifact (id) ON DELETE CASCADE,
    user_id {int} NOT NULL REFERENCES app_user (id) ON DELETE CASCADE,
    PRIMARY KEY (artifact_id, user_id)
);
CREATE INDEX artifact_uploader_user ON artifact_uploader (user_id, artifact_id);

CREATE TABLE unit_uploader (
    unit_id {int} NOT NULL REFERENCES unit (id) ON DELETE CASCADE,
    user_id {int} NOT NULL REFERENCES app_user (id) ON DELETE CASCADE,
    PRIMARY KEY (unit_id, user_id)
);
CREATE INDEX unit_uploader_user ON unit_uploader (user_id, unit_id);
