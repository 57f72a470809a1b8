//! What a client can set of a remote.

use pith_content::seal::Seal;
use pith_db::remote::Settings;
use pith_model::remote::{AUTH_URL, Policy, Secrets, TOKEN, required_secrets, schemes};
use serde_json::{Map, Value, json};

use super::check;
use crate::body::Fields;
use crate::config;
use crate::declared::Declared;
use crate::error::Result;
use crate::form::{Form, Given};
use crate::label;

/// What clients send back as they got it.
const READ_ONLY: &[&str] = &[
    "pulp_href",
    "prn",
    "pulp_created",
    "pulp_last_updated",
    "hidden_fields",
];

/// Settings before a client has said anything.
pub(super) fn defaults() -> Settings {
    Settings {
        name: String::new(),
        pulp_labels: Value::Object(Map::new()),
        url: String::new(),
        policy: Policy::Immediate.as_str().to_owned(),
        ca_cert: None,
        client_cert: None,
        tls_validation: true,
        proxy_url: None,
        headers: json!([]),
        download_concurrency: None,
        max_retries: None,
        total_timeout: None,
        connect_timeout: None,
        sock_connect_timeout: None,
        sock_read_timeout: None,
        rate_limit: None,
        secrets: None,
        secret_names: json!([]),
        config: Value::Object(Map::new()),
    }
}

/// Takes what a form says over into settings, and ends the form.
pub(super) fn take(
    seal: &Seal,
    declared: &Declared,
    mut form: Form,
    settings: &mut Settings,
) -> Result<()> {
    form.ignore(READ_ONLY);
    if let Some(name) = form.text("name") {
        settings.name = name;
    }
    if let Some(labels) = label::take(&mut form) {
        settings.pulp_labels = Value::Object(labels);
    }
    take_url(&mut form, settings, &schemes(declared.schema()));
    take_tls(&mut form, settings);
    take_numbers(&mut form, settings);
    take_headers(&mut form, settings);
    let takes_token = declared.resource_type().takes_token;
    take_secrets(seal, &mut form, settings, takes_token)?;
    require_secrets(&mut form, settings, declared);
    let mut config = settings.config.as_object().cloned().unwrap_or_default();
    config::take(&mut form, declared.schema(), &mut config);
    settings.config = Value::Object(config);
    check_auth_url(&mut form, settings);
    if let Some(login) = &declared.resource_type().login {
        check_server(&mut form, settings, &login.server);
    }
    form.finish()
}

/// Some types of remotes are nothing without, for example, a user's name.
fn require_secrets(form: &mut Form, settings: &Settings, declared: &Declared) {
    let set = settings.secret_names.as_array();
    for name in required_secrets(declared.schema()) {
        if !set.is_some_and(|set| set.iter().any(|one| one == name)) {
            form.wrong(name, "This field is required.");
        }
    }
}

/// The server that a type of remotes logs in at is one of the web.
fn check_server(form: &mut Form, settings: &Settings, name: &str) {
    if let Some(url) = settings.config[name].as_str()
        && let Some(problem) = check::url_problem(url, check::WEB)
    {
        form.wrong(name, problem);
    }
}

/// A token is exchanged for another one at its `auth_url`, where a type has that setting.
fn check_auth_url(form: &mut Form, settings: &Settings) {
    let Some(url) = settings.config[AUTH_URL].as_str() else {
        return;
    };
    if let Some(problem) = check::url_problem(url, check::WEB) {
        form.wrong(AUTH_URL, problem);
    }
    let names = settings.secret_names.as_array();
    if !names.is_some_and(|names| names.iter().any(|name| name == TOKEN)) {
        form.wrong_together("When specifying 'auth_url' you must also specify 'token'.");
    }
}

/// The settings for fetching one file from an address, or what is wrong with that.
pub(crate) fn settings_for(url: &str) -> std::result::Result<Settings, String> {
    match check::url_problem(url, check::WEB) {
        Some(problem) => Err(problem),
        None => Ok(Settings {
            url: url.to_owned(),
            ..defaults()
        }),
    }
}

/// The settings for fetching one file: what a remote has of the network, and no more.
pub(crate) fn network(
    seal: &Seal,
    outer: &mut Form,
    url: &str,
    fields: Map<String, Value>,
) -> Result<Settings> {
    let mut settings = defaults();
    match check::url_problem(url, check::WEB) {
        None => url.clone_into(&mut settings.url),
        Some(problem) => outer.wrong("file_url", problem),
    }
    let mut form = Form::from(Fields {
        map: fields,
        textual: false,
    });
    take_proxy(&mut form, &mut settings);
    take_tls(&mut form, &mut settings);
    take_numbers(&mut form, &mut settings);
    take_headers(&mut form, &mut settings);
    take_secrets(seal, &mut form, &mut settings, false)?;
    form.finish_within(outer, "downloader_config");
    Ok(settings)
}

