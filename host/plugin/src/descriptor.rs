//! The contract's descriptor as the model's, with every schema in it parsed and tried.

use jsonschema::PatternOptions;
use pith_model::descriptor::{
    ArtifactCount, ContentType, Descriptor, Reference, ResourceType, TaskKind, TaskType,
    aliases_of, derived_of, fields_of, links_of, picture_of,
};
use pith_model::login::Login;
use pith_model::order_key::order_keys_of;
use pith_model::remote::TOKEN;
use pith_model::route::Routing;
use pith_model::schema::{self, LastSync, ORDER};
use serde_json::Value;

use crate::bridge::contract::exports::pith::plugin::describe as contract;
use crate::gate::{Gate, Refused};

/// A version is part of log lines and of names.
const MAX_VERSION: usize = 64;

/// Passes the gates `schemas` and `descriptor`.
pub(crate) fn convert(
    described: contract::Descriptor,
    routing: Routing,
) -> Result<Descriptor, Refused> {
    check_version("version", &described.version)?;
    if let Some(version) = &described.pulp_version {
        check_version("pulp-version", version)?;
    }
    let descriptor = Descriptor {
        content_types: each(described.content_types, content_type)?,
        repository_types: resource_types(REPOSITORY, described.repository_types)?,
        remote_types: resource_types(REMOTE, described.remote_types)?,
        publication_types: resource_types("publication type", described.publication_types)?,
        distribution_types: resource_types(DISTRIBUTION, described.distribution_types)?,
        entity_types: resource_types("entity type", described.entity_types)?,
        task_types: each(described.task_types, task_type)?,
        name: described.name,
        version: described.version,
        pulp_version: described.pulp_version,
        title: described.title,
        routing,
    };
    descriptor
        .check()
        .map_err(|reason| Gate::Descriptor.refuses(reason))?;
    Ok(descriptor)
}

fn each<A, B>(
    described: Vec<A>,
    convert: impl Fn(A) -> Result<B, Refused>,
) -> Result<Vec<B>, Refused> {
    described.into_iter().map(convert).collect()
}

fn check_version(what: &str, version: &str) -> Result<(), Refused> {
    let fits = (1..=MAX_VERSION).contains(&version.len())
        && version
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '+'));
    if fits {
        return Ok(());
    }
    Err(Gate::Descriptor.refuses(format!(
        "its {what} {version:?} is not one to {MAX_VERSION} letters, digits, dots, dashes and plus signs"
    )))
}

fn content_type(described: contract::ContentType) -> Result<ContentType, Refused> {
    let what = format!("the fields of content type `{}`", described.name);
    let schema = parse_schema(&what, &described.fields)?;
    let wrong =
        |reason| Gate::Schemas.refuses(format!("content type `{}`: {reason}", described.name));
    let fields = fields_of(&schema).map_err(wrong)?;
    let order_keys = order_keys_of(&schema, &fields).map_err(wrong)?;
    let derived = derived_of(&schema).map_err(wrong)?;
    let links = links_of(&schema).map_err(wrong)?;
    let aliases = aliases_of(&schema, &fields).map_err(wrong)?;
    let picture = picture_of(&schema).map_err(wrong)?;
    Ok(ContentType {
        name: described.name,
        plural: described.plural,
        model: described.model.replace('_', ""),
        model_words: described.model,
        title: described.title,
        artifacts: match described.artifacts {
            contract::ArtifactCount::None => ArtifactCount::None,
            contract::ArtifactCount::One => ArtifactCount::One,
            contract::ArtifactCount::Many => ArtifactCount::Many,
        },
        schema_version: described.schema_version,
        schema,
        fields,
        derived,
        links,
        aliases,
        picture,
        natural_key: described.natural_key,
        repository_key: described.repository_key,
        indexed: described.indexed,
        references: described.references.into_iter().map(reference).collect(),
        order_keys,
    })
}

fn reference(described: contract::Reference) -> Reference {
    let keys = described.keys.into_iter();
    Reference {
        path: described.field.split('.').map(str::to_owned).collect(),
        target: described.target,
        keys: keys
            .map(|key| {
                let property = Some(key.property).filter(|property| !property.is_empty());
                (property, key.field)
            })
            .collect(),
    }
}

/// What is said of types of resources.
const REPOSITORY: &str = "repository type";
const REMOTE: &str = "remote type";
const DISTRIBUTION: &str = "distribution type";

