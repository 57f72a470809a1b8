//! The units that a copy is about, as far as they were looked up: packages and modules, and
//! which of them fits which need.

use std::borrow::Cow;
use std::cmp::{Ordering, Reverse};
use std::collections::HashMap;

use pith_plugin_sdk::{Candidate, Error, Result, UnitRef};
use serde::Deserialize;

use super::capability::{Capability, Relation, Word, Words, compare_evr, evr_text};
use super::need::Need;
use super::search::Variable;
use crate::terms::plain_name;

/// Where a unit is: numbers of lines.
#[derive(Clone, Debug, Default)]
pub(super) struct Places {
    pub(super) chosen: Vec<u32>,
    pub(super) sources: Vec<u32>,
    pub(super) destinations: Vec<u32>,
}

/// A package.
#[derive(Debug)]
pub(super) struct Package {
    pub(super) name: Word,
    /// `epoch:version-release`
    pub(super) evr: Word,
    pub(super) arch: Word,
    pub(super) is_modular: bool,
    pub(super) provides: Vec<Capability>,
    pub(super) requires: Vec<Need>,
    pub(super) recommends: Vec<Need>,
    pub(super) conflicts: Vec<Need>,
    pub(super) obsoletes: Vec<Capability>,
}

/// A build of a module's stream.
#[derive(Debug)]
pub(super) struct Module {
    pub(super) name: String,
    pub(super) stream: String,
    pub(super) version: String,
    pub(super) context: String,
    /// For each name, the streams of which one is required; none for any.
    pub(super) requires: Vec<(String, Vec<String>)>,
}

impl Package {
    /// What every package provides.
    pub(super) fn itself(&self) -> Capability {
        Capability {
            name: self.name,
            relation: Relation::of_sign("="),
            evr: Some(self.evr),
        }
    }
}

#[derive(Debug)]
pub(super) enum Kind {
    Package(Package),
    Module(Module),
    /// A part of a rich dependency.
    Part,
}

#[derive(Debug)]
pub(super) struct Unit {
    pub(super) handle: UnitRef,
    pub(super) places: Places,
    pub(super) kind: Kind,
}

impl Unit {
    pub(super) fn is_chosen(&self) -> bool {
        !self.places.chosen.is_empty()
    }

    /// Whether it is taken as it is: what it needs is nobody's business here.
    pub(super) fn is_settled(&self) -> bool {
        !self.places.destinations.is_empty() && !self.is_chosen()
    }

    pub(super) fn package(&self) -> Option<&Package> {
        match &self.kind {
            Kind::Package(package) => Some(package),
            _ => None,
        }
    }

    pub(super) fn module(&self) -> Option<&Module> {
        match &self.kind {
            Kind::Module(module) => Some(module),
            _ => None,
        }
    }
}

/// The fields that are asked for of packages.
pub(super) const FIELDS: &[&str] = &[
    "name",
    "epoch",
    "version",
    "release",
    "arch",
    "is_modular",
    "provides",
    "requires",
    "recommends",
    "conflicts",
    "obsoletes",
];

#[derive(Deserialize)]
struct Fields<'a> {
    #[serde(borrow)]
    name: Cow<'a, str>,
    #[serde(borrow)]
    epoch: Cow<'a, str>,
    #[serde(borrow)]
    version: Cow<'a, str>,
    #[serde(borrow)]
    release: Cow<'a, str>,
    #[serde(borrow)]
    arch: Cow<'a, str>,
    is_modular: bool,
    #[serde(borrow)]
    provides: Vec<Entry<'a>>,
    #[serde(borrow)]
    requires: Vec<Entry<'a>>,
    #[serde(borrow)]
    recommends: Vec<Entry<'a>>,
    #[serde(borrow)]
    conflicts: Vec<Entry<'a>>,
    #[serde(borrow)]
    obsoletes: Vec<Entry<'a>>,
}

/// Name, flags, epoch, version, release, and whether it is needed before the installation.
#[derive(Deserialize)]
struct Entry<'a>(
    #[serde(borrow)] Cow<'a, str>,
    #[serde(borrow)] Option<Cow<'a, str>>,
    #[serde(borrow)] Option<Cow<'a, str>>,
    #[serde(borrow)] Option<Cow<'a, str>>,
    #[serde(borrow)] Option<Cow<'a, str>>,
    #[expect(dead_code, reason = "the list has it")] bool,
);

