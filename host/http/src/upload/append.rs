//! Taking a chunk: the first of a new upload, or the next of one that is there.

use axum::extract::{RawQuery, Request};
use axum::response::Response;
use pith_content::upload::{Receiving, Refusal};
use pith_storage::{Digest, Expected};
use uuid::Uuid;

use super::shape;
use crate::chunk;
use crate::context::Context;
use crate::error::{Error, Result};

/// `PUT upload`
pub(super) async fn append(
    context: Context,
    RawQuery(text): RawQuery,
    request: Request,
) -> Result<Response> {
    let place = Place::parse(text.as_deref())?;
    let announced = chunk::announced(request.headers())?;
    let digests = chunk::digests(request.headers())?;
    let algorithms = digests.iter().map(Digest::algorithm).collect();
    let services = &context.app.services;
    let (user, whose) = (context.user()?.id, context.whose()?);
    let receiving = match place {
        Place::New => Receiving::start(services, user, algorithms).await,
        Place::At(uuid, offset) => Receiving::next(services, whose, uuid, offset, algorithms).await,
    };
    let outcome = match receiving {
        Ok(receiving) => {
            let receiving = chunk::receive(receiving, request.into_body()).await?;
            let expected = Expected {
                digests,
                size: announced,
            };
            receiving.end(&expected).await
        }
        Err(refusal) => Err(refusal),
    };
    match outcome {
        Ok(upload) => Ok(shape::answer(&upload)),
        Err(Refusal::Elsewhere(upload)) => Ok(shape::elsewhere(&upload)),
        Err(refusal) => Err(shape::refuse(refusal)),
    }
}

/// Where a chunk belongs.
#[derive(Debug, PartialEq, Eq)]
enum Place {
    /// To a new upload.
    New,
    /// To this upload at this offset; an offset that is no number is never right.
    At(Uuid, Option<u64>),
}

impl Place {
    fn parse(text: Option<&str>) -> Result<Self> {
        let pairs: Vec<(String, String)> = serde_urlencoded::from_str(text.unwrap_or_default())
            .map_err(|_| Error::bad_request("The query string is damaged."))?;
        let (mut upload_id, mut offset) = (None, None);
        for (name, value) in pairs {
            let place = match name.as_str() {
                "upload_id" => &mut upload_id,
                "offset" => &mut offset,
                _ => {
                    let message = "Unexpected parameter; there are upload_id and offset.";
                    return Err(Error::invalid(name.replace('\0', ""), message));
                }
            };
            if place.replace(value).is_some() {
                return Err(Error::invalid(name, "Given more than once."));
            }
        }
        let Some(upload_id) = upload_id.filter(|text| !text.is_empty()) else {
            return match offset.as_deref() {
                None | Some("" | "0") => Ok(Self::New),
                Some(_) => Err(Error::invalid(
                    "upload_id",
                    "This field is required with an offset; without both a new upload begins.",
                )),
            };
        };
        let uuid = Uuid::try_parse(&upload_id)
            .map_err(|_| Error::invalid("upload_id", "Expected the upload_id of an answer."))?;
        Ok(Self::At(uuid, offset.and_then(|text| text.parse().ok())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_upload_is_named_with_an_offset_or_not_at_all() {
        let uuid = "0190e2f4-0000-7000-8000-000000000001";
        let parse = |text: &str| Place::parse(Some(text));
        assert_eq!(parse("").unwrap(), Place::New);
        assert_eq!(parse("offset=0").unwrap(), Place::New);
        let known = Uuid::parse_str(uuid).unwrap();
        let at = |offset| Place::At(known, offset);
        let text = format!("upload_id={uuid}&offset=7");
        assert_eq!(parse(&text).unwrap(), at(Some(7)));
        for never in ["", "&offset=", "&offset=-1", "&offset=x"] {
            assert_eq!(
                parse(&format!("upload_id={uuid}{never}")).unwrap(),
                at(None)
            );
        }
        for bad in [
            "offset=7",
            "upload_id=7&offset=0",
            "size=3",
            "offset=0&offset=0",
        ] {
            assert!(parse(bad).is_err(), "{bad}");
        }
    }
}
