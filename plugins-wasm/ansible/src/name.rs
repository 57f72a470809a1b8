//! What namespaces and collections may be called, and how the file of a version is.

/// As long as Galaxy allows.
pub(crate) const MAX_LENGTH: usize = 64;

/// What is wrong with the name of a namespace or a collection, if anything is.
pub(crate) fn problem(name: &str) -> Option<String> {
    let fits = name.starts_with(|first: char| first.is_ascii_lowercase())
        && name
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_')
        && !name.contains("__")
        && name.len() <= MAX_LENGTH;
    if fits {
        return None;
    }
    let shown: String = name.chars().take(MAX_LENGTH).collect();
    Some(format!(
        "{shown:?} is no name; lowercase letters, digits and single underscores were expected, \
         a letter first, at most {MAX_LENGTH} of them"
    ))
}

/// Namespace and name of `namespace.name`; the error says what is wrong.
pub(crate) fn split(full_name: &str) -> Result<(&str, &str), String> {
    let (namespace, name) = full_name.split_once('.').ok_or_else(|| {
        let shown: String = full_name.chars().take(2 * MAX_LENGTH).collect();
        format!("{shown:?} is no name of a collection; \"namespace.name\" was expected")
    })?;
    match problem(namespace).or_else(|| problem(name)) {
        Some(problem) => Err(problem),
        None => Ok((namespace, name)),
    }
}

/// What the file of a collection version is called.
pub(crate) fn of_file(namespace: &str, name: &str, version: &str) -> String {
    format!("{namespace}-{name}-{version}.tar.gz")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_words() {
        for name in ["a", "community", "my_name2", "a_", &"x".repeat(64)] {
            assert_eq!(problem(name), None, "{name}");
        }
        for name in [
            "",
            "_a",
            "2a",
            "a__b",
            "A",
            "a-b",
            "a.b",
            "ä",
            "a/b",
            &"x".repeat(65),
        ] {
            assert!(problem(name).is_some(), "{name}");
        }
    }

    #[test]
    fn a_full_name_has_two_parts() {
        assert_eq!(split("community.general"), Ok(("community", "general")));
        for wrong in ["community", "a.b.c", ".a", "a.", "A.b"] {
            assert!(split(wrong).is_err(), "{wrong}");
        }
    }
}
