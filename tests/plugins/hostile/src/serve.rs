//! Answers that no client should get, and calls that no request should lead to.

use pith_plugin_sdk::server::{Access, Input, Mount, Request, Response, Route, Routing};
use pith_plugin_sdk::{Api, Error, Result, Server};
use serde_json::json;

use crate::Hostile;
use crate::sync::{descend, devour_memory, spin};

/// Method, path, access and name of each route.
const ROUTES: [(&str, &str, Access, &str); 4] = [
    ("GET", "/does/{what}", Access::Anyone, "does"),
    ("GET", "/calls/{method}", Access::Anyone, "looks"),
    ("POST", "/calls/{method}", Access::User, "calls"),
    ("GET", "/site/{path...}", Access::Anyone, "site"),
];

impl Server for Hostile {
    fn routes() -> Result<Routing> {
        let routes = ROUTES.map(|(method, path, access, name)| Route {
            method: method.into(),
            path: path.into(),
            access,
            input: Input::None,
            document: json!({ "operationId": format!("hostile_{name}") }).to_string(),
        });
        Ok(Routing {
            mounts: vec![Mount {
                at: "/api/hostile".into(),
                prefix: String::new(),
            }],
            routes: routes.into(),
        })
    }

    fn serve(api: &Api, request: Request) -> Result<Response> {
        match request.route {
            0 => does(request.variable("what")),
            3 => {
                let site = api.site(request.variable("path"))?;
                let query = request.parameter("query").unwrap_or_default();
                Ok(plain(200, &site.units(crate::THING, query)?))
            }
            _ => {
                let path = request.parameter("path").unwrap_or_default();
                let body = request.parameter("body");
                let answer = api.call(request.variable("method"), path, body)?;
                Response::json(
                    200,
                    &json!({ "status": answer.status, "body": answer.body }),
                )
            }
        }
    }
}

/// Misbehaves, by a name.
fn does(what: &str) -> Result<Response> {
    let with = |status: u16, name: &str, value: &str| {
        let mut response = plain(status, "an answer");
        response.headers.push((name.into(), value.into()));
        response
    };
    Ok(match what {
        "well" => plain(200, "an answer"),
        "loop" => spin(),
        "memory" => devour_memory(),
        "panic" => panic!("asked to panic"),
        "recurse" => plain(200, &descend(0).to_string()),
        "html" => with(200, "content-type", "text/html"),
        "cookie" => with(200, "set-cookie", "sessionid=stolen; Path=/"),
        "split" => with(200, "x-one", "two\r\nset-cookie: sessionid=stolen"),
        "clear" => with(200, "clear-site-data", "\"*\""),
        "policy" => with(200, "content-security-policy", "default-src *"),
        "origin" => with(200, "access-control-allow-origin", "*"),
        "length" => with(200, "content-length", "5"),
        "status" => plain(101, ""),
        "nonsense" => plain(9_999, ""),
        "headers" => {
            let mut response = plain(200, "an answer");
            let many = (0..10_000).map(|at| (format!("x-{at}"), String::new()));
            response.headers.extend(many);
            response
        }
        _ => return Err(Error::not_found(format!("there is no {what:?}"))),
    })
}

fn plain(status: u16, text: &str) -> Response {
    Response {
        status,
        headers: vec![("content-type".into(), "text/plain".into())],
        body: text.into(),
    }
}
