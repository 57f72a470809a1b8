//! Groups of tasks: those of an atomic one succeed together or not at all.

use pith_model::task::Lock;
use pith_model::{TaskId, Timestamp};
use uuid::Uuid;

use crate::database::Connection;
use crate::error::Result;
use crate::list::{Column, Kind, Record, Selection, record, records};
use crate::row::Row;
use crate::statement::sql;
use crate::task::{self, Begin, Membership, NewTask, Place, Task};
use crate::task_lock;

/// A group's row.
#[derive(Clone, Debug)]
#[expect(missing_docs, reason = "the names are those of the API")]
pub struct Group {
    pub id: i64,
    pub uuid: Uuid,
    pub description: String,
    pub atomic: bool,
    pub pulp_created: Timestamp,
}

/// How many tasks of a group are in a state, as SQL.
macro_rules! count_of {
    ($state:literal) => {
        concat!(
            "(SELECT COUNT(*) FROM task x WHERE x.group_id = tg.id AND x.state = '",
            $state,
            "')"
        )
    };
}

impl Record for Group {
    const FROM: &'static str = "task_group tg";
    const KEY: &'static str = "tg.id";
    const COLUMNS: &'static [Column] = &[
        Column::new("", "tg.id", Kind::Integer),
        Column::new("pulp_id", "tg.uuid", Kind::Uuid),
        Column::new("description", "tg.description", Kind::Text),
        Column::new("atomic", "tg.atomic", Kind::Boolean),
        Column::new("pulp_created", "tg.pulp_created", Kind::Time),
    ];
    const FILTERS: &'static [Column] = &[
        Column::new("pk", "tg.uuid", Kind::Uuid),
        Column::new(
            "pulp_href",
            "'{root}task-groups/' || {uuid tg.uuid} || '/'",
            Kind::Text,
        ),
        Column::new("prn", "'prn:core.taskgroup:' || {uuid tg.uuid}", Kind::Text),
        Column::new("all_tasks_dispatched", "(tg.id > 0)", Kind::Boolean),
        Column::new("waiting", count_of!("waiting"), Kind::Integer),
        Column::new("skipped", count_of!("skipped"), Kind::Integer),
        Column::new("running", count_of!("running"), Kind::Integer),
        Column::new("completed", count_of!("completed"), Kind::Integer),
        Column::new("canceled", count_of!("canceled"), Kind::Integer),
        Column::new("failed", count_of!("failed"), Kind::Integer),
        Column::new("canceling", count_of!("canceling"), Kind::Integer),
    ];

    fn read(row: &Row) -> Result<Self> {
        Ok(Self {
            id: row.get(0)?,
            uuid: row.get(1)?,
            description: row.get(2)?,
            atomic: row.get(3)?,
            pulp_created: row.get(4)?,
        })
    }
}

/// The column of its UUID.
pub const UUID: &str = "tg.uuid";

/// A group by its UUID.
pub async fn by_uuid(connection: &mut Connection, uuid: Uuid) -> Result<Option<Group>> {
    record(connection, "tg.uuid = ?", [uuid.into()]).await
}

/// Makes a group with its tasks, in their order.
pub async fn insert(
    connection: &mut Connection,
    description: &str,
    atomic: bool,
    mut tasks: Vec<NewTask>,
) -> Result<(Uuid, Vec<TaskId>)> {
    let uuid = Uuid::now_v7();
    let group: i64 = sql(
        "INSERT INTO task_group (uuid, description, atomic, pulp_created) VALUES (?, ?, ?, ?)
         RETURNING id",
    )
    .bind(uuid)
    .bind(description)
    .bind(atomic)
    .bind(Timestamp::now())
    .scalar(connection)
    .await?;
    let locks: Vec<Vec<Lock>> = tasks
        .iter_mut()
        .map(|new| task_lock::tidy(std::mem::take(&mut new.locks)))
        .collect();
    // All queues are entered in one order, whatever the order of the tasks.
    let all = task_lock::tidy(locks.concat());
    task_lock::enter(connection, &all).await?;
    let ids = if atomic {
        insert_atomic(connection, group, tasks, &locks, &all).await?
    } else {
        insert_each(connection, group, tasks, &locks).await?
    };
    Ok((uuid, ids))
}

