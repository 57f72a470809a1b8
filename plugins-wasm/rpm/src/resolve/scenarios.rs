//! Copies as people make them, and what has to come along.

use serde_json::json;

use super::zoo::{Animal, Zoo, default_stream, module, package};

fn told(animals: Vec<Animal>) -> (Vec<String>, Vec<String>) {
    Zoo::of(animals).told(false)
}

fn pulled(animals: Vec<Animal>) -> Vec<String> {
    let (pulled, unresolved) = told(animals);
    assert_eq!(unresolved, [""; 0]);
    pulled
}

/// What comes along, without the reasons.
fn names(animals: Vec<Animal>) -> Vec<String> {
    let name = |text: &String| text.split(' ').next().unwrap_or_default().to_owned();
    pulled(animals).iter().map(name).collect()
}

#[test]
fn what_is_required_comes_with_its_reason_and_nothing_else() {
    let zoo = vec![
        package(
            "owl-1-1.noarch",
            &["requires libbear >= 2", "requires /usr/bin/sh"],
        )
        .chosen(),
        package(
            "bear-3-1.noarch",
            &["provides libbear = 3", "requires cat(x)"],
        ),
        package("bear-1-1.noarch", &["provides libbear = 1"]),
        package(
            "cat-1-1.noarch",
            &["provides cat(x)", "requires rpmlib(Dash)"],
        ),
        package("shell-1-1.noarch", &["file /usr/bin/sh"]),
        package("lion-1-1.noarch", &["requires owl"]),
    ];
    assert_eq!(
        pulled(zoo),
        [
            "bear-3-1.noarch 0: owl-1-1.noarch requires libbear >= 2",
            "shell-1-1.noarch 0: owl-1-1.noarch requires /usr/bin/sh",
            "cat-1-1.noarch 0: bear-3-1.noarch requires cat(x)",
        ]
    );
}

#[test]
fn the_newest_comes_by_the_order_of_rpm() {
    let bears = [
        "bear-1.9-1.noarch",
        "bear-1.10-1.noarch",
        "bear-1.10~rc1-1.noarch",
    ];
    let mut zoo = vec![package("owl-1-1.noarch", &["requires bear"]).chosen()];
    zoo.extend(bears.map(|bear| package(bear, &[])));
    assert_eq!(names(zoo), ["bear-1.10-1.noarch"]);
}

#[test]
fn an_older_one_comes_where_the_newest_lacks_something() {
    let zoo = vec![
        package("owl-1-1.noarch", &["requires bear"]).chosen(),
        package("bear-2-1.noarch", &["requires honey"]),
        package("bear-1-1.noarch", &[]),
    ];
    assert_eq!(names(zoo), ["bear-1-1.noarch"]);
}

#[test]
fn what_is_there_or_in_another_lines_destination_does() {
    let owl = package("owl-1-1.noarch", &["requires bear", "requires cat"]).chosen();
    let zoo = vec![
        owl.clone(),
        package("bear-1-1.noarch", &["requires gone"])
            .in_sources(&[])
            .there(&[0]),
        package("bear-2-1.noarch", &[]),
        package("cat-1-1.noarch", &[]).in_sources(&[1]).there(&[1]),
    ];
    assert_eq!(pulled(zoo.clone()), [""; 0]);
    let (pulled, unresolved) = Zoo::of(zoo).told(true);
    assert_eq!(pulled, ["bear-2-1.noarch 0: owl-1-1.noarch requires bear"]);
    assert_eq!(unresolved, [""; 0]);
}

#[test]
fn a_unit_comes_into_the_line_whose_source_has_it() {
    let zoo = vec![
        package("owl-1-1.noarch", &["requires bear"])
            .in_sources(&[1])
            .chosen(),
        package("bear-1-1.noarch", &["requires cat", "requires lion"]).in_sources(&[0]),
        package("cat-1-1.noarch", &[]).in_sources(&[0, 1]),
        package("lion-1-1.noarch", &[]).in_sources(&[1]),
    ];
    assert_eq!(
        pulled(zoo),
        [
            "bear-1-1.noarch 0: owl-1-1.noarch requires bear",
            "cat-1-1.noarch 0: bear-1-1.noarch requires cat",
            "lion-1-1.noarch 1: bear-1-1.noarch requires lion",
        ]
    );
}

#[test]
fn two_versions_of_a_name_may_both_be_chosen() {
    let zoo = vec![
        package("owl-1-1.noarch", &["requires bear = 1"]).chosen(),
        package("owl-2-1.noarch", &["requires bear = 2"]).chosen(),
        package("bear-1-1.noarch", &[]),
        package("bear-2-1.noarch", &[]),
    ];
    let mut names = names(zoo);
    names.sort();
    assert_eq!(names, ["bear-1-1.noarch", "bear-2-1.noarch"]);
}

