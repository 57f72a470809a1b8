//! Follows what other servers of the same database changed.

use std::time::Duration;

use bytes::Bytes;
use pith_content::types::Types;
use pith_db::Dialect;
use pith_db::component::{self, Component};
use tokio::time::{MissedTickBehavior, interval};

use super::{Components, Error, overrides};

/// How often the number of changes is asked for: a change is seen within a second.
const LOOK: Duration = Duration::from_millis(400);

impl Components {
    /// Looks for changes of other servers until the process ends. A file of SQLite has one.
    pub(super) async fn follow(self) {
        if self.0.services.database.dialect() == Dialect::Sqlite {
            return;
        }
        let mut tick = interval(LOOK);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tick.tick().await;
            if let Err(error) = self.look().await {
                tracing::warn!(%error, "could not look for plugins that changed: {error}");
            }
        }
    }

    async fn look(&self) -> Result<(), Error> {
        let mut connection = self.0.services.database.read().await?;
        let epoch = component::epoch(&mut connection).await?;
        drop(connection);
        if epoch == self.known().epoch {
            return Ok(());
        }
        self.synchronize().await
    }

    /// Brings this process to what the rows say. A component that cannot be loaded here is
    /// told of and tried again when something changes; what was in service goes on.
    pub(super) async fn synchronize(&self) -> Result<(), Error> {
        let _turn = self.0.turn.lock().await;
        let mut connection = self.0.services.database.read().await?;
        // Before the rows: what changes meanwhile is found the next time.
        let epoch = component::epoch(&mut connection).await?;
        let rows = component::all(&mut connection).await?;
        drop(connection);
        for row in &rows {
            if let Err(error) = self.bring_up(row).await {
                tracing::error!(
                    plugin.name = row.name, %error,
                    "the plugin {} {} cannot be loaded: {error}", row.name, row.version
                );
                self.note_problem(&row.name, &row.name, &error);
            }
        }
        let known: Vec<String> = self.known().generations.keys().cloned().collect();
        for name in known {
            if rows.iter().all(|row| row.name != name) {
                self.put_out_of_service(&name);
            }
        }
        self.known().epoch = epoch;
        Ok(())
    }

    async fn bring_up(&self, row: &Component) -> Result<(), Error> {
        let has_it = {
            let known = self.known();
            let generation = known.generations.get(&row.name);
            generation.is_some_and(|(generation, _)| generation.sha256() == row.digest)
        };
        if has_it {
            self.apply_options(row);
            return Ok(());
        }
        let mut connection = self.0.services.database.read().await?;
        let Some(bytes) = component::bytes(&mut connection, row.digest).await? else {
            // It was replaced meanwhile; the next look finds the other.
            return Ok(());
        };
        drop(connection);
        let limits = overrides::apply(&self.0.defaults, &row.limits);
        let loaded = self.0.loader.load(&row.name, Bytes::from(bytes), limits);
        let generation = loaded.await?;
        let mut transaction = self.0.services.database.write_durably().await?;
        let prepared = Types::prepare(&mut transaction, generation.descriptor()).await?;
        transaction.commit().await?;
        self.put_in_service(&generation, row, prepared);
        self.forget_problem(&row.name);
        Ok(())
    }
}
