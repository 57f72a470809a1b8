//! Repositories for the tests of the solver, written in a few words, in place of the host.

use std::collections::BTreeMap;

use pith_plugin_sdk::{Candidate, Resolution, Result};
use serde_json::{Value, json};

use super::lookup::{Each, Lookup};
use super::solver::Solver;
use crate::{MODULEMD, MODULEMD_DEFAULTS, PACKAGE};

/// A unit and where it is.
#[derive(Clone, Debug, Default)]
pub(super) struct Animal {
    pub(super) content_type: &'static str,
    pub(super) label: String,
    pub(super) fields: Value,
    pub(super) terms: Vec<String>,
    pub(super) files: Vec<String>,
    pub(super) chosen: Vec<u32>,
    pub(super) sources: Vec<u32>,
    pub(super) destinations: Vec<u32>,
}

/// All units of a copy; the handle is the place in the list.
#[derive(Clone, Debug, Default)]
pub(super) struct Zoo {
    pub(super) animals: Vec<Animal>,
    /// How often it was asked.
    pub(super) questions: usize,
}

/// `owl >= 1:2-3` as the indexes have it.
fn entry(text: &str) -> Value {
    if text.starts_with('(') {
        return json!([text, null, null, null, null, false]);
    }
    let mut words = text.split(' ');
    let name = words.next();
    let flags = words.next().map(|sign| match sign {
        "<" => "LT",
        "<=" => "LE",
        "=" => "EQ",
        ">=" => "GE",
        _ => "GT",
    });
    let evr = words.next().unwrap_or_default();
    let (epoch, rest) = evr.split_once(':').unwrap_or(("0", evr));
    let (version, release) = match rest.split_once('-') {
        Some((version, release)) => (version, Some(release)),
        None => (rest, None),
    };
    match flags {
        Some(flags) => json!([name, flags, epoch, version, release, false]),
        None => json!([name, null, null, null, null, false]),
    }
}

/// A package in line 0's source: `owl-1:2.0-1.x86_64`, and what it says line by line:
/// `requires bear >= 2`.
pub(super) fn package(nevra: &str, says: &[&str]) -> Animal {
    let (rest, arch) = nevra.rsplit_once('.').expect("an architecture");
    let (rest, release) = rest.rsplit_once('-').expect("a release");
    let (name, version) = rest.rsplit_once('-').expect("a version");
    let (epoch, version) = version.split_once(':').unwrap_or(("0", version));
    let mut lists: BTreeMap<&str, Vec<Value>> = BTreeMap::new();
    let (mut terms, mut files) = (Vec::new(), Vec::new());
    for says in says {
        let (word, what) = says.split_once(' ').unwrap_or((says, ""));
        let list = match word {
            "provides" => {
                terms.push(what.split(' ').next().unwrap_or_default().to_owned());
                "provides"
            }
            "file" => {
                if crate::terms::is_singled_out(what) {
                    terms.push(what.to_owned());
                }
                files.push(what.to_owned());
                continue;
            }
            "requires" => "requires",
            "recommends" => "recommends",
            "conflicts" => "conflicts",
            "obsoletes" => "obsoletes",
            _ => continue,
        };
        lists.entry(list).or_default().push(entry(what));
    }
    let list = |name: &str| lists.get(name).cloned().unwrap_or_default();
    Animal {
        content_type: PACKAGE,
        label: nevra.to_owned(),
        fields: json!({
            "name": name, "epoch": epoch, "version": version, "release": release, "arch": arch,
            "is_modular": says.contains(&"modular"), "provides": list("provides"),
            "requires": list("requires"), "recommends": list("recommends"),
            "conflicts": list("conflicts"), "obsoletes": list("obsoletes"),
        }),
        terms,
        files,
        sources: vec![0],
        ..Animal::default()
    }
}

/// A module, `perl:5.30`, with the packages that it lists and what it requires.
pub(super) fn module(named: &str, packages: &[&str], requires: &Value) -> Animal {
    let (name, stream) = named.split_once(':').expect("a stream");
    let nevra = |nevra: &&str| {
        let fields = package(nevra, &[]).fields;
        json!({"name": fields["name"], "epoch": fields["epoch"], "version": fields["version"],
            "release": fields["release"], "arch": fields["arch"]})
    };
    Animal {
        content_type: MODULEMD,
        label: named.to_owned(),
        fields: json!({"name": name, "stream": stream, "version": "1", "context": "c",
            "nevras": packages.iter().map(nevra).collect::<Vec<_>>(),
            "dependencies": [requires]}),
        sources: vec![0],
        ..Animal::default()
    }
}