#[test]
fn what_is_missing_is_told_and_the_rest_comes() {
    let zoo = vec![
        package("owl-1-1.noarch", &["requires bear", "requires honey >= 2"]).chosen(),
        package("bear-1-1.noarch", &["requires /usr/share/den"]),
        package("honey-1-1.noarch", &[]),
        package("cat-1-1.noarch", &["requires bear"]).chosen(),
    ];
    let (pulled, unresolved) = told(zoo);
    assert_eq!(pulled, ["bear-1-1.noarch 0: cat-1-1.noarch requires bear"]);
    assert_eq!(
        unresolved,
        [
            "bear-1-1.noarch requires /usr/share/den, which nothing provides",
            "owl-1-1.noarch requires honey >= 2, which nothing provides",
        ]
    );
}

#[test]
fn conflicts_and_obsoletes_lead_to_another_choice() {
    let web = |name: &str, says: &[&str]| {
        let says: Vec<&str> = says.iter().copied().chain(["provides web"]).collect();
        package(name, &says)
    };
    let zoo = vec![
        package("owl-1-1.noarch", &["requires web", "requires bear"]).chosen(),
        web("apache-1-1.noarch", &["conflicts bear < 2"]),
        web("bore-1-1.noarch", &[]),
        package("bear-1-1.noarch", &["obsoletes bore < 2"]),
        web("caddy-1-1.noarch", &[]),
    ];
    assert_eq!(names(zoo), ["caddy-1-1.noarch", "bear-1-1.noarch"]);
}

#[test]
fn what_excludes_each_other_is_told_with_the_reason() {
    let zoo = vec![
        package("owl-1-1.noarch", &["requires bear", "requires cat"]).chosen(),
        package("bear-1-1.noarch", &["conflicts feline"]),
        package("cat-1-1.noarch", &["provides feline"]),
    ];
    let (pulled, unresolved) = told(zoo);
    assert_eq!(pulled.len(), 2);
    assert_eq!(
        unresolved,
        ["owl-1-1.noarch cannot be installed with what there is: \
          bear-1-1.noarch conflicts with cat-1-1.noarch"]
    );
}

#[test]
fn rich_dependencies_are_solved() {
    let zoo = |need: &str, says: &str| {
        vec![
            package("owl-1-1.noarch", &[&format!("requires {need}"), says]).chosen(),
            package("bear-1-1.noarch", &["provides den = 1", "provides warm"]),
            package("bear-2-1.noarch", &["provides den = 2"]),
            package("cat-1-1.noarch", &["provides warm"]),
            package("lion-1-1.noarch", &["provides den = 1"]),
        ]
    };
    for (need, says, expected) in [
        (
            "(bear and cat)",
            "",
            &["bear-2-1.noarch", "cat-1-1.noarch"][..],
        ),
        ("(wolf or cat)", "", &["cat-1-1.noarch"]),
        ("(den with warm)", "", &["bear-1-1.noarch"]),
        ("(den without bear)", "", &["lion-1-1.noarch"]),
        ("(bear if cat)", "", &[]),
        (
            "(bear if cat)",
            "requires cat",
            &["cat-1-1.noarch", "bear-2-1.noarch"],
        ),
        ("(bear if wolf else lion)", "", &["lion-1-1.noarch"]),
        ("(lion unless cat)", "", &["lion-1-1.noarch"]),
        (
            "((bear and warm) or wolf)",
            "conflicts cat",
            &["bear-1-1.noarch"],
        ),
        (
            "((wolf and cat) or (cat and lion))",
            "",
            &["cat-1-1.noarch", "lion-1-1.noarch"],
        ),
    ] {
        assert_eq!(names(zoo(need, says)), expected, "{need} {says}");
    }
    let (_, unresolved) = told(zoo("(wolf or (fox and cat))", ""));
    assert_eq!(
        unresolved,
        ["owl-1-1.noarch requires (wolf or (fox and cat)), which nothing provides"]
    );
}

#[test]
fn files_that_no_index_singles_out_are_found() {
    let zoo = vec![
        package("owl-1-1.noarch", &["requires /usr/share/den"]).chosen(),
        package(
            "bear-1-1.noarch",
            &["file /usr/share/den", "file /usr/share/honey"],
        ),
    ];
    assert_eq!(names(zoo), ["bear-1-1.noarch"]);
}