fn take_headers(form: &mut Form, settings: &mut Settings) {
    if let Some(headers) = form.list("headers") {
        match check::headers_problem(&headers) {
            None => settings.headers = Value::Array(headers),
            Some(problem) => form.wrong("headers", problem),
        }
    }
}

fn take_url(form: &mut Form, settings: &mut Settings, schemes: &[&str]) {
    if let Some(url) = form.text("url") {
        match check::url_problem(&url, schemes) {
            None => settings.url = url,
            Some(problem) => form.wrong("url", problem),
        }
    }
    if let Some(policy) = form.text("policy") {
        match Policy::parse(&policy) {
            Some(policy) => policy.as_str().clone_into(&mut settings.policy),
            None => form.wrong("policy", format!("\"{policy}\" is not a valid choice.")),
        }
    }
    take_proxy(form, settings);
}

fn take_proxy(form: &mut Form, settings: &mut Settings) {
    let proxy_url = form.nullable_text("proxy_url");
    take_checked(
        form,
        "proxy_url",
        proxy_url,
        &mut settings.proxy_url,
        check::proxy_problem,
    );
}

fn take_tls(form: &mut Form, settings: &mut Settings) {
    let certificate = |text: &str| check::pem_problem(text, "CERTIFICATE");
    let ca_cert = form.nullable_text("ca_cert");
    take_checked(form, "ca_cert", ca_cert, &mut settings.ca_cert, certificate);
    let client_cert = form.nullable_text("client_cert");
    take_checked(
        form,
        "client_cert",
        client_cert,
        &mut settings.client_cert,
        certificate,
    );
    if let Some(tls_validation) = form.boolean("tls_validation") {
        settings.tls_validation = tls_validation;
    }
}

fn take_checked(
    form: &mut Form,
    name: &str,
    given: Given<String>,
    place: &mut Option<String>,
    check: impl FnOnce(&str) -> Option<String>,
) {
    if let Given::This(text) = &given
        && let Some(problem) = check(text)
    {
        return form.wrong(name, problem);
    }
    given.set(place);
}

fn take_numbers(form: &mut Form, settings: &mut Settings) {
    form.nullable_integer("download_concurrency", 1)
        .set(&mut settings.download_concurrency);
    form.nullable_integer("max_retries", 0)
        .set(&mut settings.max_retries);
    form.nullable_integer("rate_limit", 0)
        .set(&mut settings.rate_limit);
    form.nullable_number("total_timeout")
        .set(&mut settings.total_timeout);
    form.nullable_number("connect_timeout")
        .set(&mut settings.connect_timeout);
    form.nullable_number("sock_connect_timeout")
        .set(&mut settings.sock_connect_timeout);
    form.nullable_number("sock_read_timeout")
        .set(&mut settings.sock_read_timeout);
}

/// Takes secrets over; those that are not named stay.
fn take_secrets(
    seal: &Seal,
    form: &mut Form,
    settings: &mut Settings,
    takes_token: bool,
) -> Result<()> {
    let names = Secrets::default().entries().map(|(name, _)| name);
    let names: Vec<&str> = names
        .into_iter()
        .filter(|name| takes_token || *name != TOKEN)
        .collect();
    if !names.iter().any(|name| form.has(name)) {
        return Ok(());
    }
    let mut secrets = match &settings.secrets {
        Some(sealed) => seal.open_secrets(sealed)?,
        None => Secrets::default(),
    };
    for name in names {
        let given = form.nullable_text(name);
        if name == "client_key"
            && let Given::This(text) = &given
            && let Some(problem) = check::pem_problem(text, "PRIVATE KEY")
        {
            form.wrong(name, problem);
            continue;
        }
        if let Some(place) = secrets.entry_mut(name) {
            given.set(place);
        }
    }
    let set: Vec<&str> = secrets
        .entries()
        .into_iter()
        .filter(|(_, value)| value.is_some())
        .map(|(name, _)| name)
        .collect();
    settings.secrets = if set.is_empty() {
        None
    } else {
        Some(seal.seal(&secrets)?)
    };
    settings.secret_names = json!(set);
    Ok(())
}
