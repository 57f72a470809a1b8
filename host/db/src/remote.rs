//! Remotes: where content comes from. Secrets are sealed before they come here.

use pith_model::reference::{Kind as ResourceKind, typed_prn};
use pith_model::{RemoteId, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::Value as JsonValue;
use uuid::Uuid;

use crate::database::Connection;
use crate::error::Result;
use crate::list::{Column, Condition, Kind, Record, record};
use crate::row::Row;
use crate::statement::{Value, sql};

/// A remote's row.
#[derive(Clone, Debug)]
#[expect(missing_docs, reason = "the names are those of the API")]
pub struct Remote {
    pub id: RemoteId,
    pub uuid: Uuid,
    pub plugin: String,
    pub type_name: String,
    pub pulp_created: Timestamp,
    pub pulp_last_updated: Timestamp,
    pub settings: Settings,
}

/// What a user can set.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the names are those of the API")]
pub struct Settings {
    pub name: String,
    pub pulp_labels: JsonValue,
    pub url: String,
    pub policy: String,
    pub ca_cert: Option<String>,
    pub client_cert: Option<String>,
    pub tls_validation: bool,
    pub proxy_url: Option<String>,
    /// `[{"name": "value"}, …]`
    pub headers: JsonValue,
    pub download_concurrency: Option<i64>,
    pub max_retries: Option<i64>,
    /// In seconds, as the other times.
    pub total_timeout: Option<f64>,
    pub connect_timeout: Option<f64>,
    pub sock_connect_timeout: Option<f64>,
    pub sock_read_timeout: Option<f64>,
    pub rate_limit: Option<i64>,
    /// Sealed; see `pith-content`'s `seal`.
    pub secrets: Option<Vec<u8>>,
    /// The names of the secrets that are set.
    pub secret_names: JsonValue,
    pub config: JsonValue,
}

impl Remote {
    /// By which locks and other servers know it.
    pub fn prn(&self) -> String {
        typed_prn(
            ResourceKind::Remote,
            &self.plugin,
            &self.type_name,
            self.uuid,
        )
    }
}

impl Record for Remote {
    const FROM: &'static str = "remote m";
    const KEY: &'static str = "m.id";
    const COLUMNS: &'static [Column] = &[
        Column::new("", "m.id", Kind::Integer),
        Column::new("pulp_id", "m.uuid", Kind::Uuid).indexed(),
        Column::new("", "m.plugin", Kind::Text),
        Column::new("", "m.type_name", Kind::Text),
        Column::new("pulp_created", "m.pulp_created", Kind::Time),
        Column::new("pulp_last_updated", "m.pulp_last_updated", Kind::Time),
        Column::new("name", "m.name", Kind::Text).indexed(),
        Column::new("", "m.pulp_labels", Kind::Json),
        Column::new("url", "m.url", Kind::Text),
        Column::new("policy", "m.policy", Kind::Text),
        Column::new("ca_cert", "m.ca_cert", Kind::Text),
        Column::new("client_cert", "m.client_cert", Kind::Text),
        Column::new("tls_validation", "m.tls_validation", Kind::Boolean),
        Column::new("proxy_url", "m.proxy_url", Kind::Text),
        Column::new("", "m.headers", Kind::Json),
        Column::new(
            "download_concurrency",
            "m.download_concurrency",
            Kind::Integer,
        ),
        Column::new("max_retries", "m.max_retries", Kind::Integer),
        Column::new("total_timeout", "m.total_timeout", Kind::Real),
        Column::new("connect_timeout", "m.connect_timeout", Kind::Real),
        Column::new("sock_connect_timeout", "m.sock_connect_timeout", Kind::Real),
        Column::new("sock_read_timeout", "m.sock_read_timeout", Kind::Real),
        Column::new("rate_limit", "m.rate_limit", Kind::Integer),
        Column::new("", "m.secrets", Kind::Hex),
        Column::new("", "m.secret_names", Kind::Json),
        Column::new("", "m.config", Kind::Json),
    ];
    const FILTERS: &'static [Column] = &[
        Column::new("pk", "m.uuid", Kind::Uuid),
        Column::new(
            "pulp_href",
            "'{root}remotes/' || m.plugin || '/' || m.type_name || '/' || {uuid m.uuid} || '/'",
            Kind::Text,
        ),
        Column::new(
            "prn",
            "'prn:' || m.plugin || '.' || m.type_name || 'remote:' || {uuid m.uuid}",
            Kind::Text,
        ),
        Column::new("pulp_type", "m.plugin || '.' || m.type_name", Kind::Text),
        Column::new("pulp_labels", "m.pulp_labels", Kind::Json),
        Column::new("headers", "m.headers", Kind::Json),
    ];

    fn read(row: &Row) -> Result<Self> {
        Ok(Self {
            id: row.get(0)?,
            uuid: row.get(1)?,
            plugin: row.get(2)?,
            type_name: row.get(3)?,
            pulp_created: row.get(4)?,
            pulp_last_updated: row.get(5)?,
            settings: Settings {
                name: row.get(6)?,
                pulp_labels: row.get(7)?,
                url: row.get(8)?,
                policy: row.get(9)?,
                ca_cert: row.get(10)?,
                client_cert: row.get(11)?,
                tls_validation: row.get(12)?,
                proxy_url: row.get(13)?,
                headers: row.get(14)?,
                download_concurrency: row.get(15)?,
                max_retries: row.get(16)?,
                total_timeout: row.get(17)?,
                connect_timeout: row.get(18)?,
                sock_connect_timeout: row.get(19)?,
                sock_read_timeout: row.get(20)?,
                rate_limit: row.get(21)?,
                secrets: row.get(22)?,
                secret_names: row.get(23)?,
                config: row.get(24)?,
            },
        })
    }
}

