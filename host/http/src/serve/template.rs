//! Texts that say where they are served: the gaps that a publication leaves are filled in
//! for each distribution and each client.

use axum::body::Body;
use axum::response::Response;
use http::{HeaderValue, header};
use pith_db::Database;
use pith_db::served::FileSet;
use pith_db::template::{self, Place, Template};
use pith_model::DistributionId;

use super::reply::set_length;
use super::{Asked, Failure, ROOT};

/// The names of the texts that a distribution has right in a folder.
pub(super) async fn names(
    database: &Database,
    files: FileSet,
    distribution: DistributionId,
    folder: &str,
) -> Result<Vec<String>, Failure> {
    let found = all(database, files, distribution).await?;
    let templates = found.into_iter().flat_map(|(_, templates)| templates);
    let names = templates.filter_map(|template| {
        let name = template.path.strip_prefix(folder)?;
        (!name.contains('/')).then(|| name.to_owned())
    });
    Ok(names.collect())
}

/// The answer for a path that is a text with gaps.
pub(super) async fn find(
    database: &Database,
    files: FileSet,
    distribution: DistributionId,
    base_path: &str,
    path: &str,
    asked: &Asked<'_>,
) -> Result<Option<Response>, Failure> {
    let Some((place, templates)) = all(database, files, distribution).await? else {
        return Ok(None);
    };
    let template = templates.into_iter().find(|one| one.path == path);
    Ok(template.map(|template| {
        let base_url = format!("{}{ROOT}/{base_path}/", asked.origin);
        answer(fill(&template.body, &place.name, &base_url), asked.head)
    }))
}

async fn all(
    database: &Database,
    files: FileSet,
    distribution: DistributionId,
) -> Result<Option<(Place, Vec<Template>)>, Failure> {
    let Some(publication) = files.publication else {
        return Ok(None);
    };
    let mut connection = database.read().await?;
    Ok(template::of_distribution(&mut connection, publication, distribution).await?)
}

/// Fills the gaps in one pass, so that nothing that fills one is taken for another.
fn fill(body: &str, name: &str, base_url: &str) -> String {
    let name: String = name.chars().filter(|letter| !letter.is_control()).collect();
    let is_plain = |letter: &char| letter.is_alphanumeric() || "-_.:".contains(*letter);
    let mut filled = String::with_capacity(body.len() + 256);
    let mut rest = body;
    while let Some((before, gap)) = rest.split_once("${") {
        filled.push_str(before);
        let known = [("name}", &*name), ("base_url}", base_url), ("id}", "")];
        let found = known.iter().find(|(word, _)| gap.starts_with(word));
        match found {
            Some((word @ "id}", _)) => {
                filled.extend(name.chars().filter(is_plain));
                rest = &gap[word.len()..];
            }
            Some((word, value)) => {
                filled.push_str(value);
                rest = &gap[word.len()..];
            }
            None => {
                filled.push_str("${");
                rest = gap;
            }
        }
    }
    filled.push_str(rest);
    filled
}

fn answer(text: String, head: bool) -> Response {
    let length = text.len() as u64;
    let mut response = Response::new(if head { Body::empty() } else { text.into() });
    let headers = response.headers_mut();
    set_length(headers, length);
    let kind = HeaderValue::from_static("text/plain; charset=utf-8");
    headers.insert(header::CONTENT_TYPE, kind);
    // It names the host that this client asked for.
    let control = HeaderValue::from_static("private, no-cache");
    headers.insert(header::CACHE_CONTROL, control);
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gaps_are_filled_and_nothing_else_is() {
        let body = "[${id}]\nname=${name}\nbaseurl=${base_url}\nx=${other} $1\n";
        let name = "Zoo ${base_url}\n\tAB";
        let filled = fill(body, name, "http://host/x/");
        assert_eq!(
            filled,
            "[Zoobase_urlAB]\nname=Zoo ${base_url}AB\nbaseurl=http://host/x/\nx=${other} $1\n"
        );
    }
}
