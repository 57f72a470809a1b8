//! The parameters of lists: the page, the fields, and a filter for each column and
//! operator.

use pith_db::Dialect;
use pith_db::list::{Column, Kind};
use pith_model::filter::Operator;
use serde_json::{Value, json};

use crate::config;
use crate::openapi::place::Place;

/// What a parameter holds.
#[derive(Clone, Copy, Debug)]
enum Holds {
    Text,
    Integer,
    Boolean,
    Several,
}

/// A query parameter or header that is no column of a list.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Parameter {
    name: &'static str,
    holds: Holds,
    about: &'static str,
    header: bool,
    required: bool,
}

macro_rules! kinds {
    ($($(#[$doc:meta])* $name:ident: $holds:expr;)*) => {
        $($(#[$doc])*
        pub(crate) const fn $name(name: &'static str, about: &'static str) -> Self {
            Self { name, holds: $holds, about, header: false, required: false }
        })*
    };
}

impl Parameter {
    kinds! {
        /// Text, also a reference.
        text: Holds::Text;
        /// An integer of at least 0.
        integer: Holds::Integer;
        /// True or false.
        boolean: Holds::Boolean;
        /// Texts or references, separated by commas.
        several: Holds::Several;
    }

    /// The same as a header.
    pub(crate) const fn header(mut self) -> Self {
        self.header = true;
        self
    }

    /// Nothing is done without it.
    pub(crate) const fn required(mut self) -> Self {
        self.required = true;
        self
    }

    /// As the document has it.
    pub(crate) fn written(&self) -> Value {
        let schema = match self.holds {
            Holds::Text => json!({"type": "string"}),
            Holds::Integer => json!({"type": "integer", "minimum": 0}),
            Holds::Boolean => json!({"type": "boolean"}),
            Holds::Several => json!({"type": "array", "items": {"type": "string"}}),
        };
        let mut written = if schema["type"] == "array" {
            separated(self.name, &schema)
        } else {
            query(self.name, &schema)
        };
        if self.header {
            written["in"] = "header".into();
            if written.get("style").is_some() {
                written["style"] = "simple".into();
            }
        }
        if self.required {
            written["required"] = true.into();
        }
        if !self.about.is_empty() {
            written["description"] = self.about.into();
        }
        written
    }
}

/// The parameters by which a resource is told by itself.
pub(crate) const IDENTITY: [Parameter; 4] = [
    Parameter::text("pulp_href", ""),
    Parameter::several("pulp_href__in", ""),
    Parameter::text("prn", ""),
    Parameter::several("prn__in", ""),
];

/// The parameter that selects by labels.
pub(crate) const LABELS: Parameter = Parameter::text(
    "pulp_label_select",
    "`key=value`, `key!=value`, `key~value`, `key`, `!key`, separated by commas.",
);

/// The parameter that asks for summaries.
pub(crate) const INCLUDE_RELATED: Parameter = Parameter::several(
    "include_related",
    "Summaries to put under `related_fields`; an unknown one is answered with those there are.",
);

/// The parameter that takes an expression of filters.
const EXPRESSION: Parameter = Parameter::text(
    "q",
    "An expression of this list's filters: `name='a' AND NOT (size>3 OR state__in=x,y)`.",
);

/// What a list can be filtered by.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Filters {
    columns: fn(&Place) -> Vec<Column>,
    parameters: &'static [Parameter],
}

impl Filters {
    /// Columns, and parameters that are none.
    pub(crate) const fn new(
        columns: fn(&Place) -> Vec<Column>,
        parameters: &'static [Parameter],
    ) -> Self {
        Self {
            columns,
            parameters,
        }
    }

    /// All parameters of the list.
    pub(crate) fn written(&self, place: &Place) -> Vec<Value> {
        let columns = (self.columns)(place);
        let columns: Vec<&Column> = columns.iter().filter(|one| !one.name.is_empty()).collect();
        let mut written = vec![
            described(
                "limit",
                &json!({"type": "integer", "minimum": 0}),
                "Rows of the page: 100 if not given, at most 1000.",
            ),
            described(
                "offset",
                &json!({"type": "integer", "minimum": 0}),
                "Rows before the page.",
            ),
        ];
        if !columns.is_empty() {
            written.push(ordering(&columns));
        }
        written.extend(projection());
        written.push(EXPRESSION.written());
        written.extend(self.parameters.iter().map(Parameter::written));
        let links = place.content_type().map(|table| &table.content_type.links);
        for link in links.into_iter().flatten().filter(|link| !link.is_list) {
            let reference = json!({"type": "string"});
            written.push(query(&link.name, &reference));
            let several = json!({"type": "array", "items": reference});
            written.push(separated(&format!("{}__in", link.name), &several));
        }
        for column in columns {
            written.push(query(&column.name, &schema(column.kind)));
            let operators = Operator::ALL.into_iter();
            for (word, operator) in operators.filter(|(_, operator)| column.takes(*operator)) {
                let name = format!("{}__{word}", column.name);
                written.push(match operator {
                    Operator::In | Operator::Range => separated(
                        &name,
                        &json!({"type": "array", "items": schema(column.kind)}),
                    ),
                    Operator::Isnull => query(&name, &json!({"type": "boolean"})),
                    Operator::Ne | Operator::Lt | Operator::Lte | Operator::Gt | Operator::Gte => {
                        query(&name, &schema(column.kind))
                    }
                    _ => query(&name, &json!({"type": "string"})),
                });
            }
        }
        // A parameter of the host's own is meant where a column has the same name.
        let mut seen = std::collections::HashSet::new();
        written.retain(|one| seen.insert(one["name"].to_string()));
        written
    }
}

/// The columns of a typed list: the host's, and the settings of the plugin.
pub(crate) fn with_config(columns: &[Column], place: &Place) -> Vec<Column> {
    let mut columns = columns.to_vec();
    if let Some(one) = place.resource_type() {
        // Only names and kinds are wanted here, which are the same on both databases.
        columns.extend(config::columns(&one.config, "", Dialect::Sqlite));
    }
    columns
}

/// The parameters that choose the fields of an answer, where there is nothing to choose.
pub(crate) const PROJECTION: &[Parameter] = &[
    Parameter::several("fields", "Only these fields."),
    Parameter::several("exclude_fields", "Not these fields."),
];

/// The parameters that choose the fields of an answer.
pub(crate) fn projection() -> [Value; 2] {
    let names = json!({"type": "array", "items": {"type": "string"}});
    [
        described("fields", &names, "Only these fields."),
        described("exclude_fields", &names, "Not these fields."),
    ]
}

fn ordering(columns: &[&Column]) -> Value {
    let names: Vec<String> = columns
        .iter()
        .flat_map(|column| [column.name.to_string(), format!("-{}", column.name)])
        .collect();
    let schema = json!({"type": "array", "items": {"type": "string", "enum": names}});
    separated("ordering", &schema)
}

/// What a column is compared with.
fn schema(kind: Kind) -> Value {
    match kind {
        Kind::Text | Kind::Json => json!({"type": "string"}),
        Kind::Hex => json!({"type": "string", "pattern": "^([0-9A-Fa-f]{2})*$"}),
        Kind::Integer => json!({"type": "integer", "format": "int64"}),
        Kind::Real => json!({"type": "number", "format": "double"}),
        Kind::Boolean => json!({"type": "boolean"}),
        Kind::Time => json!({"type": "string", "format": "date-time"}),
        Kind::Uuid => json!({"type": "string", "format": "uuid"}),
    }
}

fn query(name: &str, schema: &Value) -> Value {
    json!({"name": name, "in": "query", "schema": schema})
}

/// Several values in one parameter, separated by commas.
fn separated(name: &str, schema: &Value) -> Value {
    json!({"name": name, "in": "query", "style": "form", "explode": false, "schema": schema})
}

fn described(name: &str, schema: &Value, about: &str) -> Value {
    let mut written = query(name, schema);
    written["description"] = about.into();
    written
}
