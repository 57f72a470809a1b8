//! Makes an uploaded file a collection version, as its own manifest describes it, a role, or a
//! signature; and what is said without a file a mark or a deprecation.

use std::io::Read as _;

use pith_plugin_sdk::{
    Error, Inputs, Result, Source, Staging, StoredReader, Task, UnitDraft, UnitRef, Uploader, log,
};
use serde::Deserialize;

use crate::collection::{self, CollectionVersion};
use crate::deprecation::Deprecated;
use crate::mark::Mark;
use crate::signature::{self, Signature};
use crate::{
    AnsiblePlugin, COLLECTION_DEPRECATION, COLLECTION_MARK, ROLE, archive, manifest, name, role,
    version,
};

/// What is shown of an import while it runs.
const CHECKING: (&str, &str) = ("import.members", "Checking the Members of the Archive");

#[derive(Debug, Default, Deserialize)]
struct Params {
    #[serde(rename = "expected_namespace")]
    namespace: Option<String>,
    #[serde(rename = "expected_name")]
    name: Option<String>,
    #[serde(rename = "expected_version")]
    version: Option<String>,
    /// What the file is a signature of, where it is one.
    signed_collection: Option<Signed>,
    /// What was asked for.
    #[serde(default)]
    content_type: Option<String>,
    /// Of the repository that gets what is uploaded.
    #[serde(default)]
    repository: Option<Repository>,
}

/// The settings of a repository.
#[derive(Debug, Deserialize)]
struct Repository {
    #[serde(default)]
    gpgkey: Option<String>,
}

/// The key of a collection version.
#[derive(Debug, Deserialize)]
struct Signed {
    namespace: String,
    name: String,
    version: String,
    sha256: String,
}

impl Uploader for AnsiblePlugin {
    fn parse(task: &Task, files: &Inputs, staging: &Staging) -> Result<Vec<UnitRef>> {
        let params: Params = task.params_as()?;
        match params.content_type.as_deref() {
            Some(ROLE) => return role::parse(task, files, staging),
            Some(COLLECTION_MARK) => {
                let mark: Mark = task.params_as()?;
                return Ok(staging.put(&[mark.draft()])?);
            }
            Some(COLLECTION_DEPRECATION) => {
                let deprecated: Deprecated = task.params_as()?;
                return Ok(staging.put(&[deprecated.draft()?])?);
            }
            _ => {}
        }
        if let Some(signed) = &params.signed_collection {
            let keys = params.repository.as_ref();
            let keys = keys.and_then(|repository| repository.gpgkey.as_deref());
            let draft = signed.draft(task, files, keys.filter(|keys| !keys.trim().is_empty()))?;
            return Ok(staging.put(&[draft])?);
        }
        let count = files.count();
        if count != 1 {
            return Err(Error::invalid(format!(
                "an upload takes one file, but {count} were given"
            )));
        }
        let reader = files.open(0)?;
        let expected = Expected::new(params, &files.name(0)?)?;
        let size = reader.size();
        log::info(&format!(
            "The archive has {size} bytes; its members are checked"
        ));
        let digest = reader.digest("sha256")?;
        let sha256 = digest.trim_start_matches("sha256:").to_owned();
        let mut members = 0;
        let found = collection::read(StoredReader::new(&reader), size, sha256, |done| {
            members = done as u64;
            task.progress(CHECKING.0, CHECKING.1, members, None);
        })?;
        task.progress(CHECKING.0, CHECKING.1, members, Some(members));
        expected.check(&found)?;
        log::info(&format!(
            "{}.{} {} is sound: every member has the digest that FILES.json says",
            found.namespace, found.name, found.version
        ));
        let draft = found.draft(Source::Held(reader.artifact()))?;
        Ok(staging.put(&[draft])?)
    }
}

