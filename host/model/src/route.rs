//! Routes of a plugin's own, and which of them a path means.

use serde_json::Value;

/// Who may use a route.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RouteAccess {
    /// Also those who do not say who they are.
    Anyone,
    /// Any user.
    User,
}

/// What comes with a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RouteInput {
    /// Nothing.
    None,
    /// A JSON object.
    Json,
    /// A multipart form with one file.
    File,
}

/// A route of a plugin's own.
#[derive(Clone, Debug, PartialEq)]
pub struct Route {
    /// `GET` and its likes.
    pub method: String,
    /// Below a mount.
    pub path: Pattern,
    /// Who may use it.
    pub access: RouteAccess,
    /// What comes with a request.
    pub input: RouteInput,
    /// An OpenAPI operation object.
    pub document: Value,
}

/// A place at which a plugin's routes are found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mount {
    /// Where.
    pub at: Pattern,
    /// What the paths of the routes that are found here begin with; not part of the address.
    pub prefix: Vec<String>,
}

/// All routes of a plugin.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Routing {
    /// Where they are.
    pub mounts: Vec<Mount>,
    /// In the plugin's order, by which it knows them.
    pub routes: Vec<Route>,
}

/// One segment of a pattern.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Segment {
    /// This word.
    Word(String),
    /// Any one segment.
    One(String),
    /// One segment or more.
    Several(String),
}

/// A path with variables.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Pattern(pub Vec<Segment>);

/// Values of variables by their names.
pub type Variables = Vec<(String, String)>;

/// Patterns are short; this is far beyond them.
const MOST_SEGMENTS: usize = 32;

/// Segments of a path that a plugin is asked for.
const MOST_PARTS: usize = 64;

impl Pattern {
    /// Reads `/v3/collections/{namespace}/{name}/`; slashes at the ends mean nothing.
    ///
    /// # Errors
    /// A sentence that says what is wrong.
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut segments = Vec::new();
        let mut names: Vec<&str> = Vec::new();
        for part in text.split('/').filter(|part| !part.is_empty()) {
            let Some(inner) = part.strip_prefix('{') else {
                let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_.~".contains(c);
                if !part.chars().all(is_plain) || part == "." || part == ".." {
                    return Err(format!(
                        "the path {text:?} has the strange segment {part:?}"
                    ));
                }
                segments.push(Segment::Word(part.to_owned()));
                continue;
            };
            let name = inner
                .strip_suffix('}')
                .ok_or_else(|| format!("in the path {text:?} a brace is not closed"))?;
            let (name, is_several) = match name.strip_suffix("...") {
                Some(name) => (name, true),
                None => (name, false),
            };
            let fits = !name.is_empty() && name.chars().all(|c| c.is_ascii_lowercase() || c == '_');
            if !fits || names.contains(&name) {
                return Err(format!(
                    "in the path {text:?} the variable {name:?} is not lowercase letters and underscores, or not the only one of its name"
                ));
            }
            names.push(name);
            segments.push(if is_several {
                Segment::Several(name.to_owned())
            } else {
                Segment::One(name.to_owned())
            });
        }
        if segments.len() > MOST_SEGMENTS {
            return Err(format!(
                "the path {text:?} has more than {MOST_SEGMENTS} segments"
            ));
        }
        Ok(Self(segments))
    }

    /// The names of its variables, in order.
    pub fn variables(&self) -> impl Iterator<Item = &str> {
        self.0.iter().filter_map(|segment| match segment {
            Segment::Word(_) => None,
            Segment::One(name) | Segment::Several(name) => Some(name.as_str()),
        })
    }

    /// The values that its variables have in a path, if the path is one of these.
    pub fn matches(&self, path: &[&str]) -> Option<Variables> {
        let mut variables = Vec::new();
        matches_from(&self.0, path, &mut variables).then_some(variables)
    }

    /// The first words of a path that the pattern takes, if the path begins so: how many
    /// segments, and the values of its variables. The shortest of several ways comes first.
    pub fn begins(&self, path: &[&str]) -> impl Iterator<Item = (usize, Variables)> {
        let least = self.0.len();
        (least..=path.len()).filter_map(move |length| {
            let variables = self.matches(&path[..length])?;
            Some((length, variables))
        })
    }

    /// The words that it begins with.
    fn words(&self) -> Vec<&str> {
        let words = self.0.iter().map_while(|segment| match segment {
            Segment::Word(word) => Some(word.as_str()),
            _ => None,
        });
        words.collect()
    }

    /// Of two patterns that take a path, the one with a word where the other has a variable
    /// is meant, and one that says more after a variable for several: smaller comes first.
    fn rank(&self) -> Vec<u8> {
        let last = self.0.len().saturating_sub(1);
        let ranks = self
            .0
            .iter()
            .enumerate()
            .map(|(at, segment)| match segment {
                Segment::Word(_) => 0,
                Segment::One(_) => 1,
                Segment::Several(_) if at < last => 2,
                Segment::Several(_) => 3,
            });
        ranks.collect()
    }
}

