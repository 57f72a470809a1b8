//! A resource: its fields, from which the schemas of requests and answers are made.

use serde_json::{Map, Value, json};

use crate::openapi::field::Field;
use crate::openapi::place::Place;
use crate::openapi::translate::translate;

/// What the document says of a resource.
#[derive(Debug)]
pub(crate) struct Resource {
    /// The last part of its schema's name: `Repository` in `file.FileRepository`.
    pub(crate) name: &'static str,
    /// For people.
    pub(crate) about: &'static str,
    /// What all of them have.
    pub(crate) fields: &'static [Field],
    /// What those of a type have beside what the plugin adds.
    pub(crate) typed_fields: &'static [Field],
    /// It is the same below the path of every type.
    pub(crate) is_hosts: bool,
}

impl Resource {
    /// One that is the same for all plugins.
    pub(crate) const fn new(
        name: &'static str,
        about: &'static str,
        fields: &'static [Field],
    ) -> Self {
        Self {
            name,
            about,
            fields,
            typed_fields: &[],
            is_hosts: false,
        }
    }

    /// Plugins add nothing to it.
    pub(crate) const fn of_host(mut self) -> Self {
        self.is_hosts = true;
        self
    }

    /// What its schema is called.
    pub(crate) fn schema_name(&self, place: &Place) -> String {
        if self.is_hosts {
            self.name.to_owned()
        } else {
            place.schema_name(self.name)
        }
    }

    /// With what those of a type have.
    pub(crate) const fn typed(mut self, fields: &'static [Field]) -> Self {
        self.typed_fields = fields;
        self
    }

    fn fields(&self, place: &Place) -> impl Iterator<Item = &Field> + use<'_> {
        let typed = if place.is_typed() {
            self.typed_fields
        } else {
            &[]
        };
        self.fields.iter().chain(typed)
    }

    /// The schema of an answer. Nothing is required of it, since `fields` may leave out
    /// anything.
    pub(crate) fn shown(&self, place: &Place) -> Value {
        let mut properties = Map::new();
        for field in self.fields(place).filter(|field| field.is_shown()) {
            properties.insert(field.name.to_owned(), field.schema());
        }
        if !self.is_hosts {
            properties.extend(place.shown_by_plugin());
        }
        json!({"type": "object", "description": self.about, "properties": properties})
    }

    /// The schema of a request that makes one or puts another in its place.
    pub(crate) fn taken(&self, place: &Place) -> Value {
        let mut schema = self.changed(place);
        let mut required: Vec<Value> = self
            .fields(place)
            .filter(|field| field.is_required())
            .map(|field| field.name.into())
            .collect();
        required.extend(place.required_by_plugin());
        if !required.is_empty() {
            schema["required"] = required.into();
        }
        schema
    }

    /// The schema of a request that changes one.
    pub(crate) fn changed(&self, place: &Place) -> Value {
        let mut properties = Map::new();
        for field in self.fields(place).filter(|field| field.is_taken()) {
            properties.insert(field.name.to_owned(), field.schema());
        }
        properties.extend(place.taken_by_plugin());
        json!({"type": "object", "description": self.about, "properties": properties})
    }
}

/// An object's schema of fields alone.
pub(crate) fn object(fields: &[Field]) -> Value {
    let properties: Map<String, Value> = fields
        .iter()
        .map(|field| (field.name.to_owned(), field.schema()))
        .collect();
    let required: Vec<&str> = fields
        .iter()
        .filter(|field| field.is_required())
        .map(|field| field.name)
        .collect();
    let mut schema = json!({"type": "object", "properties": properties});
    if !required.is_empty() {
        schema["required"] = required.into();
    }
    schema
}

/// A schema of the host with what a plugin's schema adds, in OpenAPI's words.
pub(crate) fn joined(host: &Value, plugin: Option<&Value>) -> Value {
    let mut schema = translate(host);
    let Some(plugin) = plugin.map(translate) else {
        return schema;
    };
    for (name, property) in plugin["properties"].as_object().into_iter().flatten() {
        schema["properties"][name] = property.clone();
    }
    let mut required = schema["required"].as_array().cloned().unwrap_or_default();
    required.extend(plugin["required"].as_array().cloned().unwrap_or_default());
    if !required.is_empty() {
        schema["required"] = required.into();
    }
    schema
}
