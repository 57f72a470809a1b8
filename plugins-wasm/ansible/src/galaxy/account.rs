//! Who one is, sessions and tokens, users and groups.

use pith_plugin_sdk::Result;
use pith_plugin_sdk::server::Response;
use serde_json::{Value, json};

use super::asked::{Asked, Refused, answer, below_root, encode, results};
use super::page::{self, Page};

/// The name of the one token that a user has by this way.
const TOKEN: &str = "galaxy";

/// `GET auth/me/`
pub(super) fn me(asked: &Asked<'_>) -> Result<Response> {
    let name = asked.request.user.as_deref().unwrap_or_default();
    let found = asked.call("GET", &format!("users/?username={}", encode(name)), None);
    // Whoever may not see users still knows his own name.
    let user = found.ok().and_then(|list| results(&list).first().cloned());
    let user = user.unwrap_or_else(|| json!({"username": name}));
    Response::json(200, &shown(&user))
}

fn shown(user: &Value) -> Value {
    json!({
        "id": user["id"],
        "username": user["username"],
        "first_name": user["first_name"],
        "last_name": user["last_name"],
        "email": user["email"],
        "groups": user["groups"],
        "date_joined": user["date_joined"],
        "is_superuser": user["is_superuser"],
    })
}

/// `GET auth/login/` and `auth/logout/`: looking begins no session and ends none.
pub(super) fn session(asked: &Asked<'_>) -> Result<Response> {
    Response::json(200, &json!({"username": asked.request.user}))
}

/// `GET auth/token/`: the token itself is told once, when it is made.
pub(super) fn token(asked: &Asked<'_>) -> Result<Response> {
    let tokens = match asked.call("GET", "tokens/", None) {
        Ok(tokens) => tokens,
        Err(refused) => return refused.answer(),
    };
    let found = results(&tokens).iter().find(|one| one["name"] == TOKEN);
    let since = found.map_or(&Value::Null, |one| &one["pulp_created"]);
    Response::json(
        200,
        &json!({"exists": found.is_some(), "created_at": since}),
    )
}

/// `POST auth/login/`: for whoever says who he is, the host gives the cookies.
pub(super) fn login(asked: &Asked<'_>) -> Result<Response> {
    match asked.call("POST", "login/", None) {
        Ok(user) => Response::json(200, &json!({"username": user["username"]})),
        Err(refused) => refused.answer(),
    }
}

/// `POST auth/logout/`
pub(super) fn logout(asked: &Asked<'_>) -> Result<Response> {
    answer(200, asked.call("DELETE", "login/", None))
}

/// `POST auth/token/`: the token before it opens nothing any more.
pub(super) fn make_token(asked: &Asked<'_>) -> Result<Response> {
    if let Err(refused) = revoke(asked) {
        return refused.answer();
    }
    match asked.call("POST", "tokens/", Some(&json!({"name": TOKEN}))) {
        Ok(made) => Response::json(200, &json!({"token": made["token"]})),
        Err(refused) => refused.answer(),
    }
}

/// `DELETE auth/token/`
pub(super) fn revoke_token(asked: &Asked<'_>) -> Result<Response> {
    match revoke(asked) {
        Ok(()) => Ok(Response {
            status: 204,
            headers: Vec::new(),
            body: Vec::new(),
        }),
        Err(refused) => refused.answer(),
    }
}

fn revoke(asked: &Asked<'_>) -> Result<(), Refused> {
    let tokens = asked.call("GET", "tokens/", None)?;
    for token in results(&tokens) {
        if token["name"] == TOKEN
            && let Some(path) = below_root(&token["pulp_href"])
        {
            asked.call("DELETE", path, None)?;
        }
    }
    Ok(())
}

/// `GET users/`
pub(super) fn users(asked: &Asked<'_>) -> Result<Response> {
    list(asked, "users", shown)
}

/// `GET groups/`
pub(super) fn groups(asked: &Asked<'_>) -> Result<Response> {
    list(
        asked,
        "groups",
        |group| json!({"id": group["id"], "name": group["name"], "pulp_href": group["pulp_href"]}),
    )
}

fn list(asked: &Asked<'_>, what: &str, show: fn(&Value) -> Value) -> Result<Response> {
    let page = Page::of(asked.request)?;
    let [limit, offset] = page.filters();
    let path = format!("{what}/?limit={}&offset={}", limit.1, offset.1);
    match asked.call("GET", &path, None) {
        Ok(listed) => {
            let data: Vec<Value> = results(&listed).iter().map(show).collect();
            let count = listed["count"].as_u64().unwrap_or_default();
            let path = format!("{}/v3/{what}/", asked.root());
            page::answer(asked.request, &path, page, count, &data)
        }
        Err(refused) => refused.answer(),
    }
}