fn resource_types(
    kind: &str,
    described: Vec<contract::ResourceType>,
) -> Result<Vec<ResourceType>, Refused> {
    each(described, |one| {
        let what = format!("the settings of {kind} `{}`", one.name);
        let mut config = parse_schema(&what, &one.config)?;
        if let Some(name) = schema::schema_of_name(&config) {
            parse_schema(&format!("names in {what}"), &name.to_string())?;
        }
        schema::check_addresses(&config)
            .map_err(|reason| Gate::Schemas.refuses(format!("{what}: {reason}")))?;
        let shown = schema::last_syncs(&config)
            .map_err(|reason| Gate::Schemas.refuses(format!("{what}: {reason}")))?;
        let is_shown_there = |one: LastSync| match kind {
            REPOSITORY => true,
            REMOTE => one == LastSync::Task,
            _ => false,
        };
        if let Some((name, _)) = shown.iter().find(|(_, one)| !is_shown_there(*one)) {
            return Err(Gate::Schemas.refuses(format!(
                "{what}: {name:?} shows something of the last sync, which it does not have"
            )));
        }
        if kind != DISTRIBUTION
            && let Some((name, _)) = schema::addresses(&config).next()
        {
            return Err(Gate::Schemas.refuses(format!(
                "{what}: {name:?} shows an address, which only distributions have"
            )));
        }
        let login = Login::of(&config).map_err(|error| {
            Gate::Schemas.refuses(format!("the login in {what} is wrong: {error}"))
        })?;
        Ok(ResourceType {
            login,
            takes_token: take_token(&mut config),
            config,
            name: one.name,
            title: one.title,
        })
    })
}

/// Takes a token out of the settings of a type: it is sealed, sent and never shown by the host.
fn take_token(schema: &mut Value) -> bool {
    let is_secret = schema["properties"][TOKEN]["writeOnly"] == true;
    if is_secret {
        if let Some(properties) = schema["properties"].as_object_mut() {
            properties.remove(TOKEN);
        }
        if let Some(order) = schema.get_mut(ORDER).and_then(Value::as_array_mut) {
            order.retain(|name| name != TOKEN);
        }
    }
    is_secret
}

fn task_type(described: contract::TaskType) -> Result<TaskType, Refused> {
    let what = format!("the parameters of task type `{}`", described.name);
    Ok(TaskType {
        params: parse_schema(&what, &described.params)?,
        name: described.name,
        kind: match described.kind {
            contract::TaskKind::Sync => TaskKind::Sync,
            contract::TaskKind::Upload => TaskKind::Upload,
            contract::TaskKind::Publish => TaskKind::Publish,
            contract::TaskKind::Change => TaskKind::Change,
        },
        title: described.title,
    })
}

