//! What an administrator can set of a user.

use pith_db::user::{Settings, User};

use crate::app::App;
use crate::auth::password;
use crate::error::Result;
use crate::form::{Form, Given};

/// What clients send back as they got it.
const READ_ONLY: &[&str] = &[
    "pulp_href",
    "prn",
    "id",
    "date_joined",
    "groups",
    "hidden_fields",
];

/// Longest name, in characters, as in Pulp.
const LONGEST: usize = 150;

/// The settings of a user who is there.
pub(super) fn of(user: &User) -> Settings {
    Settings {
        username: user.username.clone(),
        first_name: user.first_name.clone(),
        last_name: user.last_name.clone(),
        email: user.email.clone(),
        is_superuser: user.is_superuser,
        is_staff: user.is_staff,
        is_active: user.is_active,
    }
}

/// Takes what a field of a form says of the password, hashed. It takes a while.
pub(super) async fn take_password(
    app: &App,
    form: &mut Form,
    field: &str,
) -> Result<Given<String>> {
    let text = match form.nullable_text(field) {
        Given::This(text) => text,
        other => return Ok(other),
    };
    if let Some(problem) = password::problem(&text) {
        form.wrong(field, format!("The password {problem}."));
        return Ok(Given::Absent);
    }
    Ok(Given::This(app.authenticator.hash(text).await?))
}

/// Takes what a form says over into settings, and ends the form.
pub(super) fn take(mut form: Form, settings: &mut Settings) -> Result<()> {
    form.ignore(READ_ONLY);
    if let Some(username) = form.text("username") {
        if username
            .chars()
            .any(|c| !c.is_alphanumeric() && !"@.+-_".contains(c))
        {
            form.wrong(
                "username",
                "Enter a valid username. This value may contain only letters, numbers, and \
                 @/./+/-/_ characters.",
            );
        }
        settings.username = short(&mut form, "username", username);
    }
    for (name, place) in [
        ("first_name", &mut settings.first_name),
        ("last_name", &mut settings.last_name),
        ("email", &mut settings.email),
    ] {
        if let Some(text) = take_blank(&mut form, name) {
            *place = short(&mut form, name, text);
        }
    }
    if let Some(is_superuser) = form.boolean("is_superuser") {
        settings.is_superuser = is_superuser;
    }
    if let Some(is_staff) = form.boolean("is_staff") {
        settings.is_staff = is_staff;
    }
    if let Some(is_active) = form.boolean("is_active") {
        settings.is_active = is_active;
    }
    form.finish()
}

/// A text that may be empty.
fn take_blank(form: &mut Form, name: &str) -> Option<String> {
    match form.take(name)? {
        serde_json::Value::String(text) => Some(text),
        _ => {
            form.wrong(name, "Not a valid string.");
            None
        }
    }
}

fn short(form: &mut Form, name: &str, text: String) -> String {
    if text.chars().count() > LONGEST {
        form.wrong(
            name,
            format!("Ensure this field has no more than {LONGEST} characters."),
        );
    }
    text
}