impl Signed {
    /// The draft of a signature of it, which one of these keys must have made, if there are
    /// any. The collection's archive comes after the signature.
    fn draft(&self, task: &Task, files: &Inputs, keys: Option<&str>) -> Result<UnitDraft> {
        let file = &files.open(0)?;
        let size = file.size();
        if size > signature::MAX_LENGTH as u64 {
            return Err(Error::invalid(format!(
                "a signature has at most {} bytes, but the file has {size}",
                signature::MAX_LENGTH
            )));
        }
        let mut data = String::new();
        StoredReader::new(file)
            .read_to_string(&mut data)
            .map_err(|error| Error::from(error).context("the signature"))?;
        let of = [
            self.namespace.as_str(),
            &self.name,
            &self.version,
            &self.sha256,
        ];
        let signature = Signature::new(of, &data)?;
        if let Some(keys) = keys {
            if files.count() < 2 {
                return Err(Error::conflict(
                    "the archive of the collection is still upstream, so its signature cannot \
                     be checked by the gpgkey of the repository",
                ));
            }
            let archive = files.open(1)?;
            let size = archive.size();
            let reader = StoredReader::new(&archive);
            let signed = archive::file(reader, size, manifest::MANIFEST)?;
            task.verify(&signed, &data, keys)
                .map_err(|error| Error::from(error).context("the gpgkey of the repository"))?;
        }
        signature.draft()
    }
}

/// What the client says that the collection is.
#[derive(Debug, Default, PartialEq, Eq)]
struct Expected {
    namespace: Option<String>,
    name: Option<String>,
    version: Option<String>,
}

impl Expected {
    /// By what the client says, and by the name of the file where it has one.
    fn new(params: Params, file: &str) -> Result<Self> {
        let said = Self {
            namespace: params.namespace,
            name: params.name,
            version: params.version,
        };
        let is_whole = said.namespace.is_some() && said.name.is_some() && said.version.is_some();
        if file.is_empty() || is_whole {
            return Ok(said);
        }
        let told = Self::by_file(file).ok_or_else(|| {
            let shown: String = file.chars().take(200).collect();
            Error::invalid(format!(
                "file: {shown:?} is no name of a collection's archive; \
                 \"namespace-name-version.tar.gz\" was expected, or all of expected_namespace, \
                 expected_name and expected_version"
            ))
        })?;
        Ok(Self {
            namespace: said.namespace.or(told.namespace),
            name: said.name.or(told.name),
            version: said.version.or(told.version),
        })
    }

    fn by_file(file: &str) -> Option<Self> {
        let mut parts = file.strip_suffix(".tar.gz")?.splitn(3, '-');
        let (namespace, name, version) = (parts.next()?, parts.next()?, parts.next()?);
        let fits = name::problem(namespace).or(name::problem(name)).is_none()
            && version::parse(version).is_ok();
        fits.then(|| Self {
            namespace: Some(namespace.to_owned()),
            name: Some(name.to_owned()),
            version: Some(version.to_owned()),
        })
    }

    fn check(&self, found: &CollectionVersion) -> Result<()> {
        for (what, expected, actual) in [
            ("namespace", &self.namespace, &found.namespace),
            ("name", &self.name, &found.name),
            ("version", &self.version, &found.version),
        ] {
            if let Some(expected) = expected
                && expected != actual
            {
                return Err(Error::invalid(format!(
                    "the {what} {expected:?} was expected, but MANIFEST.json says {actual:?}"
                )));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn expected(namespace: &str, name: &str, version: &str) -> Expected {
        Expected {
            namespace: Some(namespace.into()),
            name: Some(name.into()),
            version: Some(version.into()),
        }
    }

    #[test]
    fn the_name_of_the_file_says_what_is_in_it() {
        let of = |file| Expected::new(Params::default(), file);
        assert_eq!(
            of("zoo-birds-1.0.0.tar.gz"),
            Ok(expected("zoo", "birds", "1.0.0"))
        );
        assert_eq!(
            of("zoo-birds-1.0.0-rc-1.tar.gz"),
            Ok(expected("zoo", "birds", "1.0.0-rc-1"))
        );
        // A stored file has no name.
        assert_eq!(of(""), Ok(Expected::default()));
        for wrong in [
            "x",
            "zoo-birds.tar.gz",
            "zoo-birds-1.tar.gz",
            "Zoo-birds-1.0.0.tar.gz",
        ] {
            let error = of(wrong).expect_err(wrong).to_string();
            assert!(
                error.starts_with("file: ") && error.contains(wrong),
                "{error}"
            );
        }
    }

    #[test]
    fn what_the_client_says_comes_before_the_name() {
        let params = Params {
            namespace: Some("a".into()),
            name: Some("b".into()),
            version: Some("2.0.0".into()),
            signed_collection: None,
            repository: None,
            content_type: None,
        };
        assert_eq!(
            Expected::new(params, "blob"),
            Ok(expected("a", "b", "2.0.0"))
        );
    }
}
