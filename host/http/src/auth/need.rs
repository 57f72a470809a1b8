//! What an operation needs of whoever asks, said where its route is made.
//!
//! Invariant: an operation that says nothing is for administrators.

use http::Method;
use pith_db::Condition;
use pith_db::access::{Access, Name, Object, allows};
use pith_model::ResourceType;
use pith_model::access::{Securable, names_of, permission, upload_permission, verbs_of};
use uuid::Uuid;

use crate::app::App;
use crate::error::{Error, Result};
use crate::routes::Documented;

/// What an operation needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub(crate) enum Need {
    /// An administrator.
    #[default]
    Administrator,
    /// Anybody who is known. What he may see and name, the handler looks at.
    User,
    /// The permission to make something of a kind, of the type in the path.
    Add(Securable),
    /// The permission for this verb on the object in the path. Who may not see the object is
    /// told that there is none.
    Object(Securable, &'static str),
    /// To see the unit in the path.
    Unit,
    /// To see it, and to label content.
    Label,
    /// The permission to make content of the type in the path.
    Upload,
    /// To have sent the stored file in the path.
    Artifact,
    /// The permission for this verb on all tasks of the group in the path.
    TaskGroup(&'static str),
}

/// What the operations of all routes need.
#[derive(Debug, Default)]
pub(crate) struct Needs(std::collections::HashMap<&'static str, Vec<(Method, Need)>>);

impl Needs {
    /// Gathers what routes say.
    pub(crate) fn of(documented: &[Documented]) -> Self {
        let mut needs = Self::default();
        for one in documented {
            let verbs = needs.0.entry(one.path).or_default();
            verbs.push((one.method.clone(), one.need()));
        }
        needs
    }

    /// What a verb of a route needs; none if the route has no such verb.
    pub(crate) fn find(&self, template: &str, method: &Method) -> Option<Need> {
        let method = if *method == Method::HEAD {
            &Method::GET
        } else {
            method
        };
        let verbs = self.0.get(template)?;
        verbs
            .iter()
            .find(|(known, _)| known == method)
            .map(|(_, need)| *need)
    }
}

/// A request's path, and the router's that it fits.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Matched<'a> {
    /// With variables in braces.
    pub(crate) template: &'a str,
    /// Without.
    pub(crate) path: &'a str,
}

impl<'a> Matched<'a> {
    /// The value of a variable.
    fn variable(self, name: &str) -> Option<&'a str> {
        let mut words = self.template.split('/').zip(self.path.split('/'));
        words.find_map(|(word, value)| {
            let inner = word.strip_prefix('{')?.strip_suffix('}')?;
            (inner == name).then_some(value)
        })
    }

    fn uuid(self) -> Result<Uuid> {
        let text = self.variable("id").ok_or_else(Error::not_found)?;
        Uuid::try_parse(text).map_err(|_| Error::not_found())
    }
}

impl Need {
    /// What the document says of it; types' words stand in braces.
    pub(crate) fn described(self, own: Option<&ResourceType>) -> String {
        let of = |kind: Securable, verb: &str| {
            let model = kind.model("{plugin}", "{type_name}");
            let names = names_of(verb);
            let known = own.map(|one| verbs_of(kind, one)).unwrap_or_default();
            let name = names
                .iter()
                .find(|name| known.iter().any(|one| one == **name));
            permission(&model, name.unwrap_or(&verb))
        };
        match self {
            Self::Administrator => "administrator".to_owned(),
            Self::User => "authenticated".to_owned(),
            Self::Add(kind) => of(kind, "add"),
            Self::Object(kind, verb) => format!("{} on the object", of(kind, verb)),
            Self::Unit => "view of a repository that has the unit".to_owned(),
            Self::Label => "core.manage_content_labels".to_owned(),
            Self::Upload => upload_permission("{plugin}", "{plural}"),
            Self::Artifact => "uploader".to_owned(),
            Self::TaskGroup(verb) => format!("{} on all its tasks", of(Securable::Task, verb)),
        }
    }

