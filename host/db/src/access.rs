//! What a caller may see and do: conditions for lists, and questions about one object.
//!
//! Invariant: it is read from the rows for each request, so a role that was given or taken
//! counts from the next one, in every process. An administrator is asked nothing.

use std::collections::HashSet;

use pith_model::access::{Securable, names_of, owner_role, permission};
use pith_model::{ArtifactId, Timestamp, UnitId, UserId};
use uuid::Uuid;

use crate::condition::Condition;
use crate::database::Connection;
use crate::error::Result;
use crate::insert::insert_many;
pub use crate::object::{Name, Object};
use crate::statement::{Value, sql};
use crate::user::User;

/// What a caller may do.
#[derive(Clone, Debug)]
pub enum Access {
    /// Everything: an administrator.
    Everything,
    /// What his roles say.
    Roles(Roles),
}

/// A user's roles.
#[derive(Clone, Debug)]
pub struct Roles {
    /// Whose.
    pub user: UserId,
    /// What he may do with all objects of a model.
    pub permissions: HashSet<String>,
}

/// Below so many units it is quicker to begin with what may be seen; above, to walk along all
/// units and to leave out what may not.
const FEW: i64 = 20_000;

/// So many repositories are named one by one in the text of a question.
const MOST_REPOSITORIES: usize = 500;

/// As many objects of a kind that a user has roles for are looked up one by one.
const MANY: i64 = 5_000;

/// The objects of a kind that a user has a role for which allows a verb.
fn assigned(kind: Securable, verb: &str) -> String {
    let table = kind.table();
    format!(
        "SELECT xa.object_id FROM role_assignment xa
         JOIN role_permission xp ON xp.role_id = xa.role_id
              AND xp.permission = replace(xa.model, '.', '.{verb}_')
         WHERE xa.user_id = ? AND xa.kind = '{table}'
         UNION ALL
         SELECT xa.object_id FROM group_member xg
         JOIN role_assignment xa ON xa.group_id = xg.group_id AND xa.kind = '{table}'
         JOIN role_permission xp ON xp.role_id = xa.role_id
              AND xp.permission = replace(xa.model, '.', '.{verb}_')
         WHERE xg.user_id = ?"
    )
}

/// Whether a user has a role for a row which allows a verb.
fn is_assigned(kind: Securable, verb: &str, column: &str) -> String {
    let table = kind.table();
    format!(
        "EXISTS (SELECT 1 FROM role_assignment xa
             JOIN role_permission xp ON xp.role_id = xa.role_id
                  AND xp.permission = replace(xa.model, '.', '.{verb}_')
             WHERE xa.object_id = {column} AND xa.kind = '{table}'
               AND (xa.user_id = ? OR xa.group_id IN
                    (SELECT xg.group_id FROM group_member xg WHERE xg.user_id = ?)))"
    )
}

impl Roles {
    fn both(&self) -> [Value; 2] {
        [self.user.into(), self.user.into()]
    }

    /// The permissions of all models of a kind that allow a verb.
    fn permissions_for(&self, kind: Securable, verb: &str) -> Vec<String> {
        let begin = format!("{verb}_");
        let fits = |one: &&String| {
            let name = one.split_once('.').map_or("", |(_, name)| name);
            name.starts_with(&begin) && name.ends_with(kind.word())
        };
        let mut found: Vec<String> = self.permissions.iter().filter(fits).cloned().collect();
        found.sort();
        found
    }

    /// The condition that a row may be seen, or what else the verb says, whose table has this
    /// alias; none where all of them may.
    fn rows(&self, kind: Securable, verb: &str, alias: &str) -> Option<Condition> {
        let mut condition = Condition::new(
            format!("{alias}.id IN ({})", assigned(kind, verb)),
            self.both(),
        );
        if !kind.is_typed() {
            let all = permission(&kind.model("", ""), verb);
            return (!self.permissions.contains(&all)).then_some(condition);
        }
        let all = self.permissions_for(kind, verb);
        if !all.is_empty() {
            condition.text = format!(
                "({alias}.plugin || '.{verb}_' || {alias}.type_name || '{}') IN (?*) OR {}",
                kind.word(),
                condition.text
            );
            condition.values.insert(0, all.into());
        }
        Some(condition)
    }

