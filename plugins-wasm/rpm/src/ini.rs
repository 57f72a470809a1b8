//! INI files: sections of names and values.

use std::collections::HashMap;

/// A heading and its entries, in order.
#[derive(Debug)]
pub(crate) struct Section {
    name: String,
    entries: Vec<(String, String)>,
}

impl Section {
    /// Its heading.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// The value of an entry; of several the first.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        let mut entries = self.entries();
        entries.find_map(|(known, value)| (known == name).then_some(value))
    }

    /// Names and values.
    pub(crate) fn entries(&self) -> impl Iterator<Item = (&str, &str)> {
        let entries = self.entries.iter();
        entries.map(|(name, value)| (name.as_str(), value.as_str()))
    }
}

/// The sections of a file, in order; those of one name are one.
#[derive(Debug, Default)]
pub(crate) struct Ini {
    sections: Vec<Section>,
    places: HashMap<String, usize>,
}

impl Ini {
    /// Reads a file. Lines that are neither headings nor entries mean nothing.
    pub(crate) fn read(text: &str) -> Self {
        let mut ini = Self::default();
        let mut current = None;
        for line in text.lines().map(str::trim) {
            if line.starts_with(['#', ';']) {
                continue;
            }
            let heading = line
                .strip_prefix('[')
                .and_then(|rest| rest.strip_suffix(']'));
            if let Some(name) = heading {
                current = Some(ini.place(name.trim()));
            } else if let (Some((name, value)), Some(at)) = (cut(line), current) {
                let entry = (name.to_owned(), value.to_owned());
                ini.sections[at].entries.push(entry);
            }
        }
        ini
    }

    fn place(&mut self, name: &str) -> usize {
        if let Some(&at) = self.places.get(name) {
            return at;
        }
        self.sections.push(Section {
            name: name.to_owned(),
            entries: Vec::new(),
        });
        let at = self.sections.len() - 1;
        self.places.insert(name.to_owned(), at);
        at
    }

    /// The value of an entry.
    pub(crate) fn get(&self, section: &str, name: &str) -> Option<&str> {
        self.sections[*self.places.get(section)?].get(name)
    }

    /// All of them.
    pub(crate) fn sections(&self) -> &[Section] {
        &self.sections
    }
}

/// `name = value`, or `name: value`, whichever sign comes first.
fn cut(line: &str) -> Option<(&str, &str)> {
    let (name, value) = line.split_once(['=', ':'])?;
    Some((name.trim(), value.trim()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sections_have_entries() {
        let ini = Ini::read("a = 0\n[one]\na = 1 = 2\n# a = 3\nb: x=y\n[two]\nodd\n");
        assert_eq!(ini.get("one", "a"), Some("1 = 2"));
        assert_eq!(ini.get("one", "b"), Some("x=y"));
        assert_eq!(ini.get("two", "a"), None);
        assert_eq!(ini.get("three", "a"), None);
        assert_eq!(ini.sections().len(), 2);
    }

    #[test]
    fn sections_of_one_name_are_one() {
        let ini = Ini::read("[one]\na = 1\n[two]\n[one]\na = 2\nb = 3\n");
        let names: Vec<&str> = ini.sections().iter().map(Section::name).collect();
        assert_eq!(names, ["one", "two"]);
        assert_eq!(ini.get("one", "a"), Some("1"), "what is said first counts");
        assert_eq!(ini.get("one", "b"), Some("3"));
    }
}
