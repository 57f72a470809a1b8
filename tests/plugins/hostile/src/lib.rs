//! A plugin that does whatever a plugin must not get away with: its descriptor.
//!
//! It can sync and answer requests and nothing else, so it also shows a component that leaves exports out.

mod behaviour;
mod serve;
mod sync;

use pith_plugin_sdk::{
    ArtifactCount, ContentType, Descriptor, Plugin, Reference, ReferenceKey, ResourceType, Result,
    TaskKind, TaskType, schema,
};
use serde_json::json;

use crate::behaviour::Behaviour;

/// The content type's name.
const THING: &str = "thing";

/// The plugin.
#[derive(Debug)]
pub struct Hostile;

pith_plugin_sdk::export!(Hostile with sync, serve);

impl Plugin for Hostile {
    fn describe() -> Result<Descriptor> {
        // More than an instance begins with, for those who limit what a description takes.
        std::hint::black_box(vec![0_u8; 1 << 20]);
        Ok(Descriptor {
            name: "hostile".into(),
            version: env!("CARGO_PKG_VERSION").into(),
            pulp_version: None,
            title: "Hostile".into(),
            content_types: vec![ContentType {
                name: THING.into(),
                plural: "things".into(),
                model: "thing".into(),
                title: "Thing".into(),
                artifacts: ArtifactCount::Many,
                schema_version: 1,
                fields: thing_fields(),
                natural_key: vec!["name".into()],
                repository_key: Vec::new(),
                indexed: vec!["name".into()],
                references: vec![Reference {
                    field: "needs.things".into(),
                    target: THING.into(),
                    keys: vec![ReferenceKey {
                        property: "name".into(),
                        field: "name".into(),
                    }],
                }],
            }],
            repository_types: vec![resource_type()],
            remote_types: vec![resource_type()],
            publication_types: vec![resource_type()],
            distribution_types: vec![resource_type()],
            entity_types: Vec::new(),
            task_types: vec![TaskType {
                name: "syncs".into(),
                kind: TaskKind::Sync,
                title: "Misbehave".into(),
                params: sync_params(),
            }],
        })
    }
}

/// A thing can need others: `{"needs": [{"things": [{"name": "another"}]}]}`.
fn thing_fields() -> String {
    let properties = json!({
        "name": { "type": "string" },
        "needs": { "type": "array" },
    });
    schema::object(&properties, &["name"])
}

fn resource_type() -> ResourceType {
    ResourceType {
        name: "hostile".into(),
        title: "Hostile".into(),
        config: schema::empty(),
    }
}

fn sync_params() -> String {
    let names = Behaviour::ALL.map(|behaviour| json!(behaviour));
    let properties = json!({
        "behaviour": { "enum": names, "default": Behaviour::Ok },
        "count": { "type": "integer", "minimum": 0, "default": 1_000 },
        "url": { "type": ["string", "null"], "default": null },
    });
    schema::object(&properties, &[])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_parameters_name_every_behaviour_as_it_is_written() {
        let params: serde_json::Value =
            serde_json::from_str(&sync_params()).expect("the schema is JSON");
        let names = &params["properties"]["behaviour"]["enum"];
        assert_eq!(names[0], "ok");
        assert_eq!(names[6], "forged-ref");
        assert_eq!(names.as_array().map(Vec::len), Some(Behaviour::ALL.len()));
    }
}