    /// The repositories that may be seen, as a list of their numbers.
    fn repositories(&self) -> Condition {
        let seen = self.rows(Securable::Repository, "view", "xr");
        let Condition { text, values, .. } = seen.unwrap_or_else(|| Condition::new("TRUE", []));
        Condition::new(
            format!("SELECT xr.id FROM repository xr WHERE {text}"),
            values,
        )
    }

    /// The condition that a unit, of which this column is the number, may be seen: a version
    /// of a repository that may be seen has it, or the user sent it himself.
    fn unit(&self, column: &str, seen: Condition) -> Condition {
        let mut values = seen.values;
        values.push(self.user.into());
        Condition::new(
            format!(
                "EXISTS (SELECT 1 FROM membership xm
                     JOIN repository_version xv ON xv.repository_id = xm.repository_id
                                               AND xv.number = xm.added
                     WHERE xm.unit_id = {column} AND xm.repository_id IN ({}))
                 OR EXISTS (SELECT 1 FROM unit_uploader xu
                            WHERE xu.unit_id = {column} AND xu.user_id = ?)",
                seen.text
            ),
            values,
        )
    }

    /// The same, beginning with what may be seen.
    fn few_units(&self, column: &str, seen: Condition) -> Condition {
        let mut values = seen.values;
        values.push(self.user.into());
        Condition::new(
            format!(
                "{column} IN (SELECT xm.unit_id FROM repository_version xv
                     JOIN membership xm ON xm.repository_id = xv.repository_id
                                       AND xm.added = xv.number
                     WHERE xv.repository_id IN ({})
                     UNION ALL
                     SELECT xu.unit_id FROM unit_uploader xu WHERE xu.user_id = ?)",
                seen.text
            ),
            values,
        )
    }

    /// The same repositories by their numbers, where they are not too many: SQLite would ask
    /// for them again at each row.
    async fn few_repositories(&self, connection: &mut Connection) -> Result<Condition> {
        let seen = self.repositories();
        let found = sql(format!("{} LIMIT {}", seen.text, MOST_REPOSITORIES + 1))
            .bind_all(seen.values.clone())
            .scalars::<i64>(connection)
            .await?;
        if found.len() > MOST_REPOSITORIES {
            return Ok(seen);
        }
        let numbers: Vec<String> = found.iter().map(i64::to_string).collect();
        let numbers = if numbers.is_empty() {
            "NULL".to_owned()
        } else {
            numbers.join(",")
        };
        Ok(Condition::new(numbers, []))
    }

    /// About how many units these repositories have.
    async fn number_of_units(connection: &mut Connection, seen: &Condition) -> Result<i64> {
        // SQLite adds integers up to one, PostgreSQL to a decimal.
        sql(format!(
            "SELECT CAST(COALESCE(SUM(n.added), 0) AS BIGINT) FROM version_count n
             JOIN repository_version v ON v.id = n.version_id WHERE v.repository_id IN ({})",
            seen.text
        ))
        .bind_all(seen.values.clone())
        .scalar(connection)
        .await
    }
}