impl std::fmt::Display for Pattern {
    /// As OpenAPI writes it: `/v3/collections/{namespace}/{name}/`.
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("/")?;
        for segment in &self.0 {
            match segment {
                Segment::Word(word) => write!(formatter, "{word}/")?,
                Segment::One(name) | Segment::Several(name) => write!(formatter, "{{{name}}}/")?,
            }
        }
        Ok(())
    }
}

fn matches_from(pattern: &[Segment], path: &[&str], variables: &mut Variables) -> bool {
    let Some((first, rest)) = pattern.split_first() else {
        return path.is_empty();
    };
    let Some((part, others)) = path.split_first() else {
        return false;
    };
    match first {
        Segment::Word(word) => word == part && matches_from(rest, others, variables),
        Segment::One(name) => {
            variables.push((name.clone(), (*part).to_owned()));
            matches_from(rest, others, variables) || {
                variables.pop();
                false
            }
        }
        Segment::Several(name) => {
            // What follows has at least as many segments as its pattern.
            let most = path.len().saturating_sub(rest.len());
            (1..=most).any(|length| {
                variables.push((name.clone(), path[..length].join("/")));
                matches_from(rest, &path[length..], variables) || {
                    variables.pop();
                    false
                }
            })
        }
    }
}

/// What a path means to a plugin.
#[derive(Clone, Debug, PartialEq)]
pub struct Meant {
    /// The mount's number.
    pub mount: usize,
    /// How many segments of the path are the mount's.
    pub root: usize,
    /// Routes at this path, one a method: their numbers and their variables.
    pub routes: Vec<(usize, Variables)>,
}

impl Routing {
    /// Finds what a path means; none if it lies below no mount, or is longer than any that
    /// means something. A path below a mount where no route is has no routes.
    pub fn find(&self, path: &[&str]) -> Option<Meant> {
        // Variables of several segments are tried at each length.
        if path.len() > MOST_PARTS {
            return None;
        }
        let mut below: Option<Meant> = None;
        for (number, mount) in self.mounts.iter().enumerate() {
            for (root, of_mount) in mount.at.begins(path) {
                let prefix = mount.prefix.iter().map(String::as_str);
                let rest: Vec<&str> = prefix.chain(path[root..].iter().copied()).collect();
                let routes = self.at(&rest, &of_mount);
                let is_found = !routes.is_empty();
                if is_found || below.is_none() {
                    below = Some(Meant {
                        mount: number,
                        root,
                        routes,
                    });
                }
                if is_found {
                    return below;
                }
            }
        }
        below
    }

    fn at(&self, path: &[&str], of_mount: &Variables) -> Vec<(usize, Variables)> {
        let mut best: Option<Vec<u8>> = None;
        let mut found = Vec::new();
        for (number, route) in self.routes.iter().enumerate() {
            let Some(variables) = route.path.matches(path) else {
                continue;
            };
            let rank = route.path.rank();
            if best.as_ref().is_some_and(|best| *best < rank) {
                continue;
            }
            if best.as_ref().is_none_or(|best| *best > rank) {
                found.clear();
                best = Some(rank);
            }
            let all = of_mount.iter().cloned().chain(variables).collect();
            found.push((number, all));
        }
        found
    }

