//! The caller's own API tokens: `tokens/`. A token is shown once, when it is made.

use axum::extract::Path;
use axum::response::Response;
use http::StatusCode;
use http::header::{self, HeaderValue};
use pith_db::user::{self, Token};
use pith_model::{Root, Timestamp};
use serde::Serialize;
use uuid::Uuid;

use crate::auth::token;
use crate::body::Fields;
use crate::context::Context;
use crate::document::{self, Href};
use crate::error::{Error, Result};
use crate::form::{Form, Given};
use crate::lookup::uuid_in_path;
use crate::openapi::{Field, Operation, Resource};
use crate::order::set_location;
use crate::page;
use crate::routes::{Routes, delete, get};

const NAME: Field = Field::blank("name", "For its owner.").nullable();
const EXPIRES: Field = Field::time("expires", "After that it opens nothing.").nullable();
const HREF: Field = Field::href("pulp_href", "").read_only();
const CREATED: Field = Field::time("pulp_created", "").read_only();

/// What the document says of a token.
static TOKEN: Resource = Resource::new("Token", "An API token.", &[HREF, NAME, CREATED, EXPIRES]);

/// What the document says of a token that was just made.
static NEW_TOKEN: Resource = Resource::new(
    "NewToken",
    "An API token that was just made.",
    &[
        HREF,
        NAME,
        CREATED,
        EXPIRES,
        Field::text("token", "What to send as `Authorization: Bearer …`.").read_only(),
    ],
);

/// The routes; any user may use them, for himself.
pub(crate) fn routes() -> Routes {
    Routes::new()
        .route(
            "/tokens/",
            get(
                Operation::new("tokens_list", "List one's own tokens").lists_all(&TOKEN),
                list,
            )
            .post(
                Operation::new("tokens_create", "Create a token")
                    .about("The token itself is shown this once.")
                    .takes_all(&TOKEN)
                    .shows(201, &NEW_TOKEN),
                create,
            ),
        )
        .route(
            "/tokens/{id}/",
            delete(
                Operation::new("tokens_delete", "Revoke a token").answers_nothing(204),
                revoke,
            ),
        )
}

/// A token as clients see it.
#[derive(Serialize)]
struct Shown {
    pulp_href: Href<String>,
    name: String,
    pulp_created: Timestamp,
    expires: Option<Timestamp>,
}

impl Shown {
    fn new(root: Root, token: Token) -> Self {
        Self {
            pulp_href: Href(root, path(token.uuid)),
            name: token.name,
            pulp_created: token.pulp_created,
            expires: token.expires,
        }
    }
}

fn path(uuid: Uuid) -> String {
    format!("tokens/{uuid}/")
}

/// `GET tokens/`
async fn list(context: Context) -> Result<Response> {
    let mut connection = context.app.database.read().await?;
    let tokens = user::tokens(&mut connection, context.user()?.id).await?;
    let shown: Vec<Shown> = tokens
        .into_iter()
        .map(|token| Shown::new(context.root, token))
        .collect();
    Ok(page::whole(&shown))
}

/// `POST tokens/`
async fn create(context: Context, fields: Fields) -> Result<Response> {
    let mut form = Form::from(fields);
    let name = form.nullable_text("name").value().unwrap_or_default();
    let expires = match form.nullable_text("expires") {
        Given::This(text) => {
            let moment = Timestamp::parse(&text).filter(|moment| *moment > Timestamp::now());
            if moment.is_none() {
                form.wrong(
                    "expires",
                    "Expected a moment to come, such as 2036-01-31T12:00:00Z.",
                );
            }
            moment
        }
        Given::Absent | Given::Null => None,
    };
    form.finish()?;
    let token = token::generate();
    let owner = context.user()?.id;
    let mut transaction = context.app.database.write_durably().await?;
    let uuid =
        user::insert_token(&mut transaction, owner, &name, token::hash(&token), expires).await?;
    transaction.commit().await?;

    let href = Href(context.root, path(uuid)).to_string();
    let mut response = document::object(None, |object| {
        object
            .field("pulp_href", &href)
            .field("name", &name)
            .field("pulp_created", Timestamp::now())
            .field("expires", expires)
            .field("token", &token);
    });
    *response.status_mut() = StatusCode::CREATED;
    set_location(&mut response, &href);
    response
        .headers_mut()
        .insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(response)
}

/// `DELETE tokens/<id>/`
async fn revoke(context: Context, Path(id): Path<String>) -> Result<StatusCode> {
    let owner = context.user()?.id;
    let mut transaction = context.app.database.write_durably().await?;
    if !user::delete_token(&mut transaction, owner, uuid_in_path(&id)?).await? {
        return Err(Error::not_found());
    }
    transaction.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}
