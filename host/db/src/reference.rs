//! References between units: how the one names the others, as SQL.

use pith_model::descriptor::{FieldKind, Reference};

use crate::content_type::{TypeTable, column};
use crate::dialect::Dialect;

/// The elements that a unit `c` refers by, as SQL.
pub(crate) struct Elements {
    /// What follows in the `FROM`.
    pub(crate) from: String,
    /// The text of each key.
    pub(crate) keys: Vec<String>,
}

impl Elements {
    /// Of a reference of the units of a table.
    pub(crate) fn of(table: &TypeTable, reference: &Reference, dialect: Dialect) -> Self {
        let first = reference.path.first().map_or("", String::as_str);
        let field = format!("c.{}", column(first));
        let is_text = table
            .content_type
            .fields
            .iter()
            .any(|one| one.name == first && one.kind == FieldKind::Text);
        if is_text {
            return Self {
                from: String::new(),
                keys: vec![field],
            };
        }
        let mut alias = String::from("x0");
        let mut from = dialect.each_element(&field, &alias);
        for (at, name) in reference.path.iter().enumerate().skip(1) {
            let inner = dialect.element_list(&alias, name);
            alias = format!("x{at}");
            from.push_str(&dialect.each_element(&inner, &alias));
        }
        let keys = reference
            .keys
            .iter()
            .map(|(property, _)| dialect.element_text(&alias, property.as_deref()));
        Self {
            from,
            keys: keys.collect(),
        }
    }

    /// That a unit of this alias is what is referred to.
    pub(crate) fn matches(&self, alias: &str, reference: &Reference) -> String {
        let pairs = self.keys.iter().zip(&reference.keys);
        let pairs: Vec<String> = pairs
            .map(|(key, (_, field))| format!("{alias}.{} = {key}", column(field)))
            .collect();
        pairs.join(" AND ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::Value as JsonValue;

    #[test]
    fn lists_inside_of_lists_are_joined_one_by_one() {
        let reference = Reference {
            path: vec!["pkglist".into(), "packages".into()],
            target: "package".into(),
            keys: vec![(Some("name".into()), "name".into()), (None, "id".into())],
        };
        let content_type = pith_model::ContentType {
            name: "advisory".into(),
            plural: "advisories".into(),
            model: "advisory".into(),
            model_words: "advisory".into(),
            title: "Advisory".into(),
            artifacts: pith_model::ArtifactCount::None,
            schema_version: 1,
            schema: JsonValue::Null,
            fields: Vec::new(),
            natural_key: Vec::new(),
            repository_key: Vec::new(),
            indexed: Vec::new(),
            references: Vec::new(),
            derived: Vec::new(),
            links: Vec::new(),
            aliases: Vec::new(),
            picture: None,
            order_keys: Vec::new(),
        };
        let table = TypeTable {
            id: 1,
            full_name: "rpm.advisory".into(),
            plugin: "rpm".into(),
            table: "content_rpm__advisory".into(),
            content_type,
        };
        let elements = Elements::of(&table, &reference, Dialect::Postgres);
        assert_eq!(elements.from.matches("jsonb_array_elements").count(), 2);
        assert_eq!(
            elements.matches("b", &reference),
            "b.\"f_name\" = (x1.value ->> 'name') AND b.\"f_id\" = (x1.value #>> '{}')"
        );
    }
}
