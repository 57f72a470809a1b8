//! The gates that a component passes before it runs, and what is said at a closed one.

use std::fmt;

/// A step of loading a component. They come in this order; the first that refuses is named.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Gate {
    /// The file can be read.
    Read,
    /// It is what whoever sent it says it is.
    Digest,
    /// It is not larger than the limit.
    Size,
    /// It is a component, not a core module and not something else.
    Component,
    /// It imports nothing but the contract, or WASI.
    Imports,
    /// It compiles.
    Compile,
    /// What it imports has the types that the contract gives.
    Link,
    /// An instance of it can be made.
    Probe,
    /// `describe` answers, within tight limits.
    Describe,
    /// What it answers makes sense: names, keys, fields.
    Descriptor,
    /// Every schema in it is one.
    Schemas,
    /// It exports what its task types need.
    Exports,
    /// It fits the content that is stored and the build that is in service.
    Compatibility,
}

impl Gate {
    /// One word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Digest => "digest",
            Self::Size => "size",
            Self::Component => "component",
            Self::Imports => "imports",
            Self::Compile => "compile",
            Self::Link => "link",
            Self::Probe => "probe",
            Self::Describe => "describe",
            Self::Descriptor => "descriptor",
            Self::Schemas => "schemas",
            Self::Exports => "exports",
            Self::Compatibility => "compatibility",
        }
    }

    /// A refusal at this gate.
    pub(crate) fn refuses(self, reason: impl fmt::Display) -> Refused {
        Refused {
            gate: self,
            source: String::new(),
            reason: reason.to_string(),
        }
    }
}

impl fmt::Display for Gate {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

/// A component does not become a plugin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    /// Which gate stayed closed.
    pub gate: Gate,
    /// What was to be loaded, as whoever asked for it called it.
    pub source: String,
    /// Why: a sentence.
    pub reason: String,
}

impl Refused {
    pub(crate) fn of(self, source: &str) -> Self {
        Self {
            source: source.to_owned(),
            ..self
        }
    }
}

impl fmt::Display for Refused {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            gate,
            source,
            reason,
        } = self;
        write!(
            formatter,
            "the component {source} was refused at the gate `{gate}`: {reason}"
        )
    }
}

impl std::error::Error for Refused {}
