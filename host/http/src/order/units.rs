//! From the units that a client names to their rows.

use pith_db::access::Access;
use pith_db::{Connection, unit};
use pith_model::UnitId;
use pith_model::reference::Kind;
use pith_model::{Reference, Root};
use serde_json::Value;
use uuid::Uuid;

use crate::app::App;
use crate::error::Result;
use crate::form::Form;

/// How many wrong references are told; the rest are counted.
const TOLD: usize = 20;

/// Finds the rows of units.
pub(crate) struct Units<'a> {
    pub(crate) app: &'a App,
    pub(crate) access: &'a Access,
    pub(crate) plugin: &'a str,
    pub(crate) connection: &'a mut Connection,
}

impl Units<'_> {
    /// The rows of references; whatever is wrong is noted.
    pub(crate) async fn resolve(
        &mut self,
        form: &mut Form,
        field: &str,
        references: &[Value],
    ) -> Result<Vec<i64>> {
        let uuids: Vec<Option<Uuid>> = references.iter().map(uuid_of).collect();
        let mut known: Vec<Uuid> = uuids.iter().flatten().copied().collect();
        let all_known = known.len() == references.len();
        known.sort_unstable();
        known.dedup();
        let mut ids = Vec::with_capacity(known.len());
        let mut all_fit = all_known;
        for (content_type, found) in unit::ids_by_type(self.connection, &known).await? {
            all_fit &= self.fits(content_type);
            ids.extend(self.access.units_among(self.connection, &found).await?);
        }
        if !all_fit || ids.len() != known.len() {
            self.complain(form, field, references, &uuids).await?;
        }
        Ok(ids.into_iter().map(|id| id.0).collect())
    }

    /// Whether units of a type may be in a repository of the plugin.
    fn fits(&self, content_type: i64) -> bool {
        self.app
            .types
            .by_id(content_type)
            .is_some_and(|table| table.plugin == self.plugin)
    }

    /// Says which references are wrong. Looked for one by one, since some are.
    async fn complain(
        &mut self,
        form: &mut Form,
        field: &str,
        references: &[Value],
        uuids: &[Option<Uuid>],
    ) -> Result<()> {
        let known: Vec<Uuid> = uuids.iter().flatten().copied().collect();
        let mut rows = unit::by_uuid(self.connection, &known).await?;
        let found: Vec<UnitId> = rows.values().map(|(id, _)| *id).collect();
        // What the caller may not see is not there.
        let seen = self.access.units_among(self.connection, &found).await?;
        rows.retain(|_, (id, _)| seen.contains(id));
        let mut wrong = Vec::new();
        for (reference, uuid) in references.iter().zip(uuids) {
            match uuid.and_then(|uuid| rows.get(&uuid)) {
                Some((_, content_type)) if self.fits(*content_type) => {}
                Some(_) => wrong.push(format!(
                    "{reference} does not belong into a repository of the plugin {:?}.",
                    self.plugin
                )),
                None => wrong.push(format!("There is no content unit {reference}.")),
            }
        }
        let more = wrong.len().saturating_sub(TOLD);
        for message in wrong.into_iter().take(TOLD) {
            form.wrong(field, message);
        }
        if more > 0 {
            form.wrong(field, format!("And {more} more."));
        }
        Ok(())
    }
}

/// The UUID in a reference to a unit. Most are hrefs, of which there may be 100,000.
fn uuid_of(reference: &Value) -> Option<Uuid> {
    let text = reference.as_str()?;
    let below = Root::ALL
        .into_iter()
        .find_map(|root| text.strip_prefix(root.path()));
    if let Some(rest) = below.and_then(|below| below.strip_prefix("content/")) {
        let mut parts = rest.trim_end_matches('/').split('/');
        let (_, _, uuid) = (parts.next()?, parts.next()?, parts.next()?);
        return match parts.next() {
            None => Uuid::try_parse(uuid).ok(),
            Some(_) => None,
        };
    }
    Reference::parse(text)
        .filter(|reference| reference.kind == Kind::Content)
        .map(|reference| reference.uuid)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn units_are_named_by_href_url_or_prn() {
        const UUID: &str = "0190e2f4-0000-7000-8000-000000000001";
        let of = |text: String| uuid_of(&Value::String(text)).map(|uuid| uuid.to_string());
        let href = format!("/pulp/api/v3/content/file/files/{UUID}/");
        for good in [
            href.clone(),
            format!("/api/v3/content/file/files/{UUID}"),
            format!("http://host{href}"),
            format!("prn:file.filecontent:{UUID}"),
        ] {
            assert_eq!(of(good.clone()).as_deref(), Some(UUID), "{good}");
        }
        for bad in [
            format!("{href}set_label/"),
            format!("/pulp/api/v3/repositories/file/file/{UUID}/"),
            format!("prn:file.filerepository:{UUID}"),
            "*".to_owned(),
        ] {
            assert_eq!(of(bad.clone()), None, "{bad}");
        }
        assert_eq!(uuid_of(&json!(5)), None);
    }
}