/// What makes a stream the default one.
pub(super) fn default_stream(named: &str) -> Animal {
    let (name, stream) = named.split_once(':').expect("a stream");
    Animal {
        content_type: MODULEMD_DEFAULTS,
        label: format!("default {named}"),
        fields: json!({"module": name, "stream": stream}),
        sources: vec![0],
        ..Animal::default()
    }
}

impl Animal {
    pub(super) fn chosen(mut self) -> Self {
        self.chosen = self.sources.clone();
        self
    }

    /// In these lines' sources and no others.
    pub(super) fn in_sources(mut self, lines: &[u32]) -> Self {
        self.sources = lines.to_vec();
        self
    }

    pub(super) fn there(mut self, lines: &[u32]) -> Self {
        self.destinations = lines.to_vec();
        self
    }

    fn candidate(&self, handle: usize, fields: &[&str]) -> Candidate {
        let asked = fields
            .iter()
            .map(|name| ((*name).to_owned(), self.fields[*name].clone()));
        Candidate {
            handle: handle as u64,
            fields: Value::Object(asked.collect()).to_string(),
            chosen: self.chosen.clone(),
            sources: self.sources.clone(),
            destinations: self.destinations.clone(),
        }
    }
}

impl Zoo {
    pub(super) fn of(animals: Vec<Animal>) -> Self {
        Self {
            animals,
            questions: 0,
        }
    }

    fn give(
        &mut self,
        content_type: &str,
        fields: &[&str],
        each: Each<'_>,
        fits: impl Fn(&Animal) -> bool,
    ) -> Result<()> {
        self.questions += 1;
        for (handle, animal) in self.animals.iter().enumerate() {
            if animal.content_type == content_type && fits(animal) {
                each(animal.candidate(handle, fields))?;
            }
        }
        Ok(())
    }

    /// The answer to this copy.
    pub(super) fn resolve(&mut self, upgrade: bool) -> Resolution {
        let mut solver = Solver::new(self, upgrade);
        solver.run().expect("a solution");
        super::answer::of(&solver)
    }

    /// What comes along, in order: `bear-1-1.noarch 0: owl-1-1.noarch requires bear`; and what
    /// is missing.
    pub(super) fn told(&mut self, upgrade: bool) -> (Vec<String>, Vec<String>) {
        let resolution = self.resolve(upgrade);
        let label = |handle: u64| &self.animals[usize::try_from(handle).expect("small")].label;
        let pulled = resolution.pulled.iter();
        let pulled =
            pulled.map(|one| format!("{} {}: {}", label(one.handle), one.line, one.reason));
        let unresolved = resolution.unresolved.iter().map(|one| one.reason.clone());
        (pulled.collect(), unresolved.collect())
    }
}

impl Lookup for &mut Zoo {
    fn chosen(&mut self, content_type: &str, fields: &[&str], each: Each<'_>) -> Result<()> {
        self.give(content_type, fields, each, |one| !one.chosen.is_empty())
    }

    fn all(&mut self, content_type: &str, fields: &[&str], each: Each<'_>) -> Result<()> {
        self.give(content_type, fields, each, |_| true)
    }

    fn named(
        &mut self,
        content_type: &str,
        names: &[String],
        fields: &[&str],
        each: Each<'_>,
    ) -> Result<()> {
        self.give(content_type, fields, each, |one| {
            names.iter().any(|name| one.fields["name"] == name.as_str())
        })
    }

    fn with_terms(
        &mut self,
        content_type: &str,
        terms: &[String],
        fields: &[&str],
        each: Each<'_>,
    ) -> Result<()> {
        self.give(content_type, fields, each, |one| {
            one.terms.iter().any(|term| terms.contains(term))
        })
    }

    fn filelists(&mut self, packages: &[u64]) -> Result<Vec<Vec<u8>>> {
        self.questions += 1;
        let element = |handle: &u64| {
            let animal = &self.animals[usize::try_from(*handle).expect("small")];
            let files = animal
                .files
                .iter()
                .map(|path| format!("<file>{path}</file>"));
            format!("<package>{}</package>", files.collect::<String>()).into_bytes()
        };
        // Fewer than were asked for, as where they are long.
        Ok(packages.iter().take(2).map(element).collect())
    }
}
