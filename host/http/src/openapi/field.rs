//! One field of a resource: what it holds, who may set it, and what it is for.

use serde_json::{Value, json};

/// What a field holds.
#[derive(Clone, Copy, Debug)]
enum Holds {
    Text,
    /// May be empty.
    Blank,
    /// At least so much.
    Integer(i64),
    Number,
    Boolean,
    Time,
    /// The path of another resource.
    Href,
    OneOf(&'static [&'static str]),
    /// What is uploaded.
    File,
    /// Text by key.
    Labels,
    Object,
    List(&'static Holds),
    Schema(fn() -> Value),
}

impl Holds {
    fn schema(self) -> Value {
        match self {
            Self::Text => json!({"type": "string", "minLength": 1}),
            Self::Blank => json!({"type": "string"}),
            Self::Integer(least) => {
                json!({"type": "integer", "format": "int64", "minimum": least})
            }
            Self::Number => json!({"type": "number", "format": "double", "minimum": 0.0}),
            Self::Boolean => json!({"type": "boolean"}),
            Self::Time => json!({"type": "string", "format": "date-time"}),
            Self::Href => json!({"type": "string", "format": "uri-reference"}),
            Self::OneOf(words) => json!({"type": "string", "enum": words}),
            Self::File => json!({"type": "string", "format": "binary"}),
            Self::Labels => json!({
                "type": "object", "additionalProperties": {"type": "string", "nullable": true},
            }),
            Self::Object => json!({"type": "object"}),
            Self::List(items) => json!({"type": "array", "items": items.schema()}),
            Self::Schema(build) => build(),
        }
    }
}

/// Who says what a field is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Access {
    Both,
    /// Only the server.
    ReadOnly,
    /// Only the client, and it is never shown.
    WriteOnly,
}

/// One field of a resource.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Field {
    /// Its name.
    pub(crate) name: &'static str,
    holds: Holds,
    about: &'static str,
    access: Access,
    required: bool,
    nullable: bool,
}

macro_rules! kinds {
    ($($(#[$doc:meta])* $name:ident: $holds:expr;)*) => {
        $($(#[$doc])*
        pub(crate) const fn $name(name: &'static str, about: &'static str) -> Self {
            Self::new(name, $holds, about)
        })*
    };
}

impl Field {
    const fn new(name: &'static str, holds: Holds, about: &'static str) -> Self {
        Self {
            name,
            holds,
            about,
            access: Access::Both,
            required: false,
            nullable: false,
        }
    }

    kinds! {
        /// Text that is not empty.
        text: Holds::Text;
        /// Text that may be empty.
        blank: Holds::Blank;
        /// A number that is not negative.
        number: Holds::Number;
        /// True or false.
        boolean: Holds::Boolean;
        /// A moment.
        time: Holds::Time;
        /// The path of another resource; a PRN is taken too.
        href: Holds::Href;
        /// What is uploaded.
        file: Holds::File;
        /// Text by key.
        labels: Holds::Labels;
        /// Something nested.
        object: Holds::Object;
        /// Texts.
        texts: Holds::List(&Holds::Blank);
        /// Paths of other resources.
        hrefs: Holds::List(&Holds::Href);
        /// Each true or false.
        booleans: Holds::List(&Holds::Boolean);
        /// Nested things.
        objects: Holds::List(&Holds::Object);
    }

    /// An integer of at least `least`.
    pub(crate) const fn integer(name: &'static str, least: i64, about: &'static str) -> Self {
        Self::new(name, Holds::Integer(least), about)
    }

    /// One of a few words.
    pub(crate) const fn one_of(
        name: &'static str,
        words: &'static [&'static str],
        about: &'static str,
    ) -> Self {
        Self::new(name, Holds::OneOf(words), about)
    }

    /// Something with a schema of its own.
    pub(crate) const fn schema_of(
        name: &'static str,
        build: fn() -> Value,
        about: &'static str,
    ) -> Self {
        Self::new(name, Holds::Schema(build), about)
    }

    /// Without it nothing is made.
    pub(crate) const fn required(mut self) -> Self {
        self.required = true;
        self
    }

    /// May be null.
    pub(crate) const fn nullable(mut self) -> Self {
        self.nullable = true;
        self
    }

    /// Cannot be set.
    pub(crate) const fn read_only(mut self) -> Self {
        self.access = Access::ReadOnly;
        self
    }

    /// Is not shown.
    pub(crate) const fn write_only(mut self) -> Self {
        self.access = Access::WriteOnly;
        self
    }

    /// Whether nothing can be made without it.
    pub(crate) fn is_required(&self) -> bool {
        self.required
    }

    /// Whether answers have it.
    pub(crate) fn is_shown(&self) -> bool {
        self.access != Access::WriteOnly
    }

    /// Whether a client can set it.
    pub(crate) fn is_taken(&self) -> bool {
        self.access != Access::ReadOnly
    }

    /// Its schema.
    pub(crate) fn schema(&self) -> Value {
        let mut schema = self.holds.schema();
        if !self.about.is_empty() {
            schema["description"] = self.about.into();
        }
        if self.nullable {
            schema["nullable"] = true.into();
        }
        match self.access {
            Access::Both => {}
            Access::ReadOnly => schema["readOnly"] = true.into(),
            Access::WriteOnly => schema["writeOnly"] = true.into(),
        }
        schema
    }
}