impl Access {
    /// What a user may do now.
    pub async fn of(connection: &mut Connection, user: &User) -> Result<Self> {
        if user.is_superuser {
            return Ok(Self::Everything);
        }
        let permissions = sql("SELECT p.permission FROM role_assignment a
             JOIN role_permission p ON p.role_id = a.role_id
             WHERE a.user_id = ? AND a.kind IS NULL
             UNION
             SELECT p.permission FROM group_member g
             JOIN role_assignment a ON a.group_id = g.group_id AND a.kind IS NULL
             JOIN role_permission p ON p.role_id = a.role_id WHERE g.user_id = ?")
        .quick()
        .bind(user.id)
        .bind(user.id)
        .scalars::<String>(connection)
        .await?;
        Ok(Self::Roles(Roles {
            user: user.id,
            permissions: permissions.into_iter().collect(),
        }))
    }

    /// Whether the caller is an administrator.
    pub fn is_everything(&self) -> bool {
        matches!(self, Self::Everything)
    }

    /// Whether the caller has a permission for all objects of its model.
    pub fn holds(&self, permission: &str) -> bool {
        match self {
            Self::Everything => true,
            Self::Roles(roles) => roles.permissions.contains(permission),
        }
    }

    /// The condition that a row may be seen whose table has this alias; none if all may.
    pub fn seen(&self, kind: Securable, alias: &str) -> Option<Condition> {
        self.allowed(kind, "view", alias)
    }

    /// The same as text alone, for what stands where no values can.
    pub fn seen_text(&self, kind: Securable, alias: &str) -> Option<String> {
        let Self::Roles(roles) = self else {
            return None;
        };
        let condition = roles.rows(kind, "view", alias)?;
        let all = roles.permissions_for(kind, "view");
        let quoted: Vec<String> = all
            .iter()
            .map(|one| format!("'{}'", one.replace('\'', "''")))
            .collect();
        let text = condition
            .text
            .replace("IN (?*)", &format!("IN ({})", quoted.join(", ")));
        Some(text.replace('?', &roles.user.to_string()))
    }

    /// The same for another verb.
    pub fn allowed(&self, kind: Securable, verb: &str, alias: &str) -> Option<Condition> {
        match self {
            Self::Everything => None,
            Self::Roles(roles) => roles.rows(kind, verb, alias),
        }
    }

    /// The same as [`seen`](Self::seen), for kinds of which one user may own very many.
    pub async fn seen_of_many(
        &self,
        connection: &mut Connection,
        kind: Securable,
        alias: &str,
    ) -> Result<Option<Condition>> {
        let (Self::Roles(roles), Some(few)) = (self, self.seen(kind, alias)) else {
            return Ok(None);
        };
        let own: i64 = sql(format!(
            "SELECT COUNT(*) FROM (SELECT 1 AS one FROM role_assignment
             WHERE user_id = ? AND kind = ? LIMIT {MANY}) o"
        ))
        .quick()
        .bind(roles.user)
        .bind(kind.table())
        .scalar(connection)
        .await?;
        if own < MANY {
            return Ok(Some(few));
        }
        let column = format!("{alias}.id");
        Ok(Some(Condition::new(
            is_assigned(kind, "view", &column),
            roles.both(),
        )))
    }

    /// The condition that a version of a repository may be seen (`column` is the repository's
    /// number).
    pub fn seen_repository(&self, column: &str) -> Option<Condition> {
        let Self::Roles(roles) = self else {
            return None;
        };
        let seen = roles.repositories();
        let text = format!("{column} IN ({})", seen.text);
        Some(Condition::new(text, seen.values))
    }

    /// The condition that a unit may be seen, where the way to it is known; `column` is its
    /// number.
    pub fn seen_unit(&self, column: &str) -> Option<Condition> {
        match self {
            Self::Everything => None,
            Self::Roles(roles) => Some(roles.unit(column, roles.repositories())),
        }
    }

    /// The same for a list of units, which may have to find its way by it.
    pub async fn seen_units(
        &self,
        connection: &mut Connection,
        column: &str,
    ) -> Result<Option<Condition>> {
        let Self::Roles(roles) = self else {
            return Ok(None);
        };
        let seen = roles.few_repositories(connection).await?;
        let is_few = Roles::number_of_units(connection, &seen).await? < FEW;
        Ok(Some(if is_few {
            roles.few_units(column, seen)
        } else {
            roles.unit(column, seen)
        }))
    }

    /// The condition that a stored file is the caller's own; `column` is its number.
    pub fn own_artifact(&self, column: &str) -> Option<Condition> {
        let Self::Roles(roles) = self else {
            return None;
        };
        Some(Condition::new(
            format!(
                "{column} IN (SELECT xu.artifact_id FROM artifact_uploader xu WHERE xu.user_id = ?)"
            ),
            [roles.user.into()],
        ))
    }