impl Entry<'_> {
    fn capability(&self, words: &mut Words) -> Capability {
        let name = words.learn(&self.0);
        let relation = Relation::of_flags(self.1.as_deref().unwrap_or_default());
        let version = self.3.as_deref().filter(|version| !version.is_empty());
        match version {
            Some(version) if relation != Relation::default() => {
                let evr = evr_text(self.2.as_deref(), version, self.4.as_deref());
                Capability {
                    name,
                    relation,
                    evr: Some(words.learn(&evr)),
                }
            }
            _ => Capability::any(name),
        }
    }

    /// None for what RPM itself provides.
    fn need(&self, words: &mut Words) -> Option<Need> {
        if self.0.is_empty() || self.0.starts_with("rpmlib(") {
            return None;
        }
        if self.0.starts_with('(')
            && let Some(need) = Need::parse(&self.0, words)
        {
            return Some(need);
        }
        Some(Need::One(self.capability(words)))
    }
}

/// What may be together in one installation; packages for all machines are in none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Family<'a> {
    All,
    Of(&'a str),
    /// Sources are installed nowhere.
    Source,
}

fn family(arch: &str) -> Family<'_> {
    match arch {
        "noarch" => Family::All,
        "src" | "nosrc" => Family::Source,
        "i386" | "i486" | "i586" | "i686" | "athlon" | "geode" | "amd64" | "ia32e" | "x86_64"
        | "x86_64_v2" | "x86_64_v3" | "x86_64_v4" => Family::Of("x86"),
        other => Family::Of(other),
    }
}

/// Which of several architectures comes first where none is given.
fn width(arch: &str) -> u8 {
    u8::from(!(arch.contains("64") || arch.starts_with("s390x"))) * 2
}

/// All units that are known.
#[derive(Debug, Default)]
pub(super) struct Pool {
    pub(super) words: Words,
    pub(super) units: Vec<Unit>,
    by_handle: HashMap<UnitRef, Variable>,
    by_name: HashMap<Word, Vec<Variable>>,
    by_capability: HashMap<Word, Vec<(Variable, Capability)>>,
}

impl Pool {
    /// Takes a package in, unless it is there.
    pub(super) fn add_package(&mut self, candidate: Candidate) -> Result<Variable> {
        if let Some(known) = self.by_handle.get(&candidate.handle) {
            return Ok(*known);
        }
        let (fields, handle, places) = taken_apart(candidate);
        let fields: Fields<'_> = serde_json::from_str(&fields)
            .map_err(|error| Error::internal(format!("a package is stored wrongly: {error}")))?;
        let words = &mut self.words;
        let name = words.learn(&fields.name);
        let evr = evr_text(Some(&fields.epoch), &fields.version, Some(&fields.release));
        let evr = words.learn(&evr);
        let itself = Capability {
            name,
            relation: Relation::of_sign("="),
            evr: Some(evr),
        };
        let mut provides: Vec<Capability> = Vec::with_capacity(fields.provides.len() + 1);
        provides.extend(fields.provides.iter().map(|entry| entry.capability(words)));
        if !provides.contains(&itself) {
            provides.push(itself);
        }
        let mut needs = |entries: &[Entry<'_>]| -> Vec<Need> {
            let mut needs: Vec<Need> = Vec::with_capacity(entries.len());
            for need in entries.iter().filter_map(|entry| entry.need(words)) {
                if !needs.contains(&need) {
                    needs.push(need);
                }
            }
            needs
        };
        let requires = needs(&fields.requires);
        let recommends = needs(&fields.recommends);
        let conflicts = needs(&fields.conflicts);
        let obsoletes = fields.obsoletes.iter();
        let obsoletes = obsoletes.map(|entry| entry.capability(words)).collect();
        let arch = words.learn(&fields.arch);
        let at = self.units.len();
        self.by_name.entry(name).or_default().push(at);
        for provided in &provides {
            let those = self.by_capability.entry(provided.name).or_default();
            those.push((at, *provided));
        }
        Ok(self.push(
            handle,
            places,
            Kind::Package(Package {
                name,
                evr,
                arch,
                is_modular: fields.is_modular,
                provides,
                requires,
                recommends,
                conflicts,
                obsoletes,
            }),
        ))
    }

    /// Takes a module in; it is not there.
    pub(super) fn add_module(&mut self, candidate: Candidate, module: Module) -> Variable {
        let (_, handle, places) = taken_apart(candidate);
        self.push(handle, places, Kind::Module(module))
    }

    /// A variable for a part of a need.
    pub(super) fn add_part(&mut self) -> Variable {
        self.units.push(Unit {
            handle: 0,
            places: Places::default(),
            kind: Kind::Part,
        });
        self.units.len() - 1
    }

