//! The served OpenAPI document, as a client uses it: operations are called by their ids,
//! and what comes back is held against what the document says.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, Result, bail, ensure};
use http::Method;
use serde_json::Value;

use crate::api::Api;
use crate::reply::Reply;

/// An operation of the document.
#[derive(Clone, Debug)]
pub struct Operation {
    /// Its verb.
    pub method: Method,
    /// Its path, with a parameter for a whole resource's path.
    pub path: String,
    /// What the document says.
    pub said: Value,
}

impl Operation {
    /// Its query parameters by name.
    pub fn query(&self) -> BTreeMap<String, Value> {
        let parameters = self.said["parameters"].as_array().into_iter().flatten();
        parameters
            .filter(|one| one["in"] == "query")
            .map(|one| (crate::text(&one["name"]).to_owned(), one["schema"].clone()))
            .collect()
    }
}

/// The document of a server.
#[derive(Clone, Debug)]
pub struct Document {
    api: Api,
    whole: Value,
    operations: BTreeMap<String, Operation>,
    called: BTreeSet<String>,
}

impl Document {
    /// Reads it, as nobody in particular.
    pub async fn read(api: &Api) -> Result<Self> {
        let whole = api.anonymous().get("/docs/api.json").await?.ok()?;
        let mut operations = BTreeMap::new();
        for (path, item) in whole["paths"].as_object().into_iter().flatten() {
            for (method, said) in item.as_object().into_iter().flatten() {
                // Addresses of a plugin's own are no operations of the API.
                if said["x-plugin"].is_string() {
                    continue;
                }
                let id = crate::text(&said["operationId"]).to_owned();
                let operation = Operation {
                    method: method.to_ascii_uppercase().parse()?,
                    path: path.clone(),
                    said: said.clone(),
                };
                let other = operations.insert(id.clone(), operation);
                ensure!(other.is_none(), "two operations are called {id}");
            }
        }
        Ok(Self {
            api: api.clone(),
            whole,
            operations,
            called: BTreeSet::new(),
        })
    }

    /// All operations by id.
    pub fn operations(&self) -> &BTreeMap<String, Operation> {
        &self.operations
    }

    /// The operation of that id.
    pub fn operation(&self, id: &str) -> Result<&Operation> {
        self.operations
            .get(id)
            .with_context(|| format!("the document has no operation {id}"))
    }

    /// The ids of all operations that were called.
    pub fn called(&self) -> &BTreeSet<String> {
        &self.called
    }

    /// The properties of a schema.
    pub fn properties(&self, schema: &Value) -> BTreeSet<String> {
        let schema = self.resolve(schema);
        let properties = schema["properties"].as_object().into_iter().flatten();
        properties.map(|(name, _)| name.clone()).collect()
    }

    /// The schema of one row of an answer, or of the answer itself if it is no list.
    pub fn row_of_answer(&self, operation: &Operation, status: &str) -> Value {
        let schema = self.answer(&operation.said, status);
        let results = &self.resolve(&schema)["properties"]["results"]["items"];
        if results.is_null() {
            schema
        } else {
            results.clone()
        }
    }

    /// Calls an operation; its path's parameter is a whole path of a resource.
    pub async fn call(&mut self, id: &str, href: &str, body: Option<Value>) -> Result<Value> {
        let operation = self.operation(id)?.clone();
        let path = fill(&operation.path, href);
        let reply = self.api.call(operation.method, &path, body).await?;
        self.check(id, &reply)
    }

    /// Holds an answer against what the document says of the operation.
    pub fn check(&mut self, id: &str, reply: &Reply) -> Result<Value> {
        let operation = self.operation(id)?.clone();
        self.called.insert(id.to_owned());
        let status = reply.status().to_string();
        ensure!(
            !operation.said["responses"][&status].is_null(),
            "{id} answered {reply}, which the document does not have"
        );
        ensure!(reply.status() < 400, "{id} answered {reply}");
        let schema = self.answer(&operation.said, &status);
        if schema.is_null() {
            ensure!(
                reply.body().is_empty(),
                "{id} should answer nothing: {reply}"
            );
            return Ok(Value::Null);
        }
        let body = reply.json(reply.status())?;
        self.fits(&schema, &body, id)?;
        Ok(body)
    }

    fn answer(&self, operation: &Value, status: &str) -> Value {
        let answer = self.resolve(&operation["responses"][status]);
        answer["content"]["application/json"]["schema"].clone()
    }

    fn resolve(&self, schema: &Value) -> Value {
        match schema["$ref"].as_str() {
            Some(reference) => self
                .whole
                .pointer(reference.trim_start_matches('#'))
                .cloned()
                .unwrap_or_default(),
            None => schema.clone(),
        }
    }

    /// Whether a value is what a schema says: neither more fields nor fewer.
    fn fits(&self, schema: &Value, value: &Value, at: &str) -> Result<()> {
        let schema = self.resolve(schema);
        if value.is_null() {
            let may = schema["nullable"] == true || schema == serde_json::json!({});
            ensure!(may, "{at} is null");
            return Ok(());
        }
        if let Some(words) = schema["enum"].as_array() {
            ensure!(words.contains(value), "{at} is {value}");
        }
        match (schema["type"].as_str(), value) {
            (None, _)
            | (Some("string"), Value::String(_))
            | (Some("boolean"), Value::Bool(_))
            | (Some("number"), Value::Number(_)) => Ok(()),
            (Some("integer"), Value::Number(number)) if !number.is_f64() => Ok(()),
            (Some("array"), Value::Array(items)) => {
                for (n, item) in items.iter().enumerate() {
                    self.fits(&schema["items"], item, &format!("{at}[{n}]"))?;
                }
                Ok(())
            }
            (Some("object"), Value::Object(fields)) => {
                let Some(properties) = schema["properties"].as_object() else {
                    return Ok(());
                };
                for name in properties.keys() {
                    ensure!(fields.contains_key(name), "{at} has no {name}: {value}");
                }
                for (name, field) in fields {
                    let Some(property) = properties.get(name) else {
                        bail!("the document does not know {at}.{name}");
                    };
                    self.fits(property, field, &format!("{at}.{name}"))?;
                }
                Ok(())
            }
            (Some(kind), other) => bail!("{at} should be of type {kind}: {other}"),
        }
    }
}

/// A path with its parameter filled in.
pub fn fill(path: &str, href: &str) -> String {
    match (path.find('{'), path.find('}')) {
        (Some(begin), Some(end)) => format!("{}{href}{}", &path[..begin], &path[end + 1..]),
        _ => path.to_owned(),
    }
}