#[test]
fn architectures_do_not_mix_and_sources_need_nothing() {
    let zoo = vec![
        package("owl-1-1.x86_64", &["requires bear", "requires cat"]).chosen(),
        package("owl-1-1.src", &["requires compiler"]).chosen(),
        package("bear-2-1.aarch64", &[]),
        package("bear-1-1.i686", &[]),
        package("bear-1-1.x86_64", &[]),
        package("cat-1-1.src", &[]),
        package("cat-1-1.noarch", &[]),
    ];
    assert_eq!(names(zoo), ["bear-1-1.x86_64", "cat-1-1.noarch"]);
}

#[test]
fn what_is_recommended_comes_where_it_can() {
    let says = [
        "recommends bear",
        "recommends wolf",
        "recommends cat",
        "recommends fox",
        "conflicts cat",
    ];
    let zoo = vec![
        package("owl-1-1.noarch", &says).chosen(),
        package("bear-1-1.noarch", &["recommends lion"]),
        package("lion-1-1.noarch", &[]),
        package("cat-1-1.noarch", &[]),
        package("fox-1-1.noarch", &["requires gone"]),
    ];
    assert_eq!(
        pulled(zoo),
        [
            "bear-1-1.noarch 0: owl-1-1.noarch recommends bear",
            "lion-1-1.noarch 0: bear-1-1.noarch recommends lion",
        ]
    );
}

#[test]
fn a_package_brings_its_module_and_what_that_requires() {
    let zoo = vec![
        package("owl-1-1.noarch", &["modular", "requires bear"]).chosen(),
        package("bear-1-1.noarch", &["modular"]),
        package("bear-2-1.noarch", &["modular"]),
        module(
            "birds:1",
            &["owl-1-1.noarch"],
            &json!({"beasts": ["old"], "platform": ["el9"]}),
        ),
        module("birds:2", &[], &json!({})),
        module("beasts:old", &["bear-1-1.noarch"], &json!({})),
        module("beasts:new", &["bear-2-1.noarch"], &json!({})),
    ];
    assert_eq!(
        pulled(zoo),
        [
            "bear-1-1.noarch 0: owl-1-1.noarch requires bear",
            "birds:1 0: owl-1-1.noarch is a package of it",
            "beasts:old 0: bear-1-1.noarch is a package of it",
        ]
    );
}

#[test]
fn packages_of_streams_that_are_not_active_do_not_come() {
    let zoo = |default: &str| {
        vec![
            package("owl-1-1.noarch", &["requires bear"]).chosen(),
            package("bear-3-1.noarch", &[]),
            package("bear-2-1.noarch", &["modular"]),
            package("bear-4-1.noarch", &["modular"]),
            module("beasts:old", &["bear-2-1.noarch"], &json!({})),
            module("beasts:new", &["bear-4-1.noarch"], &json!({})),
            default_stream(&format!("beasts:{default}")),
        ]
    };
    assert_eq!(
        pulled(zoo("none")),
        ["bear-3-1.noarch 0: owl-1-1.noarch requires bear"]
    );
    assert_eq!(
        pulled(zoo("old")),
        [
            "bear-2-1.noarch 0: owl-1-1.noarch requires bear",
            "beasts:old 0: bear-2-1.noarch is a package of it",
            "default beasts:old 0: it makes beasts:old the default",
        ]
    );
}

#[test]
fn a_module_that_lacks_another_is_told() {
    let birds = module("birds:1", &[], &json!({"beasts": ["old", "older"]}));
    let zoo = vec![birds.chosen(), module("beasts:new", &[], &json!({}))];
    let (pulled, unresolved) = told(zoo);
    assert_eq!(pulled, [""; 0]);
    assert_eq!(
        unresolved,
        ["module birds:1 requires module beasts:old|older, which nothing provides"]
    );
}

#[test]
fn the_host_is_asked_for_many_names_at_once() {
    let mut zoo = vec![
        package(
            "animal0-1-1.noarch",
            &["requires animal1", "requires animal2"],
        )
        .chosen(),
    ];
    for number in 1..500 {
        let requires =
            [2 * number + 1, 2 * number + 2].map(|next| format!("requires animal{next}"));
        let says: Vec<&str> = requires.iter().map(String::as_str).collect();
        let says = if number < 249 { &says[..] } else { &[] };
        zoo.push(package(&format!("animal{number}-1-1.noarch"), says));
    }
    let mut zoo = Zoo::of(zoo);
    let resolution = zoo.resolve(false);
    assert_eq!(resolution.pulled.len(), 498);
    assert!(zoo.questions < 30, "{} questions", zoo.questions);
}
