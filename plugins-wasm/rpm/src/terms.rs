//! The words that a package is found by when another one needs something: what it provides,
//! and those of its files that `primary` singles out. Its name is a field, and no term.

use crate::package::{File, Package};

impl Package {
    /// The terms, each once.
    pub(crate) fn terms(&self) -> Vec<String> {
        let provides = self.provides.iter().map(|entry| entry.0.as_str());
        let provides = provides.filter(|provided| {
            !provided.is_empty() && *provided != self.name && plain_name(provided) != self.name
        });
        let mut terms: Vec<String> = provides.map(str::to_owned).collect();
        terms.extend(self.files.iter().filter_map(File::singled_out));
        terms.sort_unstable();
        terms.dedup();
        terms
    }
}

impl File {
    /// The whole path, if `primary` lists it.
    fn singled_out(&self) -> Option<String> {
        let Self(_, folder, name) = self;
        let is_listed = folder.starts_with("/etc/")
            || folder.contains("bin/")
            || (folder == "/usr/lib/" && name == "sendmail");
        is_listed.then(|| format!("{folder}{name}"))
    }
}

/// Whether `primary` lists a path of a package that has it.
pub(crate) fn is_singled_out(path: &str) -> bool {
    File::new(None, path).singled_out().is_some()
}

/// The name of a package, of what it provides for its architecture: `owl` of `owl(x86-64)`.
pub(crate) fn plain_name(provided: &str) -> &str {
    let bits = provided
        .strip_suffix("-64)")
        .or_else(|| provided.strip_suffix("-32)"));
    match bits.and_then(|rest| rest.rsplit_once('(')) {
        Some((name, _)) if !name.is_empty() => name,
        _ => provided,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::package::Entry;

    #[test]
    fn a_package_is_found_by_what_is_not_its_name() {
        let entry = |name: &str| Entry(name.into(), None, None, None, None, false);
        let package = Package {
            name: "owl".into(),
            provides: ["owl", "owl(x86-64)", "libowl.so.1()(64bit)", "bird", "bird"]
                .map(entry)
                .into(),
            files: [
                "/usr/bin/owl",
                "/usr/share/owl",
                "/etc/owl",
                "/usr/lib/sendmail",
            ]
            .map(|path| File::new(None, path))
            .into(),
            ..Package::default()
        };
        let terms = [
            "/etc/owl",
            "/usr/bin/owl",
            "/usr/lib/sendmail",
            "bird",
            "libowl.so.1()(64bit)",
        ];
        assert_eq!(package.terms(), terms);
        assert!(is_singled_out("/sbin/init") && !is_singled_out("/usr/share/owl"));
    }

    #[test]
    fn only_an_architecture_is_cut_off() {
        assert_eq!(plain_name("owl(x86-64)"), "owl");
        assert_eq!(plain_name("perl(Owl)"), "perl(Owl)");
        assert_eq!(plain_name("libc.so.6()(64bit)"), "libc.so.6()(64bit)");
        assert_eq!(plain_name("(x86-64)"), "(x86-64)");
    }
}
