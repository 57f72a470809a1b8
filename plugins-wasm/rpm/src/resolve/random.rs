//! Random repositories, and their solutions held against trying every set.

use std::collections::BTreeSet;

use super::capability::Words;
use super::need::Need;
use super::zoo::{Animal, Zoo, package};

/// Numbers that look random and are always the same for a seed.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, end: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).expect("31 bits") % end
    }

    fn one<'a>(&mut self, list: &[&'a str]) -> &'a str {
        list[self.below(list.len())]
    }
}

const NAMES: &[&str] = &["ant", "bee", "cow", "dog", "elk", "fox"];
const NEEDS: &[&str] = &[
    "ant", "bee", "cow", "dog", "elk", "fox", "hop", "run", "gnu",
];

/// What a package says, as the test itself understands it.
#[derive(Debug)]
struct Said {
    name: String,
    version: usize,
    provides: Vec<String>,
    requires: Vec<String>,
    conflicts: Vec<String>,
    obsoletes: Vec<String>,
}

fn need(numbers: &mut Numbers) -> String {
    let one = |numbers: &mut Numbers| {
        let name = numbers.one(NEEDS);
        match numbers.below(4) {
            0 => format!(
                "{name} {} {}",
                numbers.one(&["<", "<=", "=", ">=", ">"]),
                1 + numbers.below(3)
            ),
            _ => name.to_owned(),
        }
    };
    let (first, second, third) = (one(numbers), one(numbers), one(numbers));
    match numbers.below(14) {
        0 => format!("({first} or {second})"),
        1 => format!("({first} and {second})"),
        2 => format!("({first} if {second})"),
        3 => format!("({first} if {second} else {third})"),
        4 => format!("({first} unless {second})"),
        5 => format!("({first} with {second})"),
        6 => format!("({first} without {second})"),
        7 => format!("(({first} and {second}) or {third})"),
        _ => first,
    }
}

fn said(numbers: &mut Numbers, name: &str, version: usize) -> Said {
    let list = |numbers: &mut Numbers, most: usize| -> Vec<String> {
        (0..numbers.below(most + 1))
            .map(|_| need(numbers))
            .collect()
    };
    let provides = if numbers.below(2) == 0 {
        vec![numbers.one(&["hop", "run"]).to_owned()]
    } else {
        Vec::new()
    };
    let requires = list(numbers, 3);
    let conflicts = if numbers.below(3) == 0 {
        list(numbers, 1)
    } else {
        Vec::new()
    };
    let obsoletes = if numbers.below(8) == 0 {
        vec![numbers.one(NAMES).to_owned()]
    } else {
        Vec::new()
    };
    Said {
        name: name.to_owned(),
        version,
        provides,
        requires,
        conflicts,
        obsoletes,
    }
}

impl Said {
    fn provides(&self, capability: &str) -> bool {
        let mut words = capability.split(' ');
        let name = words.next().unwrap_or_default();
        if self.provides.iter().any(|one| one == name) {
            return true;
        }
        let (sign, version) = (words.next().unwrap_or(""), words.next().unwrap_or("0"));
        let version: usize = version.parse().expect("a small number");
        self.name == name
            && match sign {
                "<" => self.version < version,
                "<=" => self.version <= version,
                "=" => self.version == version,
                ">=" => self.version >= version,
                ">" => self.version > version,
                _ => true,
            }
    }
}

/// Whether one package is what a need names.
fn is_one(need: &Need, words: &Words, package: &Said) -> bool {
    match need {
        Need::With(one, other) => is_one(one, words, package) && is_one(other, words, package),
        Need::Without(one, other) => is_one(one, words, package) && !is_one(other, words, package),
        simple => package.provides(&simple.text(words)),
    }
}

/// Whether a set of packages fulfills a need; for conflicts, of others than the package itself.
fn holds(need: &Need, words: &Words, set: &[&Said]) -> bool {
    let holds = |need: &Need| holds(need, words, set);
    match need {
        Need::One(_) | Need::With(..) | Need::Without(..) => {
            set.iter().any(|package| is_one(need, words, package))
        }
        Need::And(list) => list.iter().all(holds),
        Need::Or(list) => list.iter().any(holds),
        Need::If(one, condition, other) => match (holds(condition), other) {
            (true, _) => holds(one),
            (false, Some(other)) => holds(other),
            (false, None) => true,
        },
        Need::Unless(one, condition, other) => match (holds(condition), other) {
            (false, _) => holds(one),
            (true, Some(other)) => holds(other),
            (true, None) => false,
        },
    }
}

fn parse(text: &str, words: &mut Words) -> Need {
    match Need::parse(text, words) {
        Some(need) => need,
        None => Need::parse(&format!("({text})"), words).expect("a need"),
    }
}

