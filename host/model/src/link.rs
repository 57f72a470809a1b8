//! Links of content types: which references they show.

use crate::descriptor::{ContentType, Descriptor, Field, FieldKind, Link, Reference};

impl ContentType {
    /// The reference that a link shows.
    pub fn linked(&self, link: &Link) -> Option<&Reference> {
        let is_text = |field: &Field| field.name == link.field && field.kind == FieldKind::Text;
        let names_one = self.fields.iter().any(is_text);
        let mut references = self.references.iter();
        references
            .find(|one| one.path.join(".") == link.field)
            .filter(|one| names_one != link.is_list && !one.keys.is_empty())
    }
}

impl Descriptor {
    /// Each element of a list that is shown as links must name what a version has once: it is
    /// looked up, however many units a hostile list names.
    pub(crate) fn check_list(&self, from: &ContentType, link: &Link) -> Result<(), String> {
        let reference = from.linked(link).filter(|one| one.path.len() == 1);
        let is_key = reference.is_some_and(|reference| {
            let target = self.content_type(&reference.target);
            target.is_some_and(|target| {
                let named = |field: &String| reference.keys.iter().any(|(_, key)| key == field);
                let key = target.key_in_version();
                key.len() == reference.keys.len() && key.iter().all(named)
            })
        });
        if is_key {
            return Ok(());
        }
        Err(format!(
            "the link {:?} of content type {:?} is of a list whose elements do not name the \
             repository key of units",
            link.name, from.name
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::descriptor::tests::descriptor;

    #[test]
    fn links_are_of_references() {
        let reference = Reference {
            path: vec!["sha256".into()],
            target: "file".into(),
            keys: vec![(None, "sha256".into())],
        };
        let linking = |field: &str| {
            let mut descriptor = descriptor(reference.clone());
            descriptor.content_types[0].links.push(Link {
                name: "same".into(),
                field: field.into(),
                is_list: false,
            });
            descriptor.check()
        };
        assert_eq!(linking("sha256"), Ok(()));
        for field in ["relative_path", "size", "nothing"] {
            let error = linking(field).expect_err("refused");
            assert!(error.contains("no reference to one unit"), "{error}");
        }
    }

    #[test]
    fn lists_of_links_name_what_a_version_has_once() {
        let checked = |keys: &[(&str, &str)]| {
            let key = |(from, to): &(&str, &str)| (Some((*from).into()), (*to).into());
            let mut descriptor = descriptor(Reference {
                path: vec!["parts".into()],
                target: "file".into(),
                keys: keys.iter().map(key).collect(),
            });
            let one = &mut descriptor.content_types[0];
            one.repository_key = vec!["relative_path".into()];
            one.fields.push(Field {
                name: "parts".into(),
                kind: FieldKind::Json,
                is_hidden: false,
                is_signing_service: false,
            });
            one.links.push(Link {
                name: "files".into(),
                field: "parts".into(),
                is_list: true,
            });
            descriptor.check()
        };
        assert_eq!(checked(&[("path", "relative_path")]), Ok(()));
        for keys in [
            &[("digest", "sha256")][..],
            &[("path", "relative_path"), ("digest", "sha256")],
        ] {
            let error = checked(keys).expect_err("refused");
            assert!(error.contains("do not name the repository key"), "{error}");
        }
    }
}