    fn push(&mut self, handle: UnitRef, places: Places, kind: Kind) -> Variable {
        let at = self.units.len();
        self.by_handle.insert(handle, at);
        self.units.push(Unit {
            handle,
            places,
            kind,
        });
        at
    }

    /// Notes that a package has a file.
    pub(super) fn add_file(&mut self, unit: Variable, path: &str) {
        let file = Capability::any(self.words.learn(path));
        let providers = self.by_capability.entry(file.name).or_default();
        if !providers.contains(&(unit, file)) {
            providers.push((unit, file));
        }
    }

    /// The packages of a name.
    pub(super) fn named(&self, name: Word) -> &[Variable] {
        self.by_name.get(&name).map_or(&[], Vec::as_slice)
    }

    /// The packages that provide something, in no order.
    pub(super) fn providers(&self, capability: Capability) -> Vec<Variable> {
        let all = self.by_capability.get(&capability.name);
        let mut fitting: Vec<Variable> = all
            .into_iter()
            .flatten()
            .filter(|(_, provided)| provided.overlaps(capability, &self.words))
            .map(|(unit, _)| *unit)
            .collect();
        fitting.sort_unstable();
        fitting.dedup();
        fitting
    }

    /// Those of these packages that can be installed beside one, the best first: of the same
    /// architecture, of the name that is asked for, the newest, from the same source.
    pub(super) fn in_order(
        &self,
        wanting: Variable,
        named: Option<Word>,
        mut units: Vec<Variable>,
    ) -> Vec<Variable> {
        let near = &self.units[wanting];
        let near_arch = near
            .package()
            .map_or("noarch", |one| self.words.text(one.arch));
        let near_family = family(near_arch);
        let lines = near.places.lines();
        let named = named.map(|name| plain_name(self.words.text(name)));
        units.retain(|unit| {
            let Some(package) = self.units[*unit].package() else {
                return false;
            };
            match (family(self.words.text(package.arch)), near_family) {
                (Family::Source, _) => false,
                (Family::All, _) | (_, Family::All | Family::Source) => true,
                (one, other) => one == other,
            }
        });
        units.sort_by_cached_key(|unit| {
            let unit = &self.units[*unit];
            let (arch, name, evr) = unit.package().map_or(("", "", ""), |package| {
                let text = |word| self.words.text(word);
                (text(package.arch), text(package.name), text(package.evr))
            });
            let arch_order = match arch {
                arch if arch == near_arch => 0,
                "noarch" => 1,
                arch => 2 + width(arch),
            };
            let is_far = !unit.places.sources.iter().any(|line| lines.contains(line));
            (
                arch_order,
                named != Some(name),
                name.to_owned(),
                Reverse(Version(evr.to_owned())),
                is_far,
                unit.handle,
            )
        });
        units
    }

    pub(super) fn is_source(&self, package: &Package) -> bool {
        family(self.words.text(package.arch)) == Family::Source
    }

    /// Whether two packages of one name cannot be installed together.
    pub(super) fn is_one_of_a_name(&self, one: &Package, other: &Package) -> bool {
        let (one, other) = (self.words.text(one.arch), self.words.text(other.arch));
        one == other || one == "noarch" || other == "noarch"
    }

    /// For people.
    pub(super) fn label(&self, unit: Variable) -> String {
        match &self.units[unit].kind {
            Kind::Package(package) => format!(
                "{}-{}.{}",
                self.words.text(package.name),
                self.words.text(package.evr),
                self.words.text(package.arch)
            ),
            Kind::Module(module) => format!("module {}:{}", module.name, module.stream),
            Kind::Part => String::new(),
        }
    }
}

fn taken_apart(candidate: Candidate) -> (String, UnitRef, Places) {
    let places = Places {
        chosen: candidate.chosen,
        sources: candidate.sources,
        destinations: candidate.destinations,
    };
    (candidate.fields, candidate.handle, places)
}

impl Places {
    /// The lines that bring a unit, or could.
    fn lines(&self) -> &[u32] {
        if self.chosen.is_empty() {
            &self.sources
        } else {
            &self.chosen
        }
    }
}

/// A version in its own order.
#[derive(PartialEq, Eq)]
struct Version(String);

impl Ord for Version {
    fn cmp(&self, other: &Self) -> Ordering {
        // A text decides between versions that are the same in other words.
        compare_evr(&self.0, &other.0).then_with(|| self.0.cmp(&other.0))
    }
}

impl PartialOrd for Version {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}
