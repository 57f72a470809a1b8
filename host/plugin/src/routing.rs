//! The contract's routes as the model's.

use pith_model::route::{Mount, Pattern, Route, RouteAccess, RouteInput, Routing};
use pith_model::schema;

use crate::bridge::contract::exports::pith::plugin::server as contract;
use crate::gate::{Gate, Refused};

/// Far more than the largest API of a registry has.
const MOST_ROUTES: usize = 500;

/// Each is tried for every request.
const MOST_MOUNTS: usize = 8;

/// Passes the gates `schemas` and `descriptor`, as far as one route alone tells.
pub(crate) fn convert(described: contract::Routing) -> Result<Routing, Refused> {
    if described.routes.len() > MOST_ROUTES || described.mounts.len() > MOST_MOUNTS {
        return Err(Gate::Descriptor.refuses(format!(
            "it has {} routes at {} places; {MOST_ROUTES} at {MOST_MOUNTS} are the most",
            described.routes.len(),
            described.mounts.len()
        )));
    }
    let mounts = described.mounts.iter().map(mount);
    let routes = described.routes.into_iter().map(route);
    Ok(Routing {
        mounts: mounts.collect::<Result<_, _>>()?,
        routes: routes.collect::<Result<_, _>>()?,
    })
}

fn pattern(text: &str) -> Result<Pattern, Refused> {
    Pattern::parse(text).map_err(|reason| Gate::Descriptor.refuses(reason))
}

fn mount(described: &contract::Mount) -> Result<Mount, Refused> {
    let prefix = described.prefix.split('/').filter(|word| !word.is_empty());
    Ok(Mount {
        at: pattern(&described.at)?,
        prefix: prefix.map(str::to_owned).collect(),
    })
}

fn route(described: contract::Route) -> Result<Route, Refused> {
    let document = schema::parse(&described.document).map_err(|error| {
        Gate::Schemas.refuses(format!(
            "the document of the route {} {} is not JSON: {error}",
            described.method, described.path
        ))
    })?;
    Ok(Route {
        path: pattern(&described.path)?,
        method: described.method,
        access: match described.access {
            contract::Access::Anyone => RouteAccess::Anyone,
            contract::Access::User => RouteAccess::User,
        },
        input: match described.input {
            contract::Input::None => RouteInput::None,
            contract::Input::Json => RouteInput::Json,
            contract::Input::File => RouteInput::File,
        },
        document,
    })
}
