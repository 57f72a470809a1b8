//! How a remote looks to clients: all but its secrets, of which they see whether they
//! are set.

use pith_db::remote::Remote;
use pith_model::Root;
use pith_model::reference::{Kind, typed_path};
use pith_model::remote::{Secrets, TOKEN};
use serde::Serialize;
use serde_json::{Value, json};

use crate::config;
use crate::declared::Declared;
use crate::document::{Href, Object};
use crate::last_sync::LastSyncs;
use crate::openapi::{Field, Resource};

/// What the document says of a remote.
pub(super) static REMOTE: Resource = Resource::new(
    "Remote",
    "Where content comes from.",
    &[
        Field::href("pulp_href", "").read_only(),
        Field::text("prn", "").read_only(),
        Field::time("pulp_created", "").read_only(),
        Field::time("pulp_last_updated", "").read_only(),
        Field::text("name", "Unique.").required(),
        Field::text("url", "With the scheme `http` or `https`.").required(),
        Field::text("ca_cert", "Who vouches for the upstream, as PEM.").nullable(),
        Field::text("client_cert", "Who we are, as PEM.").nullable(),
        Field::text("client_key", "As PEM.").nullable().write_only(),
        Field::boolean(
            "tls_validation",
            "Whether the upstream must prove who it is.",
        ),
        Field::text(
            "proxy_url",
            "With the scheme `http`, `https`, `socks5` or `socks5h`.",
        )
        .nullable(),
        Field::text("proxy_username", "").nullable().write_only(),
        Field::text("proxy_password", "").nullable().write_only(),
        Field::text("username", "").nullable().write_only(),
        Field::text("password", "").nullable().write_only(),
        Field::labels("pulp_labels", ""),
        Field::integer("download_concurrency", 1, "Downloads at once.").nullable(),
        Field::integer(
            "max_retries",
            0,
            "How often a failed download is tried again.",
        )
        .nullable(),
        Field::one_of(
            "policy",
            &["immediate", "on_demand", "streamed"],
            "Whether files are fetched with the sync, or when somebody asks for them.",
        ),
        Field::number("total_timeout", "In seconds.").nullable(),
        Field::number("connect_timeout", "In seconds.").nullable(),
        Field::number("sock_connect_timeout", "In seconds.").nullable(),
        Field::number("sock_read_timeout", "In seconds.").nullable(),
        Field::schema_of(
            "headers",
            headers,
            "Sent with each request: `[{\"name\": \"value\"}]`.",
        ),
        Field::integer("rate_limit", 0, "Requests in a second.").nullable(),
        Field::schema_of(
            "hidden_fields",
            hidden_fields,
            "Which fields that are never shown are set.",
        )
        .read_only(),
    ],
);

fn headers() -> Value {
    json!({"type": "array", "items": {"type": "object", "minProperties": 1, "maxProperties": 1,
        "additionalProperties": {"type": "string"}}})
}

fn hidden_fields() -> Value {
    json!({"type": "array", "items": {"type": "object", "properties": {
        "name": {"type": "string"}, "is_set": {"type": "boolean"}}}})
}

/// A field that can be written and not read.
#[derive(Serialize)]
struct HiddenField {
    name: &'static str,
    is_set: bool,
}

/// Writes what every remote has.
pub(super) fn write_base(object: &mut Object<'_>, remote: &Remote, root: Root, takes_token: bool) {
    let (plugin, type_name) = (remote.plugin.as_str(), remote.type_name.as_str());
    let settings = &remote.settings;
    let set = settings
        .secret_names
        .as_array()
        .map(Vec::as_slice)
        .unwrap_or_default();
    let hidden_fields: Vec<HiddenField> = Secrets::default()
        .entries()
        .into_iter()
        .filter(|(name, _)| takes_token || *name != TOKEN)
        .map(|(name, _)| HiddenField {
            name,
            is_set: set.iter().any(|one| one == name),
        })
        .collect();
    object
        .field(
            "pulp_href",
            Href(
                root,
                typed_path(Kind::Remote, plugin, type_name, remote.uuid),
            ),
        )
        .field("prn", remote.prn())
        .field("pulp_created", remote.pulp_created)
        .field("pulp_last_updated", remote.pulp_last_updated)
        .field("name", &settings.name)
        .field("url", &settings.url)
        .field("ca_cert", &settings.ca_cert)
        .field("client_cert", &settings.client_cert)
        .field("tls_validation", settings.tls_validation)
        .field("proxy_url", &settings.proxy_url)
        .field("pulp_labels", &settings.pulp_labels)
        .field("download_concurrency", settings.download_concurrency)
        .field("max_retries", settings.max_retries)
        .field("policy", &settings.policy)
        .field("total_timeout", settings.total_timeout)
        .field("connect_timeout", settings.connect_timeout)
        .field("sock_connect_timeout", settings.sock_connect_timeout)
        .field("sock_read_timeout", settings.sock_read_timeout)
        .field("headers", &settings.headers)
        .field("rate_limit", settings.rate_limit)
        .field("hidden_fields", hidden_fields);
}

/// Writes a remote of a type, with what its plugin adds.
pub(super) fn write(
    object: &mut Object<'_>,
    remote: &Remote,
    root: Root,
    declared: Option<&Declared>,
    last_syncs: &LastSyncs,
) {
    let takes_token = declared.is_some_and(|declared| declared.resource_type().takes_token);
    write_base(object, remote, root, takes_token);
    let schema = declared.map(Declared::schema);
    config::write(object, root, schema, &remote.settings.config);
    last_syncs.write(object, schema, &remote.prn(), None);
}
