//! The words of the domain as types. No I/O lives here.

pub mod access;
pub mod descriptor;
mod entity;
pub mod expression;
pub mod field;
pub mod filter;
pub mod id;
mod link;
pub mod login;
pub mod order_key;
pub mod path;
pub mod reference;
pub mod remote;
pub mod route;
pub mod schema;
pub mod task;
pub mod time;

pub use descriptor::{ArtifactCount, ContentType, Descriptor, ResourceType, TaskKind, TaskType};
pub use expression::Expression;
pub use id::{
    ArtifactId, DistributionId, PublicationId, RemoteId, RepositoryId, SigningServiceId, TaskId,
    UnitId, UploadId, UserId, VersionId, WorkerId,
};
pub use reference::{Kind, Reference, Root};
pub use time::Timestamp;
