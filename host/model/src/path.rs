//! Which relative paths are accepted: from plugins, uploads, upstreams and clients alike.

/// Longest path that is stored, in bytes; what common file systems and URLs take.
pub const MAX_PATH: usize = 4096;

/// Why a path is refused, as the end of a sentence that begins with the path.
pub fn problem(path: &str) -> Option<&'static str> {
    if path.is_empty() {
        return Some("is empty");
    }
    if path.len() > MAX_PATH {
        return Some("is longer than 4096 bytes");
    }
    if path.starts_with('/') {
        return Some("is absolute; a path below the root was expected");
    }
    if path.chars().any(char::is_control) {
        return Some("contains control characters");
    }
    for segment in path.split('/') {
        match segment {
            "" => return Some("contains an empty segment"),
            "." | ".." => return Some("contains a segment that leaves its folder"),
            _ => {}
        }
    }
    None
}

/// Why a distribution's base path is refused.
pub fn base_path_problem(path: &str) -> Option<&'static str> {
    if let Some(problem) = problem(path) {
        return Some(problem);
    }
    path.chars()
        .any(|c| c.is_whitespace() || matches!(c, '?' | '#' | '%' | '\\'))
        .then_some("contains characters that have a meaning of their own in a URL")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_paths_that_stay_below_the_root_are_accepted() {
        for good in ["a", "a/b.iso", "a b/c,d", "..a/b..", "ä/ö"] {
            assert_eq!(problem(good), None, "{good}");
        }
        for bad in [
            "", "/a", "../a", "a/../b", "a//b", "a/", "a/./b", "a\0b", "a\nb",
        ] {
            assert!(problem(bad).is_some(), "{bad:?}");
        }
        assert!(base_path_problem("a b").is_some());
        assert!(base_path_problem("a/b-1_2.x").is_none());
    }
}
