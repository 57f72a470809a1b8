//! Routes, each verb with what the OpenAPI document says of it: there is no other way to
//! make one.

use std::sync::Arc;

use axum::Router;
use axum::handler::Handler;
use axum::routing::{MethodRouter, on};
use http::Method;

use crate::app::App;
use crate::auth::need::Need;
use crate::openapi::Operation;
use crate::openapi::refusals::Access;

/// One verb of a route, for the document.
#[derive(Clone, Debug)]
pub(crate) struct Documented {
    /// The router's path.
    pub(crate) path: &'static str,
    /// The verb.
    pub(crate) method: Method,
    /// What it does.
    pub(crate) operation: Operation,
    /// Who may use it.
    pub(crate) access: Access,
}

impl Documented {
    /// What it needs of whoever asks.
    pub(crate) fn need(&self) -> Need {
        match self.access {
            Access::Own => Need::User,
            Access::Open | Access::Guarded => self.operation.need(),
        }
    }
}

/// The verbs of one path.
pub(crate) struct Verbs {
    router: MethodRouter<Arc<App>>,
    operations: Vec<(Method, Operation)>,
}

macro_rules! verbs {
    ($($(#[$attribute:meta])* $name:ident: $method:ident;)*) => {
        $(
            $(#[$attribute])*
            #[doc = concat!("A path that is answered to `", stringify!($method), "`.")]
            pub(crate) fn $name<H, T>(operation: Operation, handler: H) -> Verbs
            where
                H: Handler<T, Arc<App>>,
                T: 'static,
            {
                Verbs { router: MethodRouter::new(), operations: Vec::new() }
                    .$name(operation, handler)
            }
        )*

        impl Verbs {
            $(
                #[doc = concat!("Answers to `", stringify!($method), "` as well.")]
                pub(crate) fn $name<H, T>(mut self, operation: Operation, handler: H) -> Self
                where
                    H: Handler<T, Arc<App>>,
                    T: 'static,
                {
                    self.router = self.router.merge(on(
                        axum::routing::MethodFilter::$method, handler,
                    ));
                    self.operations.push((Method::$method, operation));
                    self
                }
            )*
        }
    };
}

verbs! {
    get: GET;
    post: POST;
    put: PUT;
    #[expect(dead_code, reason = "routes that are being written need it")]
    patch: PATCH;
    delete: DELETE;
}

impl Verbs {
    /// What answers to all other verbs.
    pub(crate) fn otherwise<H, T>(mut self, handler: H) -> Self
    where
        H: Handler<T, Arc<App>>,
        T: 'static,
    {
        self.router = self.router.fallback(handler);
        self
    }

    /// A verb that is answered already does something else for some values of the path's
    /// variables.
    pub(crate) fn also(mut self, method: Method, operation: Operation) -> Self {
        self.operations.push((method, operation));
        self
    }
}

/// Routes and what the document says of them.
pub(crate) struct Routes {
    router: Router<Arc<App>>,
    documented: Vec<Documented>,
}

impl Routes {
    /// None yet.
    pub(crate) fn new() -> Self {
        Self {
            router: Router::new(),
            documented: Vec::new(),
        }
    }

    /// Adds a path with its verbs.
    pub(crate) fn route(mut self, path: &'static str, verbs: Verbs) -> Self {
        self.router = self.router.route(path, verbs.router);
        self.documented
            .extend(
                verbs
                    .operations
                    .into_iter()
                    .map(|(method, operation)| Documented {
                        path,
                        method,
                        operation,
                        access: Access::Guarded,
                    }),
            );
        self
    }

    /// Adds the routes of another list.
    pub(crate) fn merge(mut self, other: Self) -> Self {
        self.router = self.router.merge(other.router);
        self.documented.extend(other.documented);
        self
    }

    /// Says for whom they are.
    pub(crate) fn for_whom(mut self, access: Access) -> Self {
        for one in &mut self.documented {
            one.access = access;
        }
        self
    }

    /// The routes alone.
    pub(crate) fn into_router(self) -> Router<Arc<App>> {
        self.router
    }

    /// What the document says of them.
    pub(crate) fn into_documented(self) -> Vec<Documented> {
        self.documented
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use crate::router::documented;

    /// The types see to it that each verb has an operation; this sees to it that the
    /// operation says something, and of this verb alone.
    #[test]
    fn every_verb_of_every_route_is_documented() {
        let documented = documented();
        assert!(documented.len() > 60, "{} verbs", documented.len());
        let mut ids = BTreeSet::new();
        for one in &documented {
            let (id, summary, answers) = one.operation.said();
            let what = format!("{} {}", one.method, one.path);
            assert!(ids.insert(id), "{what}: another operation is called {id}");
            assert!(!summary.is_empty(), "{what} has no summary");
            assert!(
                answers.iter().any(|status| *status < 300),
                "{what} answers nothing"
            );
            let path = one.operation.path.unwrap_or(one.path);
            for variable in ["{plugin}", "{type_name}", "{plural}"] {
                assert_eq!(
                    path.contains(variable),
                    id.contains(variable),
                    "{what}: {id} and the path name different variables"
                );
            }
        }
    }
}
