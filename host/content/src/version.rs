//! Making a repository version: written in batches under a pending number, visible by
//! one row.

use std::collections::HashMap;
use std::sync::Arc;

use pith_db::content_type::TypeTable;
use pith_db::membership::{self, Counts};
use pith_db::repository::Repository;
use pith_db::{Connection, Transaction, order_key, version};
use pith_model::{RepositoryId, TaskId, UnitId, VersionId, WorkerId};
use roaring::RoaringTreemap;

use crate::Services;
use crate::changes::{Wanted, number, unit};
use crate::error::{Error, Result};

/// Rows of one transaction, so that other writers get their turn.
const BATCH: usize = 5_000;

/// What a repository's next version is compared with: its newest version, or one that the
/// same group of tasks is preparing.
#[derive(Clone, Debug)]
pub struct Head {
    /// Its number.
    pub number: i64,
    counts: Vec<Counts>,
}

impl Head {
    /// The newest version that can be seen.
    pub async fn visible(services: &Services, repository: RepositoryId) -> Result<Self> {
        let mut connection = services.database.read().await?;
        let version = version::latest(&mut connection, repository)
            .await?
            .ok_or_else(|| Error::internal("a repository without versions"))?;
        let counts = version::counts(&mut connection, &[version.id]).await?;
        Ok(Self {
            number: version.number,
            counts: counts.into_iter().map(|(_, counts)| counts).collect(),
        })
    }