/// Whether a set can be installed; of settled ones nothing is asked.
fn is_installable(set: &[usize], all: &[Said], settled: &BTreeSet<usize>) -> bool {
    let installed: Vec<&Said> = set.iter().map(|at| &all[*at]).collect();
    let mut words = Words::default();
    set.iter().all(|at| {
        let package = &all[*at];
        if settled.contains(at) {
            return true;
        }
        let is_another = |one: &&&Said| !std::ptr::eq(**one, package);
        let others: Vec<&Said> = installed.iter().filter(is_another).copied().collect();
        package
            .requires
            .iter()
            .all(|need| holds(&parse(need, &mut words), &words, &installed))
            && !package.conflicts.iter().any(|need| {
                let need = parse(need, &mut words);
                // A package that names what it is itself means others.
                let set = if is_simple(&need) {
                    &others
                } else {
                    &installed
                };
                holds(&need, &words, set)
            })
            && !package
                .obsoletes
                .iter()
                .any(|name| others.iter().any(|other| other.name == *name))
            && installed
                .iter()
                .filter(|other| other.name == package.name)
                .count()
                == 1
    })
}

fn is_simple(need: &Need) -> bool {
    matches!(need, Need::One(_) | Need::With(..) | Need::Without(..))
}

fn has_installation(root: usize, from: &[usize], all: &[Said], settled: &BTreeSet<usize>) -> bool {
    (0..1_u32 << from.len()).any(|bits| {
        let set: Vec<usize> = (0..from.len())
            .filter(|at| bits >> at & 1 == 1)
            .map(|at| from[at])
            .collect();
        set.contains(&root) && is_installable(&set, all, settled)
    })
}

fn animal(said: &Said) -> Animal {
    let mut says: Vec<String> = Vec::new();
    for (word, list) in [
        ("provides", &said.provides),
        ("requires", &said.requires),
        ("conflicts", &said.conflicts),
        ("obsoletes", &said.obsoletes),
    ] {
        says.extend(list.iter().map(|what| format!("{word} {what}")));
    }
    let says: Vec<&str> = says.iter().map(String::as_str).collect();
    package(&format!("{}-{}-1.noarch", said.name, said.version), &says)
}

#[test]
fn chosen_packages_can_be_installed_wherever_any_set_can() {
    let (mut installable, mut single) = (0, 0);
    for seed in 0..2_000 {
        let mut numbers = Numbers(seed);
        let mut all = Vec::new();
        for name in NAMES {
            for version in 1..=1 + numbers.below(2) {
                all.push(said(&mut numbers, name, version));
            }
        }
        all.truncate(9);
        let mut animals: Vec<Animal> = all.iter().map(animal).collect();
        let mut settled = BTreeSet::new();
        let mut roots = BTreeSet::new();
        for (at, one) in animals.iter_mut().enumerate() {
            match numbers.below(5) {
                // Every other time only one.
                0 if seed % 2 == 0 || roots.is_empty() => {
                    one.chosen = vec![0];
                    roots.insert(at);
                }
                1 => {
                    one.destinations = vec![0];
                    settled.insert(at);
                }
                _ => {}
            }
        }
        let resolution = Zoo::of(animals).resolve(false);
        let here = format!("seed {seed}");
        let index = |handle: u64| usize::try_from(handle).expect("small");
        let pulled: BTreeSet<usize> = resolution
            .pulled
            .iter()
            .map(|one| index(one.handle))
            .collect();
        assert_eq!(pulled.len(), resolution.pulled.len(), "{here}: twice");
        assert!(
            pulled.is_disjoint(&settled) && pulled.is_disjoint(&roots),
            "{here}"
        );
        let coming: BTreeSet<usize> = &pulled | &roots;
        for one in &resolution.pulled {
            assert!(
                coming.contains(&index(one.wanted_by)),
                "{here}: {}",
                one.reason
            );
        }
        let everything: Vec<usize> = (0..all.len()).collect();
        let result: Vec<usize> = coming.union(&settled).copied().collect();
        let mut words = Words::default();
        for root in &roots {
            if has_installation(*root, &everything, &all, &settled) {
                installable += 1;
                assert!(
                    has_installation(*root, &result, &all, &settled),
                    "{here}: {root} {all:#?} {settled:?} {roots:?} {:?} {:?}",
                    resolution.pulled,
                    resolution.unresolved
                );
            } else {
                assert!(
                    !resolution.unresolved.is_empty(),
                    "{here}: {root} has no set: {all:#?} {settled:?} {roots:?} {:?}",
                    resolution.pulled
                );
            }
        }
        // Nothing comes without which it could be installed as well. Where several are chosen,
        // each may need another set.
        if let (Some(root), 1) = (roots.first(), roots.len())
            && resolution.unresolved.is_empty()
        {
            for needless in &pulled {
                single += 1;
                let rest = result.iter().copied().filter(|at| at != needless);
                let rest: Vec<usize> = rest.collect();
                assert!(
                    !has_installation(*root, &rest, &all, &settled),
                    "{here}: {needless} is needless: {all:#?} {settled:?} {roots:?} {:?}",
                    resolution.pulled
                );
            }
        }
        // One by one: what is required and could be given is given.
        let present: Vec<&Said> = result.iter().map(|at| &all[*at]).collect();
        let possible: Vec<&Said> = all.iter().collect();
        for at in &coming {
            for text in &all[*at].requires {
                let need = parse(text, &mut words);
                if is_simple(&need) && holds(&need, &words, &possible) {
                    assert!(
                        holds(&need, &words, &present),
                        "{here}: {} {text}",
                        all[*at].name
                    );
                }
            }
        }
    }
    assert!(
        installable > 300 && single > 100,
        "{installable}, {single}: too few to tell"
    );
}
