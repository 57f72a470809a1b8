//! Making a repository version: written in batches under a pending number, visible by
//! one row.

use std::collections::HashMap;
use std::sync::Arc;

use pith_db::content_type::TypeTable;
use pith_db::membership::{self, Counts};
use pith_db::repository::Repository;
use pith_db::{Connection, Transaction, version};
use pith_model::{RepositoryId, TaskId, UnitId, VersionId, WorkerId};
use roaring::RoaringTreemap;

use crate::Services;
use crate::changes::{Wanted, number, unit};
use crate::error::{Error, Result};

/// Rows of one transaction, so that other writers get their turn.
const BATCH: usize = 5_000;

/// A version that is written but not visible.
#[derive(Debug)]
pub struct Pending {
    repository: RepositoryId,
    /// Its number.
    pub number: i64,
    base_number: i64,
    counts: Vec<Counts>,
    retain: Option<i64>,
}

/// The version that a new one starts from, where that is not the newest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Base {
    /// Perhaps another repository than that of the new version.
    pub repository: RepositoryId,
    /// The version's number in it.
    pub number: i64,
}

/// Writes a version that no one sees yet; none if it would be the newest one again.
///
/// The caller holds the repository's exclusive lock, so nobody else does the same.
pub async fn prepare(
    services: &Services,
    repository: &Repository,
    base: Option<Base>,
    wanted: &Wanted,
    task: TaskId,
) -> Result<Option<Pending>> {
    let latest = repository
        .latest_version
        .ok_or_else(|| Error::internal("a repository without versions"))?;
    let tables = services.types.of_plugin(&repository.plugin);
    let newest = Base {
        repository: repository.id,
        number: latest,
    };
    let mut plan = match base.filter(|base| *base != newest) {
        None if !wanted.clear => small(services, repository.id, latest, wanted).await?,
        base => whole(services, repository.id, latest, base, wanted).await?,
    };
    plan.replace(services, &tables, repository.id, latest, wanted)
        .await?;
    if plan.add.is_empty() && plan.remove.is_empty() {
        return Ok(None);
    }
    let number = write(services, repository.id, task, &plan).await?;
    let checked = check(services, &tables, repository.id, number).await;
    if let Err(error) = checked {
        discard(services, repository.id, number).await?;
        return Err(error);
    }
    let counts = count(services, repository.id, latest, number).await?;
    Ok(Some(Pending {
        repository: repository.id,
        number,
        base_number: base
            .filter(|base| base.repository == repository.id)
            .map_or(latest, |base| base.number),
        counts,
        retain: repository.retain_repo_versions,
    }))
}

/// What changes against the newest version.
#[derive(Debug, Default)]
struct Plan {
    add: RoaringTreemap,
    remove: RoaringTreemap,
}

/// A change whose cost follows its own size, not the repository's.
async fn small(
    services: &Services,
    repository: RepositoryId,
    latest: i64,
    wanted: &Wanted,
) -> Result<Plan> {
    let mut connection = services.database.read().await?;
    let mut plan = Plan::default();
    for (ids, add) in [(&wanted.add, true), (&wanted.remove, false)] {
        let units: Vec<UnitId> = ids.iter().map(unit).collect();
        let present = membership::present(&mut connection, repository, latest, &units).await?;
        let present: RoaringTreemap = present.into_iter().map(number).collect();
        if add {
            plan.add = ids - present;
        } else {
            plan.remove = present;
        }
    }
    Ok(plan)
}

/// A change that has to look at the whole set: a mirror, or another base.
async fn whole(
    services: &Services,
    repository: RepositoryId,
    latest: i64,
    base: Option<Base>,
    wanted: &Wanted,
) -> Result<Plan> {
    let mut connection = services.database.read().await?;
    let present = set(&mut connection, repository, latest).await?;
    let start = match base {
        _ if wanted.clear => RoaringTreemap::new(),
        Some(base) => set(&mut connection, base.repository, base.number).await?,
        None => present.clone(),
    };
    let target = (start - &wanted.remove) | &wanted.add;
    Ok(Plan {
        add: &target - &present,
        remove: present - target,
    })
}

/// The units of a version: a few bits each.
async fn set(
    connection: &mut Connection,
    repository: RepositoryId,
    version: i64,
) -> Result<RoaringTreemap> {
    let mut set = RoaringTreemap::new();
    membership::for_each_unit(connection, repository, version, |unit| {
        set.insert(number(unit));
    })
    .await?;
    Ok(set)
}

impl Plan {
    /// A newcomer with the repository key of a unit that is there takes its place.
    async fn replace(
        &mut self,
        services: &Services,
        tables: &[Arc<TypeTable>],
        repository: RepositoryId,
        latest: i64,
        wanted: &Wanted,
    ) -> Result<()> {
        let newcomers: Vec<UnitId> = self.add.iter().map(unit).collect();
        let mut connection = services.database.read().await?;
        for table in tables.iter().filter(|table| has_repository_key(table)) {
            let clashes =
                membership::clashes(&mut connection, table, repository, latest, &newcomers).await?;
            for (newcomer, replaced) in clashes {
                if wanted.add.contains(number(replaced)) {
                    return Err(twins(&mut connection, table, newcomer, replaced).await?);
                }
                self.remove.insert(number(replaced));
            }
        }
        Ok(())
    }
}

fn has_repository_key(table: &TypeTable) -> bool {
    !table.content_type.repository_key.is_empty()
}