    /// How many units it has, of a type or of all.
    fn present(&self, content_type: Option<i64>) -> i64 {
        self.counts
            .iter()
            .filter(|one| content_type.is_none_or(|wanted| wanted == one.content_type))
            .map(|one| one.present)
            .sum()
    }
}

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
    head: &Head,
    base: Option<Base>,
    wanted: &Wanted,
    task: TaskId,
) -> Result<Option<Pending>> {
    let newest = Base {
        repository: repository.id,
        number: head.number,
    };
    let size = wanted.add.len() + wanted.remove.len();
    let is_small = size < u64::try_from(head.present(None) / 8).unwrap_or(0);
    let plan = match base.filter(|base| *base != newest) {
        None if !wanted.clear && is_small => small(services, newest, wanted).await?,
        base => whole(services, newest, base, wanted).await?,
    };
    if plan.add.is_empty() && plan.remove.is_empty() {
        return Ok(None);
    }
    let mut transaction = services.database.write().await?;
    let number = version::take_number(&mut transaction, repository.id).await?;
    membership::begin(&mut transaction, repository.id, number, task).await?;
    let written = write(
        services,
        transaction,
        repository,
        head,
        number,
        plan,
        wanted,
    )
    .await;
    let counts = match written {
        // The newcomers may all be too old to stay.
        Ok(counts) if wanted.retain && counts.iter().all(is_unchanged) => {
            discard(services, repository.id, number).await?;
            return Ok(None);
        }
        Ok(counts) => counts,
        Err(error) => {
            discard(services, repository.id, number).await?;
            return Err(error);
        }
    };
    Ok(Some(Pending {
        repository: repository.id,
        number,
        base_number: base
            .filter(|base| base.repository == repository.id)
            .map_or(head.number, |base| base.number),
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
async fn small(services: &Services, newest: Base, wanted: &Wanted) -> Result<Plan> {
    let mut connection = services.database.read().await?;
    let mut plan = Plan::default();
    for (ids, add) in [(&wanted.add, true), (&wanted.remove, false)] {
        let units: Vec<UnitId> = ids.iter().map(unit).collect();
        let present =
            membership::present(&mut connection, newest.repository, newest.number, &units).await?;
        let present: RoaringTreemap = present.into_iter().map(number).collect();
        if add {
            plan.add = ids - present;
        } else {
            plan.remove = present;
        }
    }
    Ok(plan)
}

/// A change that has to look at the whole set: a mirror, another base, or much of it.
async fn whole(
    services: &Services,
    newest: Base,
    base: Option<Base>,
    wanted: &Wanted,
) -> Result<Plan> {
    let mut connection = services.database.read().await?;
    let present = set(&mut connection, newest.repository, newest.number).await?;
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
pub(crate) async fn set(
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

/// The units of a version.
pub async fn contained(services: &Services, version: Base) -> Result<RoaringTreemap> {
    let mut connection = services.database.read().await?;
    set(&mut connection, version.repository, version.number).await
}

fn has_repository_key(table: &TypeTable) -> bool {
    !table.content_type.repository_key.is_empty()
}

/// Writes the plan under that number; what the version will count.
async fn write(
    services: &Services,
    mut transaction: Transaction,
    repository: &Repository,
    head: &Head,
    pending: i64,
    mut plan: Plan,
    wanted: &Wanted,
) -> Result<Vec<Counts>> {
    let tables = services.types.of_plugin(&repository.plugin);
    let adding: Vec<UnitId> = plan.add.iter().map(unit).collect();
    for (at, part) in adding.chunks(BATCH).enumerate() {
        if at > 0 {
            transaction = next_batch(services, transaction, repository.id, pending).await?;
        }
        membership::add(&mut transaction, repository.id, pending, part).await?;
    }
    let newest = (repository.id, head);
    if adding.len() > BATCH {
        // A long question is not asked where it would keep other writers waiting.
        transaction.commit().await?;
        let mut connection = services.database.read().await?;
        let replaced = replaced(&mut connection, &tables, newest, pending, (wanted, &plan)).await?;
        plan.remove |= replaced;
        drop(connection);
        transaction = batch(services, repository.id, pending).await?;
    } else if !adding.is_empty() {
        let replaced =
            replaced(&mut transaction, &tables, newest, pending, (wanted, &plan)).await?;
        plan.remove |= replaced;
    }
    let removing: Vec<UnitId> = plan.remove.iter().map(unit).collect();
    for (at, part) in removing.chunks(BATCH).enumerate() {
        if at > 0 {
            transaction = next_batch(services, transaction, repository.id, pending).await?;
        }
        membership::remove(&mut transaction, repository.id, pending, part).await?;
    }
    transaction.commit().await?;
    if wanted.retain {
        retain(services, &tables, repository, pending).await?;
    }
    let counts = count(services, repository.id, head, pending).await?;
    if !wanted.of_one_version {
        check(services, &tables, (repository.id, pending), &counts).await?;
    }
    Ok(counts)
}

/// A newcomer with the repository key of a unit that is there takes its place.
async fn replaced(
    connection: &mut Connection,
    tables: &[Arc<TypeTable>],
    (repository, head): (RepositoryId, &Head),
    pending: i64,
    (wanted, plan): (&Wanted, &Plan),
) -> Result<RoaringTreemap> {
    let mut old = RoaringTreemap::new();
    let tables = tables.iter().filter(|table| has_repository_key(table));
    for table in tables.filter(|table| head.present(Some(table.id)) > 0) {
        let clashes =
            membership::clashes(connection, table, repository, head.number, pending).await?;
        for (newcomer, replaced) in clashes {
            if wanted.add.contains(number(replaced)) {
                return Err(twins(connection, table, newcomer, replaced).await?);
            }
            if wanted.keep && !plan.remove.contains(number(replaced)) {
                return Err(overwritten(connection, table, replaced).await?);
            }
            old.insert(number(replaced));
        }
    }
    Ok(old)
}

/// Takes out what is older than the repository's settings let stay.
async fn retain(
    services: &Services,
    tables: &[Arc<TypeTable>],
    repository: &Repository,
    pending: i64,
) -> Result<()> {
    for table in tables {
        for key in &table.content_type.order_keys {
            let Some(retained) = key.retained(&repository.config) else {
                continue;
            };
            let mut connection = services.database.read().await?;
            let version = (repository.id, pending);
            let old = order_key::beyond(&mut connection, table, version, key, retained).await?;
            drop(connection);
            for part in old.chunks(BATCH) {
                let mut transaction = batch(services, repository.id, pending).await?;
                membership::take_out(&mut transaction, repository.id, pending, part).await?;
                transaction.commit().await?;
            }
        }
    }
    Ok(())
}

fn is_unchanged(counts: &Counts) -> bool {
    counts.added == 0 && counts.removed == 0
}

/// Lets other writers in between.
async fn next_batch(
    services: &Services,
    transaction: Transaction,
    repository: RepositoryId,
    pending: i64,
) -> Result<Transaction> {
    transaction.commit().await?;
    batch(services, repository, pending).await
}

/// A transaction for more of a version, if this process was not given up.
async fn batch(services: &Services, repository: RepositoryId, pending: i64) -> Result<Transaction> {
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
    (repository, number): (RepositoryId, i64),
    counts: &[Counts],
) -> Result<()> {
    let is_in_question = |table: &&Arc<TypeTable>| {
        let mut counts = counts.iter();
        has_repository_key(table) && counts.any(|one| one.content_type == table.id && one.added > 1)
    };
    let mut connection = services.database.read().await?;
    for table in tables.iter().filter(is_in_question) {
        let found = membership::twins(&mut connection, table, repository, number).await?;
        if let Some((one, other)) = found {
            return Err(twins(&mut connection, table, one, other).await?);
        }
    }
    Ok(())
}

/// Says which unit would have to give way.
async fn overwritten(
    connection: &mut Connection,
    table: &TypeTable,
    replaced: UnitId,
) -> Result<Error> {
    let key = pith_db::unit::key_text(connection, table, replaced).await?;
    let uuids = pith_db::unit::uuids(connection, &[replaced]).await?;
    let named = uuids.first().map(|(uuid, _)| uuid.to_string());
    Ok(Error::conflict(format!(
        "the repository has a unit of {} with the same {key}, which is not to be overwritten: {}",
        table.full_name,
        named.unwrap_or_default()
    )))
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
    head: &Head,
    pending: i64,
) -> Result<Vec<Counts>> {
    let mut connection = services.database.read().await?;
    let mut counts: HashMap<i64, Counts> = HashMap::new();
    for old in &head.counts {
        let kept = Counts {
            added: 0,
            removed: 0,
            ..*old
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
    /// What the repository's version after this one is compared with.
    pub fn head(&self) -> Head {
        Head {
            number: self.number,
            counts: self.counts.clone(),
        }
    }

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
        membership::end(connection, self.repository, self.number).await?;
        version::retain(connection, self.repository, self.retain).await?;
        pith_db::served::raise_epoch(connection).await?;
        Ok(id)
    }
}