/// A schema of an object, which can be checked against in time linear in what is checked.
fn parse_schema(what: &str, text: &str) -> Result<Value, Refused> {
    let refuse = |reason: String| Gate::Schemas.refuses(format!("the schema of {what} {reason}"));
    let schema: Value =
        schema::parse(text).map_err(|error| refuse(format!("is not JSON: {error}")))?;
    if schema.get("type").and_then(Value::as_str) != Some("object") {
        return Err(refuse("does not say `\"type\": \"object\"`".into()));
    }
    // References to other documents are not followed: this build of the library has no way
    // to. Patterns that need backtracking are refused: a client's value could stop a thread.
    jsonschema::draft202012::options()
        .with_pattern_options(PatternOptions::regex())
        .build(&schema)
        .map_err(|error| refuse(format!("is wrong at `{}`: {error}", error.schema_path())))?;
    Ok(schema)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn described() -> contract::Descriptor {
        contract::Descriptor {
            name: "file".into(),
            version: "0.1.0".into(),
            pulp_version: None,
            title: "File".into(),
            content_types: vec![contract::ContentType {
                name: "file".into(),
                plural: "files".into(),
                model: "filecontent".into(),
                title: "File".into(),
                artifacts: contract::ArtifactCount::One,
                schema_version: 1,
                fields:
                    r#"{"type": "object", "properties": {"relative_path": {"type": "string"}}}"#
                        .into(),
                natural_key: vec!["relative_path".into()],
                repository_key: vec![],
                indexed: vec![],
                references: vec![],
            }],
            repository_types: vec![contract::ResourceType {
                name: "file".into(),
                title: "File repository".into(),
                config: r#"{"type": "object", "properties": {}}"#.into(),
            }],
            remote_types: vec![],
            publication_types: vec![],
            distribution_types: vec![],
            entity_types: vec![],
            task_types: vec![contract::TaskType {
                name: "syncs".into(),
                kind: contract::TaskKind::Sync,
                title: "Sync".into(),
                params: r#"{"type": "object"}"#.into(),
            }],
        }
    }

    fn refusal(change: impl FnOnce(&mut contract::Descriptor)) -> (Gate, String) {
        let mut changed = described();
        change(&mut changed);
        let refused = convert(changed, Routing::default()).expect_err("refused");
        (refused.gate, refused.reason)
    }

    #[test]
    fn a_good_descriptor_keeps_its_words() {
        let descriptor = convert(described(), Routing::default()).expect("a descriptor");
        assert_eq!(descriptor.content_types[0].full_name("file"), "file.file");
        assert_eq!(descriptor.content_types[0].fields[0].name, "relative_path");
        assert_eq!(descriptor.task_types[0].kind, TaskKind::Sync);
    }

    #[test]
    fn a_token_is_a_secret_and_no_setting() {
        let with = |token: &str| {
            let mut described = described();
            described.remote_types = vec![contract::ResourceType {
                name: "file".into(),
                title: "File remote".into(),
                config: format!(
                    r#"{{"type": "object", "properties": {{"a": {{}}, "token": {token}}}}}"#
                ),
            }];
            let mut descriptor = convert(described, Routing::default()).expect("a descriptor");
            descriptor.remote_types.remove(0)
        };
        let secret = with(r#"{"type": "string", "writeOnly": true}"#);
        assert!(secret.takes_token);
        let names: Vec<&str> = schema::property_names(&secret.config).collect();
        assert_eq!(names, ["a"]);
        let open = with(r#"{"type": "string"}"#);
        assert!(!open.takes_token);
        assert_eq!(schema::property_names(&open.config).count(), 2);
    }

    #[test]
    fn addresses_are_of_distributions_and_of_this_server() {
        let types = |address: &str, required: &str| {
            vec![contract::ResourceType {
                name: "file".into(),
                title: "File".into(),
                config: format!(
                    r#"{{"type": "object", "required": [{required}],
                        "properties": {{"url": {{"type": "string", "x-address": {address}}}}}}}"#
                ),
            }]
        };
        let good = r#""/place/{base_path}/""#;
        let mut described = described();
        described.distribution_types = types(good, "");
        let descriptor = convert(described, Routing::default()).expect("a descriptor");
        let shown: Vec<_> = schema::addresses(&descriptor.distribution_types[0].config).collect();
        assert_eq!(shown, [("url", "/place/{base_path}/")]);
        for (address, required, said) in [
            ("true", "", "no path of this server"),
            (
                r#"".example.org/{base_path}""#,
                "",
                "no path of this server",
            ),
            (r#""//example.org/""#, "", "no path of this server"),
            (good, r#""url""#, "nobody can give it"),
        ] {
            let (gate, reason) = refusal(|d| d.distribution_types = types(address, required));
            assert_eq!(gate, Gate::Schemas, "{address}");
            assert!(reason.contains(said), "{reason}");
        }
        let (_, reason) = refusal(|d| d.remote_types = types(good, ""));
        assert!(reason.contains("only distributions"), "{reason}");
    }

    #[test]
    fn syncs_are_shown_by_what_has_some() {
        let types = |what: &str| {
            vec![contract::ResourceType {
                name: "file".into(),
                title: "File".into(),
                config: format!(
                    r#"{{"type": "object", "properties": {{"last": {{"x-last-sync": "{what}"}}}}}}"#
                ),
            }]
        };
        let mut described = described();
        described.repository_types = types("time");
        described.remote_types = types("task");
        assert!(convert(described, Routing::default()).is_ok());
        let (gate, reason) = refusal(|d| d.remote_types = types("time"));
        assert_eq!(gate, Gate::Schemas);
        assert!(reason.contains("which it does not have"), "{reason}");
        let (_, reason) = refusal(|d| d.distribution_types = types("task"));
        assert!(reason.contains("which it does not have"), "{reason}");
        let (_, reason) = refusal(|d| d.repository_types = types("tasks"));
        assert!(reason.contains("neither"), "{reason}");
    }

    #[test]
    fn every_schema_is_tried() {
        for wrong in [
            "{",
            "true",
            r#"{"type": "string"}"#,
            r#"{"type": "object", "properties": {"a": {"type": "text"}}}"#,
            r#"{"type": "object", "properties": {"a": {"$ref": "https://example.com/a.json"}}}"#,
            r#"{"type": "object", "properties": {"a": {"pattern": "(a+)+(?=b)"}}}"#,
        ] {
            let (gate, reason) = refusal(|d| d.repository_types[0].config = wrong.into());
            assert_eq!(gate, Gate::Schemas, "{wrong}");
            assert!(
                reason.contains("the settings of repository type `file`"),
                "{reason}"
            );
            assert_eq!(
                refusal(|d| d.task_types[0].params = wrong.into()).0,
                Gate::Schemas
            );
            assert_eq!(
                refusal(|d| d.content_types[0].fields = wrong.into()).0,
                Gate::Schemas
            );
        }
    }

    #[test]
    fn names_keys_and_versions_are_checked() {
        assert_eq!(refusal(|d| d.name = "core".into()).0, Gate::Descriptor);
        assert_eq!(refusal(|d| d.version = String::new()).0, Gate::Descriptor);
        assert_eq!(refusal(|d| d.version = "1\n2".into()).0, Gate::Descriptor);
        let (gate, reason) = refusal(|d| d.content_types[0].natural_key = vec!["no".into()]);
        assert_eq!(gate, Gate::Descriptor);
        assert!(reason.contains("no such field"), "{reason}");
    }
}
