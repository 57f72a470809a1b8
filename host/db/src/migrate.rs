//! Brings a database to the shape that this program expects.
//!
//! A migration is a file in `migrations/`, the same for both databases; it is applied
//! in one transaction and never changed afterwards.

use pith_model::Timestamp;
use pith_model::access::core_roles;

use crate::database::{Database, Transaction};
use crate::dialect::Dialect;
use crate::error::{Error, Result};
use crate::role;
use crate::statement::sql;

const MIGRATIONS: &[(i64, &str, &str)] = &[
    (1, "ground", include_str!("../migrations/0001_ground.sql")),
    (2, "upload", include_str!("../migrations/0002_upload.sql")),
    (3, "tasks", include_str!("../migrations/0003_tasks.sql")),
    (
        4,
        "component",
        include_str!("../migrations/0004_component.sql"),
    ),
    (5, "profile", include_str!("../migrations/0005_profile.sql")),
    (
        6,
        "fragment",
        include_str!("../migrations/0006_fragment.sql"),
    ),
    (
        7,
        "logging_cid",
        include_str!("../migrations/0007_logging_cid.sql"),
    ),
    (8, "term", include_str!("../migrations/0008_term.sql")),
    (
        9,
        "signing_service",
        include_str!("../migrations/0009_signing_service.sql"),
    ),
    (
        10,
        "published",
        include_str!("../migrations/0010_published.sql"),
    ),
    (11, "access", include_str!("../migrations/0011_access.sql")),
    (13, "entity", include_str!("../migrations/0013_entity.sql")),
    (
        14,
        "fragment_dictionary",
        include_str!("../migrations/0014_fragment_dictionary.sql"),
    ),
    (
        15,
        "task_pages",
        include_str!("../migrations/0015_task_pages.sql"),
    ),
    (
        16,
        "entity_file",
        include_str!("../migrations/0016_entity_file.sql"),
    ),
    (
        17,
        "last_sync",
        include_str!("../migrations/0017_last_sync.sql"),
    ),
];

/// Any number that other programs on the same server are unlikely to use.
const ADVISORY_LOCK: i64 = 0x7069_7468_0001;

/// Applies what is missing; how many were.
pub async fn migrate(database: &Database) -> Result<usize> {
    let mut transaction = database.write_durably().await?;
    lock(&mut transaction).await?;
    let table = transaction.dialect().ddl(
        "CREATE TABLE IF NOT EXISTS migration
         (number {int} PRIMARY KEY, name {text} NOT NULL, applied {int} NOT NULL)",
    );
    transaction.run_script(&table).await?;
    let have: i64 = sql("SELECT COALESCE(MAX(number), 0) FROM migration")
        .scalar(&mut transaction)
        .await?;
    let newest = MIGRATIONS.last().map_or(0, |(number, ..)| *number);
    if have > newest {
        return Err(Error::Unexpected(
            format!(
                "it was migrated by a newer Pith (to {have}, this one knows {newest}); \
                 start that version"
            )
            .into(),
        ));
    }
    let mut applied = 0;
    for (number, name, text) in MIGRATIONS.iter().filter(|(number, ..)| *number > have) {
        let script = transaction.dialect().ddl(text);
        transaction.run_script(&script).await?;
        sql("INSERT INTO migration (number, name, applied) VALUES (?, ?, ?)")
            .bind(*number)
            .bind(*name)
            .bind(Timestamp::now())
            .execute(&mut transaction)
            .await?;
        tracing::info!(number, name, "applied migration {number} ({name})");
        applied += 1;
    }
    role::ensure(&mut transaction, &core_roles()).await?;
    transaction.commit().await?;
    Ok(applied)
}

/// Two servers that start at once migrate one after the other.
async fn lock(transaction: &mut Transaction) -> Result<()> {
    if transaction.dialect() == Dialect::Postgres {
        sql("SELECT pg_advisory_xact_lock(?)")
            .bind(ADVISORY_LOCK)
            .execute(transaction)
            .await?;
    }
    Ok(())
}