    /// The condition that all tasks of a group of tasks (`tg`) allow a verb.
    pub fn task_group(&self, verb: &str) -> Option<Condition> {
        let Self::Roles(roles) = self else {
            return None;
        };
        roles.rows(Securable::Task, verb, "xt")?;
        let both = roles.both();
        Some(Condition::new(
            format!(
                "tg.id IN (SELECT xt.group_id FROM task xt WHERE xt.id IN ({}))
                 AND NOT EXISTS (SELECT 1 FROM task xt WHERE xt.group_id = tg.id AND NOT {})",
                assigned(Securable::Task, verb),
                is_assigned(Securable::Task, verb, "xt.id")
            ),
            both.iter().cloned().chain(both.clone()),
        ))
    }

    /// What the caller may do with an object: names of permissions.
    pub async fn permissions_on(
        &self,
        connection: &mut Connection,
        object: &Object,
    ) -> Result<HashSet<String>> {
        let Self::Roles(roles) = self else {
            return Ok(HashSet::new());
        };
        let found = assigned_permissions(connection, roles, object.kind, &[object.id]).await?;
        let own = found.into_iter().map(|(_, permission)| permission);
        Ok(own.chain(roles.permissions.iter().cloned()).collect())
    }

    /// What the caller's roles for these objects say: the object and a permission.
    pub async fn assigned_permissions(
        &self,
        connection: &mut Connection,
        kind: Securable,
        ids: &[i64],
    ) -> Result<Vec<(i64, String)>> {
        match self {
            Self::Everything => Ok(Vec::new()),
            Self::Roles(roles) => assigned_permissions(connection, roles, kind, ids).await,
        }
    }

    /// Whether the caller may do something with an object.
    pub async fn may(
        &self,
        connection: &mut Connection,
        object: &Object,
        verb: &str,
    ) -> Result<bool> {
        if self.is_everything() || allows(|name| self.holds(name), &object.model, verb) {
            return Ok(true);
        }
        let permissions = self.permissions_on(connection, object).await?;
        Ok(allows(
            |name| permissions.contains(name),
            &object.model,
            verb,
        ))
    }

    /// Which of these units may be seen.
    pub async fn units_among(
        &self,
        connection: &mut Connection,
        units: &[UnitId],
    ) -> Result<HashSet<UnitId>> {
        let Some(seen) = self.seen_unit("u.id") else {
            return Ok(units.iter().copied().collect());
        };
        let mut found = HashSet::with_capacity(units.len());
        for part in units.chunks(1000) {
            let ids: Vec<i64> = part.iter().map(|id| id.0).collect();
            found.extend(
                sql(format!(
                    "SELECT u.id FROM unit u WHERE u.id IN (?*) AND ({})",
                    seen.text
                ))
                .bind(ids)
                .bind_all(seen.values.clone())
                .scalars::<UnitId>(connection)
                .await?,
            );
        }
        Ok(found)
    }

    /// Whether there is a row of a table, with an alias, for which these conditions hold.
    pub async fn any(
        connection: &mut Connection,
        from: &str,
        conditions: impl IntoIterator<Item = Condition>,
    ) -> Result<bool> {
        let conditions: Vec<Condition> = conditions.into_iter().collect();
        let texts: Vec<String> = conditions
            .iter()
            .map(|one| format!("({})", one.text))
            .collect();
        let found: Option<i64> = sql(format!(
            "SELECT 1 FROM {from} WHERE {} LIMIT 1",
            texts.join(" AND ")
        ))
        .bind_all(conditions.into_iter().flat_map(|one| one.values))
        .scalar_optional(connection)
        .await?;
        Ok(found.is_some())
    }
}

/// Whether permissions allow a verb on a model, by any of the names that it may have.
pub fn allows(has: impl Fn(&str) -> bool, model: &str, verb: &str) -> bool {
    let names = names_of(verb);
    let names = if names.is_empty() { &[verb][..] } else { names };
    names.iter().any(|name| has(&permission(model, name)))
}

async fn assigned_permissions(
    connection: &mut Connection,
    roles: &Roles,
    kind: Securable,
    ids: &[i64],
) -> Result<Vec<(i64, String)>> {
    let rows = sql(
        "SELECT DISTINCT a.object_id, p.permission FROM role_assignment a
         JOIN role_permission p ON p.role_id = a.role_id
         WHERE a.object_id IN (?*) AND a.kind = ?
           AND (a.user_id = ? OR a.group_id IN
                (SELECT g.group_id FROM group_member g WHERE g.user_id = ?))",
    )
    .quick()
    .bind(ids.to_vec())
    .bind(kind.table())
    .bind(roles.user)
    .bind(roles.user)
    .fetch_all(connection)
    .await?;
    rows.iter()
        .map(|row| Ok((row.get(0)?, row.get(1)?)))
        .collect()
}