/// The columns of [`Settings`], in the order of [`values`].
const SETTINGS: &str = "name, pulp_labels, url, policy, ca_cert, client_cert, tls_validation,
    proxy_url, headers, download_concurrency, max_retries, total_timeout, connect_timeout,
    sock_connect_timeout, sock_read_timeout, rate_limit, secrets, secret_names, config";

fn values(settings: &Settings) -> [Value; 19] {
    [
        settings.name.as_str().into(),
        settings.pulp_labels.clone().into(),
        settings.url.as_str().into(),
        settings.policy.as_str().into(),
        settings.ca_cert.clone().into(),
        settings.client_cert.clone().into(),
        settings.tls_validation.into(),
        settings.proxy_url.clone().into(),
        settings.headers.clone().into(),
        settings.download_concurrency.into(),
        settings.max_retries.into(),
        settings.total_timeout.into(),
        settings.connect_timeout.into(),
        settings.sock_connect_timeout.into(),
        settings.sock_read_timeout.into(),
        settings.rate_limit.into(),
        settings.secrets.clone().into(),
        settings.secret_names.clone().into(),
        settings.config.clone().into(),
    ]
}

/// The column of its UUID.
pub const UUID: &str = "m.uuid";

/// The column of its labels.
pub const LABELS: &str = "m.pulp_labels";

/// The column of its plugin's settings.
pub const CONFIG: &str = "m.config";

/// The condition that a row is of a plugin's type.
pub fn of_type(plugin: &str, type_name: &str) -> Condition {
    Condition::new(
        "m.plugin = ? AND m.type_name = ?",
        [plugin.into(), type_name.into()],
    )
}

/// A remote by its UUID.
pub async fn by_uuid(connection: &mut Connection, uuid: Uuid) -> Result<Option<Remote>> {
    record(connection, "m.uuid = ?", [uuid.into()]).await
}

/// A remote by its number.
pub async fn by_id(connection: &mut Connection, id: RemoteId) -> Result<Option<Remote>> {
    record(connection, "m.id = ?", [id.into()]).await
}

/// Makes a remote.
pub async fn insert(
    connection: &mut Connection,
    plugin: &str,
    type_name: &str,
    settings: &Settings,
) -> Result<RemoteId> {
    let now = Timestamp::now();
    let marks = vec!["?"; 19].join(", ");
    sql(format!(
        "INSERT INTO remote (uuid, plugin, type_name, pulp_created, pulp_last_updated, {SETTINGS})
         VALUES (?, ?, ?, ?, ?, {marks}) RETURNING id"
    ))
    .bind(Uuid::now_v7())
    .bind(plugin)
    .bind(type_name)
    .bind(now)
    .bind(now)
    .bind_all(values(settings))
    .scalar(connection)
    .await
}

/// Changes what a user can set.
pub async fn update(connection: &mut Connection, id: RemoteId, settings: &Settings) -> Result<()> {
    let columns: Vec<String> = SETTINGS
        .split(',')
        .map(|name| format!("{} = ?", name.trim()))
        .collect();
    sql(format!(
        "UPDATE remote SET pulp_last_updated = ?, {} WHERE id = ?",
        columns.join(", ")
    ))
    .bind(Timestamp::now())
    .bind_all(values(settings))
    .bind(id)
    .execute(connection)
    .await?;
    Ok(())
}

/// Changes labels alone. The remote counts as unchanged: what was synced is not stale.
pub async fn set_labels(
    connection: &mut Connection,
    id: RemoteId,
    labels: &JsonValue,
) -> Result<()> {
    sql("UPDATE remote SET pulp_labels = ? WHERE id = ?")
        .bind(labels.clone())
        .bind(id)
        .execute(connection)
        .await?;
    Ok(())
}

/// Removes a remote; units that only it could fetch stay, but cannot be fetched.
pub async fn delete(connection: &mut Connection, id: RemoteId) -> Result<bool> {
    let deleted = sql("DELETE FROM remote WHERE id = ?")
        .bind(id)
        .execute(connection)
        .await?;
    Ok(deleted > 0)
}
