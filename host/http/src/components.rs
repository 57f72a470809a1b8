//! Components: `components/`, the loaded plugins, for administrators.

mod change;
mod delete;
mod list;
mod load;
mod shape;

use crate::openapi::{Operation, Parameter};
use crate::routes::{Routes, get};
use shape::COMPONENT;

/// What a component is sent with.
const SENT_WITH: &[Parameter] = &[Parameter::text(
    "digest",
    "What the component must be: `sha256:` and 64 hexadecimal digits.",
)];

/// The routes.
pub(crate) fn routes() -> Routes {
    Routes::new()
        .route(
            "/components/",
            get(
                Operation::new("components_list", "List the loaded plugins")
                    .lists(&COMPONENT, list::FILTERS),
                list::list,
            )
            .post(
                Operation::new("components_create", "Load a plugin, or reload it")
                    .parameters(SENT_WITH)
                    .takes_bytes(load::WASM)
                    .shows(200, &COMPONENT)
                    .shows(201, &COMPONENT),
                load::load,
            ),
        )
        .route(
            "/components/{name}/",
            get(
                Operation::new("components_read", "Inspect a loaded plugin").reads(&COMPONENT),
                list::read,
            )
            .patch(
                Operation::new("components_partial_update", "Change what a plugin may do")
                    .changes(&COMPONENT),
                change::change,
            )
            .delete(
                Operation::new("components_delete", "Remove a loaded plugin").answers_nothing(204),
                delete::delete,
            ),
        )
}
