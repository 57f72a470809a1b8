//! Sessions: `login/`.

use axum::extract::RawQuery;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use http::header::{self, HeaderValue};
use pith_db::user::{self, User};

use crate::auth::session;
use crate::context::Context;
use crate::document::{self, Href, Projection, Text};
use crate::error::Result;
use crate::openapi::{Field, Operation, Resource};
use crate::query;
use crate::routes::{Routes, get};
use crate::users::own;

/// What the document says of who asks.
static LOGIN: Resource = Resource::new(
    "Login",
    "Who asks.",
    &[
        Field::href("pulp_href", "").read_only(),
        Field::text("prn", "").read_only(),
        Field::text("username", "").read_only(),
    ],
);

/// The routes; any user may use them.
pub(crate) fn routes() -> Routes {
    Routes::new().route(
        "/login/",
        get(
            Operation::new("login_read", "Say who asks").reads(&LOGIN),
            read,
        )
        .post(
            Operation::new("login", "Begin a session")
                .about("Answers with the cookies `sessionid` and `csrftoken`.")
                .shows(201, &LOGIN),
            login,
        )
        .patch(
            Operation::new("login_update", "Change who asks").changes(&own::OWN_USER),
            own::update,
        )
        .delete(
            Operation::new("logout", "End the session").answers_nothing(204),
            logout,
        ),
    )
}

/// `GET login/`: who asks.
async fn read(context: Context, RawQuery(text): RawQuery) -> Result<Response> {
    let projection = query::projection(text.as_deref())?;
    Ok(answer(&context, context.user()?, Some(&projection)))
}

/// `POST login/`: makes a session for whoever asks.
async fn login(context: Context) -> Result<Response> {
    let user = context.user()?;
    let new = session::generate(context.is_https());
    let mut transaction = context.app.database.write().await?;
    user::insert_session(&mut transaction, user, new.hash, new.expires).await?;
    transaction.commit().await?;
    let mut response = answer(&context, user, None);
    *response.status_mut() = StatusCode::CREATED;
    set_cookies(&mut response, new.cookies);
    Ok(response)
}

/// `DELETE login/`: ends the session, for everybody who has its cookie.
async fn logout(context: Context) -> Result<Response> {
    if let Some(session) = context.identity()?.session {
        let mut transaction = context.app.database.write().await?;
        user::delete_session(&mut transaction, session).await?;
        transaction.commit().await?;
    }
    let mut response = StatusCode::NO_CONTENT.into_response();
    set_cookies(&mut response, session::farewell(context.is_https()));
    Ok(response)
}

fn answer(context: &Context, user: &User, projection: Option<&Projection>) -> Response {
    document::object(projection, |object| {
        object
            .field(
                "pulp_href",
                Href(context.root, format_args!("users/{}/", user.id)),
            )
            .field("prn", Text(format_args!("prn:auth.user:{}", user.id)))
            .field("username", &user.username);
    })
}

fn set_cookies(response: &mut Response, cookies: [HeaderValue; 2]) {
    for cookie in cookies {
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
    response
        .headers_mut()
        .insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
}
