//! Entities, which are objects of a plugin's own: what a descriptor may say of them.

use crate::access::{Securable, verbs_of};
use crate::descriptor::Descriptor;
use crate::schema::named_entities;

/// Checks that permissions for entities look like no others, and that fields which name
/// entities name types that there are.
pub(crate) fn check(descriptor: &Descriptor) -> Result<(), String> {
    let types = &descriptor.entity_types;
    for one in types {
        // Permissions have the type's name alone.
        let other = Securable::ALL
            .into_iter()
            .map(Securable::word)
            .find(|word| !word.is_empty() && one.name.ends_with(word));
        if let Some(word) = other {
            return Err(format!(
                "the entity type {:?} must not end with {word:?}",
                one.name
            ));
        }
    }
    let fields = descriptor.content_types.iter().map(|one| &one.schema);
    let params = descriptor.task_types.iter().map(|one| &one.params);
    for (field, type_name, verb) in fields.chain(params).flat_map(named_entities) {
        let declared = types.iter().find(|one| one.name == type_name);
        let verbs = declared.map(|one| verbs_of(Securable::Entity, one));
        if !verbs.is_some_and(|verbs| verbs.iter().any(|own| own == verb)) {
            return Err(format!(
                "the field {field:?} needs {verb:?} of the entity type {type_name:?}, which has \
                 no such verb or is not there"
            ));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::descriptor::{ResourceType, TaskKind, TaskType};
    use crate::route::Routing;

    fn descriptor(entity: &str, params: Value) -> Descriptor {
        Descriptor {
            name: "zoo".into(),
            version: "1".into(),
            pulp_version: None,
            title: String::new(),
            content_types: Vec::new(),
            repository_types: Vec::new(),
            remote_types: Vec::new(),
            publication_types: Vec::new(),
            distribution_types: Vec::new(),
            entity_types: vec![ResourceType {
                name: entity.into(),
                title: String::new(),
                config: json!({"x-verbs": ["feed"]}),
                takes_token: false,
                login: None,
            }],
            task_types: vec![TaskType {
                name: "uploads".into(),
                kind: TaskKind::Upload,
                title: String::new(),
                params,
            }],
            routing: Routing::default(),
        }
    }

    #[test]
    fn permissions_for_entities_look_like_no_others() {
        assert_eq!(check(&descriptor("cage", json!({}))), Ok(()));
        let refused = check(&descriptor("zoorepository", json!({})));
        assert!(refused.unwrap_err().contains("must not end"));
    }

    #[test]
    fn what_names_an_entity_names_its_type_and_a_verb() {
        let of = |said: &str| {
            let params = json!({"properties": {"cage": {"x-entity": said}, "other": {}}});
            check(&descriptor("cage", params))
        };
        assert_eq!(of("cage.feed"), Ok(()));
        assert_eq!(of("cage.view"), Ok(()));
        for wrong in ["cage.upload", "house.feed"] {
            assert!(of(wrong).unwrap_err().contains("\"cage\""), "{wrong}");
        }
    }
}
