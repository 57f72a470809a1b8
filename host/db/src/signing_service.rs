//! Signing services: programs of this host that sign files, each with its public key.

use pith_model::{SigningServiceId, Timestamp};
use uuid::Uuid;

use crate::database::Connection;
use crate::error::Result;
use crate::list::{Column, Kind, Record, record};
use crate::row::Row;
use crate::statement::sql;

/// A signing service's row.
#[derive(Clone, Debug)]
#[expect(missing_docs, reason = "the names are those of the API")]
pub struct SigningService {
    pub id: SigningServiceId,
    pub uuid: Uuid,
    pub name: String,
    pub public_key: String,
    pub pubkey_fingerprint: String,
    pub script: String,
    pub pulp_created: Timestamp,
    pub pulp_last_updated: Timestamp,
}

impl Record for SigningService {
    const FROM: &'static str = "signing_service s";
    const KEY: &'static str = "s.id";
    const COLUMNS: &'static [Column] = &[
        Column::new("", "s.id", Kind::Integer),
        Column::new("pulp_id", "s.uuid", Kind::Uuid).indexed(),
        Column::new("name", "s.name", Kind::Text).indexed(),
        Column::new("public_key", "s.public_key", Kind::Text),
        Column::new("pubkey_fingerprint", "s.pubkey_fingerprint", Kind::Text),
        Column::new("script", "s.script", Kind::Text),
        Column::new("pulp_created", "s.pulp_created", Kind::Time),
        Column::new("pulp_last_updated", "s.pulp_last_updated", Kind::Time),
    ];
    const FILTERS: &'static [Column] = &[
        Column::new("pk", "s.uuid", Kind::Uuid),
        Column::new(
            "pulp_href",
            "'{root}signing-services/' || {uuid s.uuid} || '/'",
            Kind::Text,
        ),
        Column::new(
            "prn",
            "'prn:core.asciiarmoreddetachedsigningservice:' || {uuid s.uuid}",
            Kind::Text,
        ),
    ];

    fn read(row: &Row) -> Result<Self> {
        Ok(Self {
            id: row.get(0)?,
            uuid: row.get(1)?,
            name: row.get(2)?,
            public_key: row.get(3)?,
            pubkey_fingerprint: row.get(4)?,
            script: row.get(5)?,
            pulp_created: row.get(6)?,
            pulp_last_updated: row.get(7)?,
        })
    }
}

/// The column of its UUID.
pub const UUID: &str = "s.uuid";

/// A signing service by its UUID.
pub async fn by_uuid(connection: &mut Connection, uuid: Uuid) -> Result<Option<SigningService>> {
    record(connection, "s.uuid = ?", [uuid.into()]).await
}

/// A signing service by its name.
pub async fn by_name(connection: &mut Connection, name: &str) -> Result<Option<SigningService>> {
    record(connection, "s.name = ?", [name.into()]).await
}

/// Makes a signing service.
pub async fn insert(
    connection: &mut Connection,
    name: &str,
    script: &str,
    public_key: &str,
    fingerprint: &str,
) -> Result<Uuid> {
    let uuid = Uuid::now_v7();
    let now = Timestamp::now();
    sql(
        "INSERT INTO signing_service (uuid, name, public_key, pubkey_fingerprint, script,
             pulp_created, pulp_last_updated)
         VALUES (?, ?, ?, ?, ?, ?, ?)",
    )
    .bind(uuid)
    .bind(name)
    .bind(public_key)
    .bind(fingerprint)
    .bind(script)
    .bind(now)
    .bind(now)
    .execute(connection)
    .await?;
    Ok(uuid)
}

/// Removes a signing service.
pub async fn delete(connection: &mut Connection, id: SigningServiceId) -> Result<()> {
    sql("DELETE FROM signing_service WHERE id = ?")
        .bind(id)
        .execute(connection)
        .await?;
    Ok(())
}