    /// Refuses whoever has not what is needed: 404 if he may not know, else 403.
    pub(crate) async fn check(self, app: &App, access: &Access, at: Matched<'_>) -> Result<()> {
        if access.is_everything() {
            return Ok(());
        }
        let is_allowed = match self {
            Self::Administrator => false,
            Self::User => true,
            Self::Add(kind) => {
                let plugin = at.variable("plugin").unwrap_or_default();
                let type_name = at.variable("type_name").unwrap_or_default();
                let model = kind.model(plugin, type_name);
                allows(|name| access.holds(name), &model, "add")
            }
            Self::Upload => {
                let plugin = at.variable("plugin").unwrap_or_default();
                let plural = at.variable("plural").unwrap_or_default();
                access.holds(&upload_permission(plugin, plural))
            }
            Self::Object(kind, verb) => on_object(app, access, kind, verb, at).await?,
            Self::Unit => {
                row(app, "unit u", "u.uuid", at, access.seen_unit("u.id")).await?;
                true
            }
            Self::Label => {
                row(app, "unit u", "u.uuid", at, access.seen_unit("u.id")).await?;
                access.holds("core.manage_content_labels")
            }
            Self::Artifact => {
                row(app, "artifact a", "a.uuid", at, access.own_artifact("a.id")).await?;
                true
            }
            Self::TaskGroup(verb) => {
                let from = "task_group tg";
                row(app, from, "tg.uuid", at, access.task_group("view")).await?;
                let allowed = access.task_group(verb);
                row(app, from, "tg.uuid", at, allowed).await.is_ok()
            }
        };
        if is_allowed {
            Ok(())
        } else {
            Err(Error::forbidden())
        }
    }
}

/// Whether the caller may do this with the object in the path, which he may see.
async fn on_object(
    app: &App,
    access: &Access,
    kind: Securable,
    verb: &str,
    at: Matched<'_>,
) -> Result<bool> {
    let name = match (kind, at.variable("word")) {
        (Securable::Group, _) => {
            let number = at.variable("id").and_then(|text| text.parse().ok());
            Name::Number(number.ok_or_else(Error::not_found)?)
        }
        // Where a plugin's name can stand as well, which is no secret.
        (_, Some(word)) => match Uuid::try_parse(word) {
            Ok(uuid) => Name::Uuid(uuid),
            Err(_) if is_plain(word) => return Ok(true),
            Err(_) => return Err(Error::not_found()),
        },
        _ => Name::Uuid(at.uuid()?),
    };
    let mut connection = app.database.read().await?;
    let object = Object::find(&mut connection, kind, &name)
        .await?
        .ok_or_else(Error::not_found)?;
    let permissions = access.permissions_on(&mut connection, &object).await?;
    let has = |name: &str| permissions.contains(name);
    if !allows(has, &object.model, "view") {
        return Err(Error::not_found());
    }
    Ok(verb == "view" || allows(has, &object.model, verb))
}

/// Whether a word of a path is written as it is meant: else a UUID could hide in it.
fn is_plain(word: &str) -> bool {
    word.bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

/// Whether there is a row with the UUID in the path for which a condition holds.
async fn row(
    app: &App,
    from: &str,
    column: &str,
    at: Matched<'_>,
    seen: Option<Condition>,
) -> Result<()> {
    let named = Condition::new(format!("{column} = ?"), [at.uuid()?.into()]);
    let mut connection = app.database.read().await?;
    if Access::any(&mut connection, from, [named].into_iter().chain(seen)).await? {
        Ok(())
    } else {
        Err(Error::not_found())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::openapi::Operation;
    use crate::routes::{Routes, get};

    #[test]
    fn what_says_nothing_is_for_administrators() {
        let routes = Routes::new()
            .route(
                "/a/{id}/",
                get(Operation::new("a_read", "Read"), async || "").post(
                    Operation::new("a_do", "Do").needs(Need::Object(Securable::Task, "change")),
                    async || "",
                ),
            )
            .into_documented();
        let needs = Needs::of(&routes);
        assert_eq!(
            needs.find("/a/{id}/", &Method::GET),
            Some(Need::Administrator)
        );
        assert_eq!(
            needs.find("/a/{id}/", &Method::HEAD),
            Some(Need::Administrator)
        );
        let change = Need::Object(Securable::Task, "change");
        assert_eq!(needs.find("/a/{id}/", &Method::POST), Some(change));
        assert_eq!(needs.find("/a/{id}/", &Method::OPTIONS), None);
        assert_eq!(needs.find("/b/", &Method::GET), None);
    }

    #[test]
    fn variables_are_found_in_the_path() {
        let at = Matched {
            template: "/repositories/{plugin}/{type_name}/{id}/sync/",
            path: "/repositories/file/git/1/sync/",
        };
        assert_eq!(at.variable("plugin"), Some("file"));
        assert_eq!(at.variable("type_name"), Some("git"));
        assert_eq!(at.variable("number"), None);
        assert!(at.uuid().is_err());
    }
}
