//! INI files: sections of names and values.

/// An entry: its name and its value.
type Entry = (String, String);

/// The sections of a file, in order.
#[derive(Debug, Default)]
pub(crate) struct Ini(Vec<(String, Vec<Entry>)>);

impl Ini {
    /// Reads a file. Lines that are neither headings nor entries mean nothing.
    pub(crate) fn read(text: &str) -> Self {
        let mut ini = Self::default();
        for line in text.lines().map(str::trim) {
            if line.starts_with(['#', ';']) {
                continue;
            }
            if let Some(name) = line
                .strip_prefix('[')
                .and_then(|rest| rest.strip_suffix(']'))
            {
                ini.0.push((name.trim().to_owned(), Vec::new()));
            } else if let (Some((name, value)), Some((_, entries))) = (cut(line), ini.0.last_mut())
            {
                entries.push((name.to_owned(), value.to_owned()));
            }
        }
        ini
    }

    /// The value of an entry.
    pub(crate) fn get(&self, section: &str, name: &str) -> Option<&str> {
        let mut sections = self.0.iter().filter(|(known, _)| known == section);
        sections.find_map(|(_, entries)| {
            let mut entries = entries.iter();
            let found = entries.find(|(known, _)| known == name);
            found.map(|(_, value)| value.as_str())
        })
    }

    /// All sections with their entries.
    pub(crate) fn sections(&self) -> impl Iterator<Item = (&str, &[Entry])> {
        let sections = self.0.iter();
        sections.map(|(name, entries)| (name.as_str(), entries.as_slice()))
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
        assert_eq!(ini.sections().count(), 2);
    }
}