/// The first task gets the locks of all, the others notes of theirs.
async fn insert_atomic(
    connection: &mut Connection,
    group: i64,
    tasks: Vec<NewTask>,
    locks: &[Vec<Lock>],
    all: &[Lock],
) -> Result<Vec<TaskId>> {
    let granted = task_lock::could_grant(connection, all).await?;
    let waiting = granted.iter().filter(|granted| !**granted).count();
    let mut ids: Vec<TaskId> = Vec::with_capacity(tasks.len());
    for (new, own) in tasks.into_iter().zip(locks) {
        let reserved = task_lock::record_of(own);
        let (place, waiting) = match ids.first() {
            None => (Place::Leader, waiting),
            // Never granted: the first task takes it along.
            Some(leader) => (Place::Follower(*leader), 1),
        };
        let begin = Begin {
            waiting,
            locks: &[],
            worker: None,
            membership: Some(Membership { group, place }),
        };
        let id = task::insert_row(connection, new, reserved, begin).await?.id;
        if ids.is_empty() {
            task_lock::insert(connection, id, all, &granted).await?;
        } else {
            task_lock::note(connection, id, own).await?;
        }
        ids.push(id);
    }
    Ok(ids)
}

async fn insert_each(
    connection: &mut Connection,
    group: i64,
    tasks: Vec<NewTask>,
    locks: &[Vec<Lock>],
) -> Result<Vec<TaskId>> {
    let mut ids = Vec::with_capacity(tasks.len());
    let membership = Some(Membership {
        group,
        place: Place::Single,
    });
    for (new, own) in tasks.into_iter().zip(locks) {
        let granted = task_lock::could_grant(connection, own).await?;
        let waiting = granted.iter().filter(|granted| !**granted).count();
        let reserved = task_lock::record_of(own);
        let begin = Begin {
            waiting,
            locks: &[],
            worker: None,
            membership,
        };
        let id = task::insert_row(connection, new, reserved, begin).await?.id;
        task_lock::insert(connection, id, own, &granted).await?;
        ids.push(id);
    }
    Ok(ids)
}

/// How many tasks of each group are in which state: (group, state, count).
pub async fn counts(
    connection: &mut Connection,
    groups: &[i64],
) -> Result<Vec<(i64, String, i64)>> {
    let rows = sql(
        "SELECT group_id, state, COUNT(*) FROM task WHERE group_id IN (?*)
         GROUP BY group_id, state",
    )
    .bind(groups.to_vec())
    .fetch_all(connection)
    .await?;
    rows.iter()
        .map(|row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))
        .collect()
}

/// So many tasks of a group are shown with it; `tasks/?task_group=` lists all.
const SHOWN: usize = 1_000;

/// The first tasks of each group, in their order.
pub async fn first_tasks(connection: &mut Connection, groups: &[i64]) -> Result<Vec<Task>> {
    let mut selection = Selection::one("t.group_id IN (?*)", [groups.to_vec().into()]);
    selection.order = vec![("t.id".to_owned(), false)];
    selection.limit = i64::try_from(SHOWN * groups.len().min(10)).unwrap_or(i64::MAX);
    records(connection, &selection).await
}

/// The tasks of a group that are not over; of an atomic one the first stands for all.
pub async fn unfinished(connection: &mut Connection, group: i64) -> Result<Vec<TaskId>> {
    sql("SELECT DISTINCT COALESCE(leader_id, id) FROM task
         WHERE group_id = ? AND state IN ('waiting', 'running', 'canceling')")
    .bind(group)
    .scalars(connection)
    .await
}