/// Gives an object's maker the owner's role for it, if he is still there.
pub async fn own(connection: &mut Connection, user: UserId, object: &Object) -> Result<()> {
    sql(
        "INSERT INTO role_assignment (uuid, role_id, user_id, kind, object_id, model, pulp_created)
         SELECT ?, r.id, u.id, ?, ?, ?, ? FROM role r JOIN app_user u ON u.id = ?
         WHERE r.name = ?",
    )
    .quick()
    .bind(Uuid::now_v7())
    .bind(object.kind.table())
    .bind(object.id)
    .bind(object.model.as_str())
    .bind(Timestamp::now())
    .bind(user)
    .bind(owner_role(&object.model))
    .execute(connection)
    .await?;
    Ok(())
}

/// Notes who sent units, if he is still there.
pub async fn note_units(
    connection: &mut Connection,
    user: UserId,
    units: impl IntoIterator<Item = UnitId>,
) -> Result<()> {
    let known: Option<i64> = sql("SELECT id FROM app_user WHERE id = ?")
        .quick()
        .bind(user)
        .scalar_optional(connection)
        .await?;
    let units = units.into_iter().filter(|_| known.is_some());
    let rows = units.map(|unit| vec![unit.into(), user.into()]);
    insert_many(
        connection,
        "INSERT INTO unit_uploader (unit_id, user_id)",
        rows,
        "ON CONFLICT (unit_id, user_id) DO NOTHING",
    )
    .await?;
    Ok(())
}

/// Notes who sent a stored file, if he is still there.
pub async fn note_artifact(
    connection: &mut Connection,
    user: UserId,
    artifact: ArtifactId,
) -> Result<()> {
    sql("INSERT INTO artifact_uploader (artifact_id, user_id)
         SELECT a.id, u.id FROM artifact a JOIN app_user u ON u.id = ? WHERE a.id = ?
         ON CONFLICT (artifact_id, user_id) DO NOTHING")
    .bind(user)
    .bind(artifact)
    .execute(connection)
    .await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn roles(permissions: &[&str]) -> Access {
        Access::Roles(Roles {
            user: UserId(7),
            permissions: permissions.iter().map(|one| (*one).to_owned()).collect(),
        })
    }

    #[test]
    fn what_all_may_see_has_no_condition() {
        assert!(
            Access::Everything
                .seen(Securable::Repository, "r")
                .is_none()
        );
        let dispatcher = roles(&["core.view_task"]);
        assert!(dispatcher.seen(Securable::Task, "t").is_none());
        let own = roles(&[]).seen(Securable::Task, "t").unwrap();
        assert!(own.text.starts_with("t.id IN (SELECT"));
        assert_eq!(own.values.len(), 2);
    }

    #[test]
    fn permissions_for_a_type_are_no_permissions_for_another_kind() {
        let viewer = roles(&["file.view_filerepository", "file.view_fileremote"]);
        let condition = viewer.seen(Securable::Repository, "r").unwrap();
        let all = Value::from(vec!["file.view_filerepository".to_owned()]);
        assert_eq!(condition.values[0], all);
        assert!(
            condition
                .text
                .contains("|| 'repository') IN (?*) OR r.id IN")
        );
    }

    #[test]
    fn a_verb_is_allowed_by_any_of_its_names() {
        let has = |name: &str| name == "rpm.modify_content_rpmrepository";
        assert!(allows(has, "rpm.rpmrepository", "modify"));
        assert!(!allows(has, "rpm.rpmrepository", "sync"));
        let whole = |name: &str| name == "file.delete_filerepository";
        assert!(allows(whole, "file.filerepository", "delete_version"));
        let versions = |name: &str| name == "rpm.delete_rpmrepository_version";
        assert!(!allows(versions, "rpm.rpmrepository", "delete"));
    }
}