    /// A mount of this and one of another plugin's that may take the same address, if there
    /// are such.
    pub fn clash<'a>(&'a self, other: &'a Self) -> Option<(&'a Mount, &'a Mount)> {
        let pairs = self
            .mounts
            .iter()
            .flat_map(|mount| other.mounts.iter().map(move |theirs| (mount, theirs)));
        pairs.into_iter().find(|(mount, theirs)| {
            let (own, theirs) = (mount.at.words(), theirs.at.words());
            own.iter().zip(&theirs).all(|(one, other)| one == other)
        })
    }

    /// Checks that the mounts of a plugin keep out of the host's own places and that no two
    /// routes are the same.
    ///
    /// # Errors
    /// A sentence that says what is wrong.
    pub fn check(&self, plugin: &str) -> Result<(), String> {
        for mount in &self.mounts {
            let is_free = match mount.at.words().as_slice() {
                [] | ["pulp", ..] | ["api"] => false,
                ["api", "v3", rest @ ..] => {
                    matches!(rest, ["plugin" | "plugins", own, ..] if *own == plugin)
                }
                _ => true,
            };
            if !is_free {
                return Err(format!("the place {} belongs to the host", mount.at));
            }
        }
        for (at, route) in self.routes.iter().enumerate() {
            if !METHODS.contains(&route.method.as_str()) {
                return Err(format!(
                    "the method {:?} of the route {} is none of {}",
                    route.method,
                    route.path,
                    METHODS.join(", ")
                ));
            }
            let twin = |other: &Route| other.method == route.method && other.path == route.path;
            if self.routes[..at].iter().any(twin) {
                return Err(format!(
                    "the route {} {} is there twice",
                    route.method, route.path
                ));
            }
            let id = route.document["operationId"].as_str().unwrap_or_default();
            if id.is_empty() {
                return Err(format!(
                    "the route {} {} has no `operationId`",
                    route.method, route.path
                ));
            }
        }
        Ok(())
    }
}

/// What a route may answer to. `HEAD` and `OPTIONS` are the host's.
const METHODS: [&str; 5] = ["GET", "POST", "PUT", "PATCH", "DELETE"];

#[cfg(test)]
mod tests {
    use super::*;

    fn route(method: &str, path: &str) -> Route {
        Route {
            method: method.to_owned(),
            path: Pattern::parse(path).expect("a pattern"),
            access: RouteAccess::Anyone,
            input: RouteInput::None,
            document: serde_json::json!({"operationId": "x"}),
        }
    }

    fn mount(at: &str, prefix: &str) -> Mount {
        let prefix = prefix.split('/').filter(|word| !word.is_empty());
        Mount {
            at: Pattern::parse(at).expect("a pattern"),
            prefix: prefix.map(str::to_owned).collect(),
        }
    }

    fn routing() -> Routing {
        Routing {
            mounts: vec![
                mount("/api/galaxy", ""),
                mount("/shelf/{path...}/api", ""),
                mount("/api/v3/plugin", "v3/plugin"),
            ],
            routes: vec![
                route("GET", "/"),
                route("GET", "/v3/plugin/{path...}/index/{name}/"),
                route("GET", "/v3/plugin/{path...}/index/all/"),
                route("PATCH", "/v3/plugin/{path...}/index/{name}/"),
                route("GET", "/v3/site/{path...}/"),
                route("POST", "/v3/site/{path...}/sync/"),
            ],
        }
    }

    /// A mount's number, how much of the path is its, and routes with their variables.
    type Found = (usize, usize, Vec<(usize, String)>);

    fn found(path: &str) -> Option<Found> {
        let path: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
        let meant = routing().find(&path)?;
        let routes = meant.routes.into_iter().map(|(number, variables)| {
            let words = variables
                .into_iter()
                .map(|(name, value)| format!("{name}={value}"));
            (number, words.collect::<Vec<_>>().join(" "))
        });
        Some((meant.mount, meant.root, routes.collect()))
    }