/// Writes the plan under a number that no version has; the number.
async fn write(
    services: &Services,
    repository: RepositoryId,
    task: TaskId,
    plan: &Plan,
) -> Result<i64> {
    let mut transaction = services.database.write().await?;
    let pending = version::take_number(&mut transaction, repository).await?;
    membership::begin(&mut transaction, repository, pending, task).await?;
    let adding: Vec<UnitId> = plan.add.iter().map(unit).collect();
    let removing: Vec<UnitId> = plan.remove.iter().map(unit).collect();
    for part in adding.chunks(BATCH) {
        membership::add(&mut transaction, repository, pending, part).await?;
        transaction = next_batch(services, transaction, repository, pending).await?;
    }
    for part in removing.chunks(BATCH) {
        membership::remove(&mut transaction, repository, pending, part).await?;
        transaction = next_batch(services, transaction, repository, pending).await?;
    }
    transaction.commit().await?;
    Ok(pending)
}

/// Lets other writers in between, and makes sure that this process was not given up.
async fn next_batch(
    services: &Services,
    transaction: Transaction,
    repository: RepositoryId,
    pending: i64,
) -> Result<Transaction> {
    transaction.commit().await?;
    let mut transaction = services.database.write().await?;
    if membership::is_pending(&mut transaction, repository, pending).await? {
        Ok(transaction)
    } else {
        Err(Error::cancelled("the task was taken from this process"))
    }
}

/// Takes back what was written.
pub async fn discard(services: &Services, repository: RepositoryId, number: i64) -> Result<()> {
    let mut transaction = services.database.write().await?;
    membership::clear(&mut transaction, repository, number).await?;
    Ok(transaction.commit().await?)
}

/// Takes back what a task was preparing, while its locks are still held.
pub async fn discard_of_task(services: &Services, task: TaskId) -> Result<()> {
    let mut connection = services.database.read().await?;
    let pending = membership::pending_of_task(&mut connection, task).await?;
    drop(connection);
    for (repository, number) in pending {
        discard(services, repository, number).await?;
    }
    Ok(())
}

/// Takes back what a dead process was preparing, while its tasks' locks are still held.
pub async fn discard_of_worker(services: &Services, worker: WorkerId) -> Result<()> {
    let mut connection = services.database.read().await?;
    let pending = membership::pending_of_worker(&mut connection, worker).await?;
    drop(connection);
    for (repository, number) in pending {
        discard(services, repository, number).await?;
    }
    Ok(())
}

/// Two units of one version must not have one repository key.
async fn check(
    services: &Services,
    tables: &[Arc<TypeTable>],
    repository: RepositoryId,
    number: i64,
) -> Result<()> {
    let mut connection = services.database.read().await?;
    for table in tables.iter().filter(|table| has_repository_key(table)) {
        let found = membership::twins(&mut connection, table, repository, number).await?;
        if let Some((one, other)) = found {
            return Err(twins(&mut connection, table, one, other).await?);
        }
    }
    Ok(())
}

async fn twins(
    connection: &mut Connection,
    table: &TypeTable,
    one: UnitId,
    other: UnitId,
) -> Result<Error> {
    let key = pith_db::unit::key_text(connection, table, one).await?;
    let uuids = pith_db::unit::uuids(connection, &[one, other]).await?;
    let named: Vec<String> = uuids.iter().map(|(uuid, _)| uuid.to_string()).collect();
    Ok(Error::conflict(format!(
        "two units of {} with the same {key} cannot be in one version: {}",
        table.full_name,
        named.join(" and ")
    )))
}

/// Counts the new version from the newest one's counts and the changes.
async fn count(
    services: &Services,
    repository: RepositoryId,
    latest: i64,
    pending: i64,
) -> Result<Vec<Counts>> {
    let mut connection = services.database.read().await?;
    let base = version::by_number(&mut connection, repository, latest)
        .await?
        .ok_or_else(|| Error::internal("a repository without its newest version"))?;
    let mut counts: HashMap<i64, Counts> = HashMap::new();
    for (_, old) in version::counts(&mut connection, &[base.id]).await? {
        let kept = Counts {
            added: 0,
            removed: 0,
            ..old
        };
        counts.insert(old.content_type, kept);
    }
    for change in membership::count_changes(&mut connection, repository, pending).await? {
        let entry = counts.entry(change.content_type).or_insert(Counts {
            content_type: change.content_type,
            ..Counts::default()
        });
        entry.added = change.added;
        entry.removed = change.removed;
        entry.present += change.added - change.removed;
    }
    let mut counts: Vec<Counts> = counts.into_values().collect();
    counts.retain(|one| (one.present, one.added, one.removed) != (0, 0, 0));
    counts.sort_by_key(|one| one.content_type);
    Ok(counts)
}

impl Pending {
    /// Makes it visible in the caller's transaction, which ends the task too.
    pub async fn publish(&self, connection: &mut Connection) -> Result<VersionId> {
        if !membership::is_pending(connection, self.repository, self.number).await? {
            return Err(Error::cancelled("the task was taken from this process"));
        }
        let id = version::insert(
            connection,
            self.repository,
            self.number,
            Some(self.base_number),
        )
        .await?;
        version::insert_counts(connection, id, &self.counts).await?;
        membership::end(connection, self.repository).await?;
        version::retain(connection, self.repository, self.retain).await?;
        pith_db::served::raise_epoch(connection).await?;
        Ok(id)
    }
}
