//! The words that a package is found by when another one needs something: what it provides,
//! and those of its files that `primary` singles out. Its name is a field, and no term.

use crate::package::Package;

impl Package {
    /// The terms, each once, with these files.
    pub(crate) fn terms(&self, singled_out: Vec<String>) -> Vec<String> {
        let provides = self.provides.iter().map(|entry| entry.0.as_str());
        let provides = provides.filter(|provided| {
            !provided.is_empty() && *provided != self.name && plain_name(provided) != self.name
        });
        let mut terms: Vec<String> = provides.map(str::to_owned).collect();
        terms.extend(singled_out);
        terms.sort_unstable();
        terms.dedup();
        terms
    }
}

/// Whether `primary` lists a path of a package that has it.
pub(crate) fn is_singled_out(path: &str) -> bool {
    let folder = &path[..path.rfind('/').map_or(0, |at| at + 1)];
    folder.starts_with("/etc/") || folder.contains("bin/") || path == "/usr/lib/sendmail"
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
            ..Package::default()
        };
        let files = ["/usr/bin/owl", "/etc/owl"].map(str::to_owned);
        let terms = ["/etc/owl", "/usr/bin/owl", "bird", "libowl.so.1()(64bit)"];
        assert_eq!(package.terms(files.into()), terms);
    }

    #[test]
    fn few_files_are_singled_out() {
        for path in [
            "/sbin/init",
            "/etc/owl",
            "/usr/bin/owl",
            "/usr/lib/sendmail",
        ] {
            assert!(is_singled_out(path), "{path}");
        }
        for path in [
            "/usr/share/owl",
            "/usr/lib/sendmail/x",
            "/usr/share/bin",
            "bin",
        ] {
            assert!(!is_singled_out(path), "{path}");
        }
    }

    #[test]
    fn only_an_architecture_is_cut_off() {
        assert_eq!(plain_name("owl(x86-64)"), "owl");
        assert_eq!(plain_name("perl(Owl)"), "perl(Owl)");
        assert_eq!(plain_name("libc.so.6()(64bit)"), "libc.so.6()(64bit)");
        assert_eq!(plain_name("(x86-64)"), "(x86-64)");
    }
}
