//! Units of content: `content/` and `content/<plugin>/<plural>/`.

mod beside;
mod create;
mod labels;
mod list;
mod picture;
mod read;
mod shape;
mod source;
mod upload;

use crate::auth::need::Need;
use crate::label;
use crate::openapi::Operation;
use crate::order;
use crate::routes::{Routes, get, post};

pub(crate) use beside::Beside;
pub(crate) use create::order_for_stored;
pub(crate) use list::{
    GREATEST_OF, Listed, TERMS_OF, Within, greatest, greatest_of, in_order, links, listed,
    orphaned_for, terms, unread, with_fields,
};
pub(crate) use shape::write;

/// The routes.
pub(crate) fn routes() -> Routes {
    Routes::new()
        .route(
            "/content/",
            get(
                Operation::new("content_list", "List content of all types")
                    .needs(Need::User)
                    .lists(&shape::CONTENT, list::FILTERS),
                list::all,
            ),
        )
        .route(
            "/content/{plugin}/{plural}/",
            get(
                Operation::new("content_{plugin}_{plural}_list", "List {plural}")
                    .needs(Need::User)
                    .lists(&shape::UNIT, list::FILTERS_OF_TYPE),
                list::of_type,
            )
            .post(
                Operation::new(
                    "content_{plugin}_{plural}_create",
                    "Create content from a file",
                )
                .needs(Need::User)
                .when(order::upload::is_offered)
                .takes_upload("{plugin}.{plural}.ContentUpload", order::upload::described)
                .orders(),
                create::create,
            ),
        )
        .route(
            "/content/{plugin}/{plural}/upload/",
            post(
                Operation::new(
                    "content_{plugin}_{plural}_upload",
                    "Create content from a file, and wait for it",
                )
                .needs(Need::Upload)
                .when(order::upload::is_offered)
                .takes_upload("{plugin}.{plural}.ContentUpload", order::upload::described)
                .shows(201, &shape::UNIT),
                upload::upload,
            ),
        )
        .route(
            "/content/{plugin}/{plural}/{id}/",
            get(
                Operation::new(
                    "content_{plugin}_{plural}_read",
                    "Inspect one of the {plural}",
                )
                .needs(Need::Unit)
                .reads(&shape::UNIT),
                read::read,
            ),
        )
        .route(
            "/content/{plugin}/{plural}/{id}/avatar/",
            get(
                Operation::new(
                    "content_{plugin}_{plural}_avatar",
                    "Fetch the picture of one of the {plural}",
                )
                .when(picture::is_offered)
                .needs(Need::Unit)
                .answers_bytes(200, "image/*"),
                picture::read,
            ),
        )
        .route(
            "/content/{plugin}/{plural}/{id}/set_label/",
            post(
                label::set_operation("content_{plugin}_{plural}_set_label", 201).needs(Need::Label),
                labels::set,
            ),
        )
        .route(
            "/content/{plugin}/{plural}/{id}/unset_label/",
            post(
                label::unset_operation("content_{plugin}_{plural}_unset_label", 201)
                    .needs(Need::Label),
                labels::unset,
            ),
        )
}

/// The last word of the address of a unit's picture, as in Pulp.
const PICTURE: &str = "avatar";

/// What a path names: plugin, plural and UUID.
type PathOfOne = axum::extract::Path<(String, String, String)>;
