//! The words that collections are found by: a search compares words, not parts of them.

use crate::collection::CollectionVersion;

/// As many words of a description as say what it is about.
const MOST: usize = 100;

/// Longer ones are no words.
const LONGEST: usize = 64;

/// Longer ones are no names of modules or roles.
const LONGEST_NAME: usize = 512;

/// The words of a text, in lower case and in the singular, as far as one letter tells.
pub(crate) fn of(text: &str) -> impl Iterator<Item = String> + '_ {
    text.split(|letter: char| !letter.is_alphanumeric())
        .filter(|word| !word.is_empty() && word.len() <= LONGEST)
        .map(|word| {
            let word = word.to_lowercase();
            match word.strip_suffix('s') {
                Some(singular) if singular.len() > 2 && !singular.ends_with('s') => {
                    singular.to_owned()
                }
                _ => word,
            }
        })
}

/// The term of something that a collection brings.
pub(crate) fn of_content(name: &str) -> String {
    format!("contents/{name}")
}

impl CollectionVersion {
    /// The terms of its unit, each once.
    pub(crate) fn terms(&self) -> Vec<String> {
        let tags = self.tags.iter().flat_map(|tag| of(tag.name()));
        let mut terms: Vec<String> = of(&self.namespace)
            .chain(of(&self.name))
            .chain(tags)
            .chain(of(&self.description).take(MOST))
            .collect();
        let names = self.content_names();
        let names = names.iter().filter(|name| name.len() <= LONGEST_NAME);
        terms.extend(names.map(|name| of_content(name)));
        terms.sort_unstable();
        terms.dedup();
        terms
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_compared_as_a_reader_does() {
        let words = |text: &str| of(text).collect::<Vec<_>>();
        assert_eq!(words("The Owls, of_zoo!"), ["the", "owl", "of", "zoo"]);
        assert_eq!(words("access ls bus x"), ["access", "ls", "bus", "x"]);
        assert_eq!(words(&"a".repeat(65)), Vec::<String>::new());
    }
}