    #[test]
    fn a_path_means_the_routes_that_fit_it_best() {
        let routes = |list: &[(usize, &str)]| {
            list.iter()
                .map(|(number, words)| (*number, (*words).to_owned()))
                .collect::<Vec<_>>()
        };
        assert_eq!(found("/api/galaxy"), Some((0, 2, routes(&[(0, "")]))));
        assert_eq!(
            found("/api/galaxy/v3/plugin/a/b/index/c/"),
            Some((
                0,
                2,
                routes(&[(1, "path=a/b name=c"), (3, "path=a/b name=c")])
            ))
        );
        assert_eq!(
            found("/api/galaxy/v3/plugin/a/index/all/"),
            Some((0, 2, routes(&[(2, "path=a")])))
        );
        assert_eq!(
            found("/shelf/one/two/api/v3/plugin/a/index/c"),
            Some((
                1,
                4,
                routes(&[
                    (1, "path=one/two path=a name=c"),
                    (3, "path=one/two path=a name=c")
                ])
            ))
        );
        assert_eq!(
            found("/api/v3/plugin/a/index/all"),
            Some((2, 3, routes(&[(2, "path=a")])))
        );
        assert_eq!(
            found("/api/galaxy/v3/site/a/b/sync"),
            Some((0, 2, routes(&[(5, "path=a/b")])))
        );
        assert_eq!(
            found("/api/galaxy/v3/site/a/b"),
            Some((0, 2, routes(&[(4, "path=a/b")])))
        );
        assert_eq!(found("/api/galaxy/nothing"), Some((0, 2, Vec::new())));
        assert_eq!(found("/elsewhere"), None);
    }

    #[test]
    fn strange_patterns_are_refused() {
        for wrong in ["/{a", "/{A}", "/{a}/{a}", "/a b", "/../a", "/{}"] {
            assert!(Pattern::parse(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn the_hosts_own_places_stay_its_own() {
        for (at, is_free) in [
            ("/api/galaxy", true),
            ("/api/v3/plugin/own", true),
            ("/api/v3/plugins/own/more", true),
            ("/api/v3/plugin", false),
            ("/api/v3/plugin/{name}", false),
            ("/api/v3/plugin/another", false),
            ("/api/v3/tasks", false),
            ("/pulp/api/v3", false),
            ("/pulp_ansible/galaxy/{path...}/api", true),
            ("/{path}/api", false),
            ("/", false),
            ("/api", false),
        ] {
            let routing = Routing {
                mounts: vec![mount(at, "")],
                routes: Vec::new(),
            };
            assert_eq!(routing.check("own").is_ok(), is_free, "{at}");
        }
    }

    #[test]
    fn two_plugins_do_not_share_a_place() {
        let of = |at| Routing {
            mounts: vec![mount("/elsewhere", ""), mount(at, "")],
            routes: Vec::new(),
        };
        let galaxy = Routing {
            mounts: vec![mount("/api/galaxy", ""), mount("/shelf/{path...}/api", "")],
            routes: Vec::new(),
        };
        for (at, clashes) in [
            ("/api/galaxy", true),
            ("/api/galaxy/v3", true),
            ("/api/{any}", true),
            ("/shelf/one", true),
            ("/api/galaxies", false),
            ("/shelves/{path...}/api", false),
        ] {
            assert_eq!(of(at).clash(&galaxy).is_some(), clashes, "{at}");
            assert_eq!(galaxy.clash(&of(at)).is_some(), clashes, "{at}");
        }
    }

    #[test]
    fn long_paths_mean_nothing() {
        let path = vec!["shelf"; MOST_PARTS];
        assert_eq!(routing().find(&path), None);
        let path = [&["shelf"], vec!["a"; MOST_PARTS - 2].as_slice(), &["api"]].concat();
        assert!(routing().find(&path).is_some());
        let path = [&["shelf"], vec!["a"; MOST_PARTS - 1].as_slice(), &["api"]].concat();
        assert_eq!(routing().find(&path), None);
    }

    #[test]
    fn a_route_is_there_once_and_has_a_name() {
        let twice = Routing {
            mounts: Vec::new(),
            routes: vec![route("GET", "/a"), route("GET", "/a/")],
        };
        assert!(twice.check("own").unwrap_err().contains("twice"));
        let mut nameless = route("GET", "/a");
        nameless.document = Value::Null;
        let nameless = Routing {
            mounts: Vec::new(),
            routes: vec![nameless],
        };
        assert!(nameless.check("own").unwrap_err().contains("operationId"));
        let strange = Routing {
            mounts: Vec::new(),
            routes: vec![route("BREW", "/a")],
        };
        assert!(strange.check("own").unwrap_err().contains("BREW"));
    }
}
