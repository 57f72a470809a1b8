//! One loaded build of a plugin: what it says of itself, what it can do, and how to run it.

use std::fmt;
use std::sync::Arc;

use pith_model::descriptor::{Descriptor, TaskKind};
use wasmtime::component::InstancePre;

use crate::bridge::State;
use crate::bridge::contract::exports::pith::plugin::{
    changer, deriver, orderer, publisher, resolver, server, syncer, uploader,
};
use crate::limits::Limits;
use crate::order::Complete;
use crate::program::Program;
use crate::usage::Used;

/// What a build can do beside saying what it is.
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is an interface of the contract, exported or not"
)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Abilities {
    /// It exports `syncer`.
    pub sync: bool,
    /// It exports `uploader`.
    pub upload: bool,
    /// It exports `publisher`.
    pub publish: bool,
    /// It exports `server`.
    pub serve: bool,
    /// It exports `resolver`.
    pub resolve: bool,
    /// It exports `changer`.
    pub change: bool,
    /// It exports `orderer`.
    pub order: bool,
    /// It exports `deriver`.
    pub derive: bool,
}

impl Abilities {
    /// Whether tasks of that kind can run.
    pub fn has(self, kind: TaskKind) -> bool {
        match kind {
            TaskKind::Sync => self.sync,
            TaskKind::Upload => self.upload,
            TaskKind::Publish => self.publish,
            TaskKind::Change => self.change,
        }
    }
}

/// Where the optional exports are in the component.
#[derive(Clone)]
pub(crate) struct Exports {
    pub(crate) syncer: Option<syncer::GuestIndices>,
    pub(crate) uploader: Option<uploader::GuestIndices>,
    pub(crate) publisher: Option<publisher::GuestIndices>,
    pub(crate) server: Option<server::GuestIndices>,
    pub(crate) resolver: Option<resolver::GuestIndices>,
    pub(crate) changer: Option<changer::GuestIndices>,
    pub(crate) orderer: Option<orderer::GuestIndices>,
    pub(crate) deriver: Option<deriver::GuestIndices>,
}

impl Exports {
    pub(crate) fn of(pre: &InstancePre<State>) -> Self {
        Self {
            syncer: syncer::GuestIndices::new(pre).ok(),
            uploader: uploader::GuestIndices::new(pre).ok(),
            publisher: publisher::GuestIndices::new(pre).ok(),
            server: server::GuestIndices::new(pre).ok(),
            resolver: resolver::GuestIndices::new(pre).ok(),
            changer: changer::GuestIndices::new(pre).ok(),
            orderer: orderer::GuestIndices::new(pre).ok(),
            deriver: deriver::GuestIndices::new(pre).ok(),
        }
    }

    pub(crate) fn abilities(&self) -> Abilities {
        Abilities {
            sync: self.syncer.is_some(),
            upload: self.uploader.is_some(),
            publish: self.publisher.is_some(),
            serve: self.server.is_some(),
            resolve: self.resolver.is_some(),
            change: self.changer.is_some(),
            order: self.orderer.is_some(),
            derive: self.deriver.is_some(),
        }
    }
}

/// One loaded build of a plugin. A task holds the one that it began with.
pub struct Generation {
    pub(crate) number: u64,
    pub(crate) digest: String,
    pub(crate) name: Arc<str>,
    pub(crate) descriptor: Descriptor,
    pub(crate) limits: Limits,
    pub(crate) imports: Vec<String>,
    pub(crate) exports: Exports,
    pub(crate) program: Program,
    pub(crate) complete: Complete,
}

impl Generation {
    /// Which build of this plugin it is, from 1; 0 before it is installed.
    pub fn number(&self) -> u64 {
        self.number
    }

    /// The same build under another number.
    #[must_use]
    pub fn numbered(self, number: u64) -> Self {
        Self { number, ..self }
    }

    /// The same build with other limits, for calls to come.
    #[must_use]
    pub fn limited(&self, limits: Limits) -> Self {
        Self {
            number: self.number,
            digest: self.digest.clone(),
            name: Arc::clone(&self.name),
            descriptor: self.descriptor.clone(),
            limits,
            imports: self.imports.clone(),
            exports: self.exports.clone(),
            program: self.program.clone(),
            complete: self.complete.clone(),
        }
    }

    /// What it asks of the host: the interfaces that it imports.
    pub fn imports(&self) -> &[String] {
        &self.imports
    }

    /// What its calls used in this process.
    pub fn used(&self) -> Used {
        self.program.usage.read()
    }

    /// The component's SHA-256 in hexadecimal.
    pub fn digest(&self) -> &str {
        &self.digest
    }

    /// The same as bytes.
    pub(crate) fn sha256(&self) -> [u8; 32] {
        let mut bytes = [0; 32];
        hex::decode_to_slice(&self.digest, &mut bytes).expect("the loader wrote the digest");
        bytes
    }

    /// The plugin's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The plugin's version.
    pub fn version(&self) -> &str {
        &self.descriptor.version
    }

    /// What it says of itself.
    pub fn descriptor(&self) -> &Descriptor {
        &self.descriptor
    }

    /// What it can do.
    pub fn abilities(&self) -> Abilities {
        self.exports.abilities()
    }

    /// What each of its calls may use.
    pub fn limits(&self) -> &Limits {
        &self.limits
    }
}

impl fmt::Debug for Generation {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Generation")
            .field("name", &self.name)
            .field("version", &self.descriptor.version)
            .field("number", &self.number)
            .field("digest", &self.digest)
            .field("abilities", &self.abilities())
            .finish_non_exhaustive()
    }
}
