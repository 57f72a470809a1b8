//! One operation: what a verb of a route does, takes and answers.

use serde_json::{Map, Value, json};

use crate::auth::need::Need;
use crate::openapi::parameters::{Filters, Parameter, projection};
use crate::openapi::place::{Place, Style};
use crate::openapi::refusals::{self, Access};
use crate::openapi::resource::Resource;
use crate::openapi::whole::Schemas;
use pith_model::Root;

/// Makes a schema for a place.
pub(crate) type Build = fn(&Place) -> Value;

/// What an operation takes in its body.
#[derive(Clone, Copy, Debug)]
enum Takes {
    Nothing,
    /// All that can be set of a resource.
    All(&'static Resource),
    /// What is to be changed of a resource.
    Some(&'static Resource),
    /// Fields with a schema of their own.
    Fields(&'static str, Build),
    /// The same, and it may be left out as a whole.
    MaybeFields(&'static str, Build),
    /// Fields of which one is a file.
    Upload(&'static str, Build),
    /// Bytes of a media type.
    Bytes(&'static str),
}

/// What an answer has.
#[derive(Clone, Copy, Debug)]
enum Shows {
    Nothing,
    One(&'static Resource),
    Page(&'static Resource),
    Schema(&'static str, Build),
    /// Bytes of a media type.
    Bytes(&'static str),
}

/// What the document says of one verb of a route.
#[derive(Clone, Debug)]
pub(crate) struct Operation {
    id: &'static str,
    summary: &'static str,
    about: &'static str,
    pub(crate) path: Option<&'static str>,
    tag: Option<&'static str>,
    takes: Takes,
    answers: Vec<(u16, Shows)>,
    filters: Option<Filters>,
    is_projected: bool,
    parameters: &'static [Parameter],
    when: Option<fn(&Place) -> bool>,
    need: Need,
}

impl Operation {
    /// `id` is Pulp's, with `{plugin}`, `{type_name}` and `{plural}` where the path has
    /// them.
    pub(crate) fn new(id: &'static str, summary: &'static str) -> Self {
        Self {
            id,
            summary,
            about: "",
            path: None,
            tag: None,
            takes: Takes::Nothing,
            answers: Vec::new(),
            filters: None,
            is_projected: false,
            parameters: &[],
            when: None,
            need: Need::Administrator,
        }
    }

    /// Whom it is for, if not for administrators alone.
    pub(crate) fn needs(mut self, need: Need) -> Self {
        self.need = need;
        self
    }

    /// Whom it is for, where its route is guarded.
    pub(crate) fn need(&self) -> Need {
        self.need
    }

    /// More for people.
    pub(crate) fn about(mut self, about: &'static str) -> Self {
        self.about = about;
        self
    }

    /// Where the router's path says it less well.
    pub(crate) fn at(mut self, path: &'static str) -> Self {
        self.path = Some(path);
        self
    }

    /// The group that it is in, if the path does not say.
    pub(crate) fn tag(mut self, tag: &'static str) -> Self {
        self.tag = Some(tag);
        self
    }

    /// It is there only for some of the places that the path means.
    pub(crate) fn when(mut self, is_there: fn(&Place) -> bool) -> Self {
        self.when = Some(is_there);
        self
    }

    /// Query parameters and headers.
    pub(crate) fn parameters(mut self, parameters: &'static [Parameter]) -> Self {
        self.parameters = parameters;
        self
    }

    /// Answers with a page of a list.
    pub(crate) fn lists(mut self, resource: &'static Resource, filters: Filters) -> Self {
        self.filters = Some(filters);
        self.answers.push((200, Shows::Page(resource)));
        self
    }

    /// Answers with a list that has no pages.
    pub(crate) fn lists_all(mut self, resource: &'static Resource) -> Self {
        self.answers.push((200, Shows::Page(resource)));
        self
    }

    /// Answers with one resource, or with the fields of it that are asked for.
    pub(crate) fn reads(mut self, resource: &'static Resource) -> Self {
        self.is_projected = true;
        self.shows(200, resource)
    }

    /// Takes a new resource and answers with it.
    pub(crate) fn creates(mut self, resource: &'static Resource) -> Self {
        self.takes = Takes::All(resource);
        self.shows(201, resource)
    }

    /// Takes a resource in place of another and answers with it.
    pub(crate) fn replaces(mut self, resource: &'static Resource) -> Self {
        self.takes = Takes::All(resource);
        self.shows(200, resource)
    }

    /// Takes what is to be changed and answers with the resource.
    pub(crate) fn changes(mut self, resource: &'static Resource) -> Self {
        self.takes = Takes::Some(resource);
        self.shows(200, resource)
    }

    /// Takes all that can be set of a resource.
    pub(crate) fn takes_all(mut self, resource: &'static Resource) -> Self {
        self.takes = Takes::All(resource);
        self
    }

    /// Takes fields.
    pub(crate) fn takes(mut self, name: &'static str, build: Build) -> Self {
        self.takes = Takes::Fields(name, build);
        self
    }

    /// Takes fields, or no body at all.
    pub(crate) fn may_take(mut self, name: &'static str, build: Build) -> Self {
        self.takes = Takes::MaybeFields(name, build);
        self
    }

    /// Takes fields of which one is a file.
    pub(crate) fn takes_upload(mut self, name: &'static str, build: Build) -> Self {
        self.takes = Takes::Upload(name, build);
        self
    }

    /// Takes bytes.
    pub(crate) fn takes_bytes(mut self, media_type: &'static str) -> Self {
        self.takes = Takes::Bytes(media_type);
        self
    }

    /// Answers with a resource.
    pub(crate) fn shows(mut self, status: u16, resource: &'static Resource) -> Self {
        self.answers.push((status, Shows::One(resource)));
        self
    }

    /// Answers with something of a schema of its own.
    pub(crate) fn answers(mut self, status: u16, name: &'static str, build: Build) -> Self {
        self.answers.push((status, Shows::Schema(name, build)));
        self
    }

    /// Answers with bytes.
    pub(crate) fn answers_bytes(mut self, status: u16, media_type: &'static str) -> Self {
        self.answers.push((status, Shows::Bytes(media_type)));
        self
    }

    /// Answers without a body.
    pub(crate) fn answers_nothing(mut self, status: u16) -> Self {
        self.answers.push((status, Shows::Nothing));
        self
    }

    /// Makes a task and answers with it.
    pub(crate) fn orders(self) -> Self {
        self.answers(202, "AsyncOperationResponse", |_| {
            json!({"type": "object", "required": ["task"], "properties": {
                "task": {"type": "string", "format": "uri-reference",
                    "description": "The task that does it."}}})
        })
    }

    /// What it is called, what it is for, and with what it answers.
    #[cfg(test)]
    pub(crate) fn said(&self) -> (&'static str, &'static str, Vec<u16>) {
        let answers = self.answers.iter().map(|(status, _)| *status).collect();
        (self.id, self.summary, answers)
    }

    /// Whether it is there at a place.
    pub(crate) fn is_at(&self, place: &Place) -> bool {
        self.when.is_none_or(|is_there| is_there(place))
    }

    /// The operation as the document has it, and its path.
    pub(crate) fn written(
        &self,
        place: &Place,
        access: Access,
        is_write: bool,
        (root, style): (Root, Style),
        schemas: &mut Schemas,
    ) -> (String, Value) {
        let (path, mut parameters) = place.path(root, style);
        let has_variable = !parameters.is_empty();
        if let Some(filters) = &self.filters {
            parameters.extend(filters.written(place));
        }
        if self.is_projected {
            parameters.extend(projection());
        }
        parameters.extend(self.parameters.iter().map(Parameter::written));
        if self.answers.iter().any(|(status, _)| *status == 202) {
            parameters.push(DIAGNOSTICS.written());
        }
        let mut responses = refusals::of(access, is_write, has_variable);
        for (status, shows) in &self.answers {
            responses.insert(status.to_string(), shows.written(place, schemas));
        }
        let mut written = Map::new();
        written.insert("operationId".to_owned(), place.fill(self.id).into());
        written.insert("summary".to_owned(), place.fill(self.summary).into());
        if !self.about.is_empty() {
            written.insert("description".to_owned(), self.about.into());
        }
        let tag = self.tag.map_or_else(|| place.tag(), str::to_owned);
        written.insert("tags".to_owned(), json!([tag]));
        written.insert("parameters".to_owned(), parameters.into());
        if let Some(body) = self.takes.written(place, schemas) {
            written.insert("requestBody".to_owned(), body);
        }
        written.insert("responses".to_owned(), responses.into());
        let security = match access {
            Access::Open => json!([]),
            _ => json!([{"basicAuth": []}, {"tokenAuth": []}, {"cookieAuth": []}]),
        };
        written.insert("security".to_owned(), security);
        let needed = match access {
            Access::Open => None,
            Access::Own => Some(Need::User),
            Access::Guarded => Some(self.need),
        };
        if let Some(need) = needed {
            let text = place.fill(&need.described(place.resource_type()));
            written.insert("x-required-permission".to_owned(), text.into());
        }
        (path, written.into())
    }
}

const DIAGNOSTICS: Parameter = Parameter::several(
    "X-Task-Diagnostics",
    "`memory`: the task's `profile_artifacts/` then have how much memory the server used.",
)
.header();

/// The media types in which fields come.
const FORMS: [&str; 3] = [
    "application/json",
    "application/x-www-form-urlencoded",
    "multipart/form-data",
];

impl Takes {
    fn written(self, place: &Place, schemas: &mut Schemas) -> Option<Value> {
        let (name, schema, required) = match self {
            Self::Nothing => return None,
            Self::Bytes(media_type) => {
                return Some(json!({"required": true, "content": {
                    media_type: {"schema": {"type": "string", "format": "binary"}}}}));
            }
            Self::All(resource) => (resource.schema_name(place), resource.taken(place), true),
            Self::Some(resource) => (
                format!("Patched{}", resource.schema_name(place)),
                resource.changed(place),
                true,
            ),
            Self::Fields(name, build) | Self::Upload(name, build) => {
                (place.fill(name), build(place), true)
            }
            Self::MaybeFields(name, build) => (place.fill(name), build(place), false),
        };
        let reference = schemas.reference(name, schema);
        // A file can be left out for something that is stored, so that fields will do.
        let content: Map<String, Value> = FORMS
            .iter()
            .map(|media_type| ((*media_type).to_owned(), json!({"schema": reference})))
            .collect();
        Some(json!({"required": required, "content": content}))
    }
}

impl Shows {
    fn written(self, place: &Place, schemas: &mut Schemas) -> Value {
        let schema = match self {
            Self::Nothing => return json!({"description": "It is done."}),
            Self::Bytes(media_type) => {
                return json!({"description": "", "content": {
                    media_type: {"schema": {"type": "string", "format": "binary"}}}});
            }
            Self::One(resource) => one(resource, place, schemas),
            Self::Page(resource) => {
                let one = one(resource, place, schemas);
                let name = resource.schema_name(place);
                let page = json!({"type": "object", "required": ["count", "results"],
                    "properties": {
                        "count": {"type": "integer", "description": "Rows of all pages."},
                        "next": {"type": "string", "format": "uri", "nullable": true},
                        "previous": {"type": "string", "format": "uri", "nullable": true},
                        "results": {"type": "array", "items": one}}});
                schemas.reference(format!("Paginated{name}ResponseList"), page)
            }
            Self::Schema(name, build) => schemas.reference(place.fill(name), build(place)),
        };
        json!({"description": "", "content": {"application/json": {"schema": schema}}})
    }
}

fn one(resource: &Resource, place: &Place, schemas: &mut Schemas) -> Value {
    let name = format!("{}Response", resource.schema_name(place));
    schemas.reference(name, resource.shown(place))
}
