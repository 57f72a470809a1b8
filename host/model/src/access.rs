//! Permissions and roles: what can be allowed, and the roles that every server has.
//!
//! A permission is `<plugin>.<verb>_<model>`, as in Pulp: `file.sync_filerepository`. Models
//! of the host's own are `core.task` and so on; those of plugins follow from descriptors.

use serde_json::Value;

use crate::descriptor::{Descriptor, ResourceType};

/// What roles can be given for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Securable {
    /// A repository, with its versions.
    Repository,
    /// A remote.
    Remote,
    /// A publication.
    Publication,
    /// A distribution.
    Distribution,
    /// An object of a plugin's own, such as a namespace.
    Entity,
    /// A task.
    Task,
    /// A task that is made again and again.
    TaskSchedule,
    /// A file that comes in chunks.
    Upload,
    /// A group of users.
    Group,
}

/// Permissions for what has no objects of its own.
const OTHERS: &[&str] = &["core.manage_content_labels"];

/// The word of a repository type's schema that names its verbs, where they are others than
/// the usual ones.
const VERBS: &str = "x-verbs";

impl Securable {
    /// All of them.
    pub const ALL: [Self; 9] = [
        Self::Repository,
        Self::Remote,
        Self::Publication,
        Self::Distribution,
        Self::Entity,
        Self::Task,
        Self::TaskSchedule,
        Self::Upload,
        Self::Group,
    ];

    /// The table of its rows.
    pub fn table(self) -> &'static str {
        match self {
            Self::Repository => "repository",
            Self::Remote => "remote",
            Self::Publication => "publication",
            Self::Distribution => "distribution",
            Self::Entity => "entity",
            Self::Task => "task",
            Self::TaskSchedule => "task_schedule",
            Self::Upload => "upload",
            Self::Group => "app_group",
        }
    }

    /// The kind of a table's rows.
    pub fn of_table(table: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|one| one.table() == table)
    }

    /// The word that ends the names of its models; entities are called by their type alone.
    pub fn word(self) -> &'static str {
        match self {
            Self::Repository => "repository",
            Self::Remote => "remote",
            Self::Publication => "publication",
            Self::Distribution => "distribution",
            Self::Entity => "",
            Self::Task => "task",
            Self::TaskSchedule => "taskschedule",
            Self::Upload => "upload",
            Self::Group => "group",
        }
    }

    /// The first word of its paths.
    pub fn collection(self) -> &'static str {
        match self {
            Self::Repository => "repositories",
            Self::Remote => "remotes",
            Self::Publication => "publications",
            Self::Distribution => "distributions",
            Self::Entity => "entities",
            Self::Task => "tasks",
            Self::TaskSchedule => "task-schedules",
            Self::Upload => "uploads",
            Self::Group => "groups",
        }
    }

    /// Whether plugins declare its types.
    pub fn is_typed(self) -> bool {
        matches!(
            self,
            Self::Repository | Self::Remote | Self::Publication | Self::Distribution | Self::Entity
        )
    }

    /// The model of a type: `file.filerepository`, `core.task`.
    pub fn model(self, plugin: &str, type_name: &str) -> String {
        if self.is_typed() {
            format!("{plugin}.{type_name}{}", self.word())
        } else {
            format!("core.{}", self.word())
        }
    }

    /// What can be done with an object, where its type says nothing else.
    fn verbs(self) -> &'static [&'static str] {
        match self {
            Self::Repository => &[
                "view",
                "change",
                "delete",
                "modify",
                "sync",
                "manage_roles",
                "repair",
            ],
            Self::Remote
            | Self::Distribution
            | Self::Entity
            | Self::TaskSchedule
            | Self::Upload
            | Self::Group => &["view", "change", "delete", "manage_roles"],
            Self::Publication => &["view", "delete", "manage_roles"],
            Self::Task => &[
                "view",
                "view_profile_artifacts",
                "change",
                "delete",
                "manage_roles",
            ],
        }
    }

    /// The permissions for a model whose type says nothing else.
    pub fn usual_permissions(self, model: &str) -> Vec<String> {
        let verbs = self.verbs().iter().chain(&["add"]);
        verbs.map(|verb| permission(model, verb)).collect()
    }

    /// The types of a descriptor.
    fn types(self, descriptor: &Descriptor) -> &[ResourceType] {
        match self {
            Self::Repository => &descriptor.repository_types,
            Self::Remote => &descriptor.remote_types,
            Self::Publication => &descriptor.publication_types,
            Self::Distribution => &descriptor.distribution_types,
            Self::Entity => &descriptor.entity_types,
            Self::Task | Self::TaskSchedule | Self::Upload | Self::Group => &[],
        }
    }
}

/// The permission for a verb on a model: `file.view_filerepository`. A verb of two parts, such
/// as `delete_version`, stands around the model: `rpm.delete_rpmrepository_version`.
pub fn permission(model: &str, verb: &str) -> String {
    let (plugin, name) = model.split_once('.').unwrap_or(("core", model));
    match verb.split_once('_') {
        Some((verb, rest)) if matches!(rest, "version" | "profile_artifacts") => {
            format!("{plugin}.{verb}_{name}_{rest}")
        }
        _ => format!("{plugin}.{verb}_{name}"),
    }
}

/// Whether a permission is for a model.
pub fn is_of_model(permission: &str, model: &str) -> bool {
    let (Some((plugin, name)), Some((own, rest))) =
        (model.split_once('.'), permission.split_once('.'))
    else {
        return false;
    };
    let rest = rest
        .strip_suffix("_version")
        .or_else(|| rest.strip_suffix("_profile_artifacts"))
        .unwrap_or(rest);
    plugin == own
        && rest
            .strip_suffix(name)
            .is_some_and(|verb| verb.ends_with('_'))
}

/// The permissions that a verb of the host's may have with plugins: one of them is enough.
pub fn names_of(verb: &str) -> &[&str] {
    match verb {
        "modify" => &["modify", "modify_content"],
        "delete_version" => &["delete", "delete_version"],
        _ => &[],
    }
}

/// What can be done with the objects of a type.
pub fn verbs_of(kind: Securable, one: &ResourceType) -> Vec<String> {
    let usual = || kind.verbs().iter().map(|verb| (*verb).to_owned()).collect();
    let Some(own) = one.config.get(VERBS).and_then(Value::as_array) else {
        return usual();
    };
    let basic = ["view", "change", "delete"].map(str::to_owned);
    let own = own.iter().filter_map(Value::as_str).map(str::to_owned);
    basic.into_iter().chain(own).collect()
}

/// A role that a server brings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RoleDefinition {
    /// `file.filerepository_owner`
    pub name: String,
    /// For people.
    pub description: Option<&'static str>,
    /// What it allows.
    pub permissions: Vec<String>,
}

impl RoleDefinition {
    fn new(name: impl Into<String>, permissions: Vec<String>) -> Self {
        Self {
            name: name.into(),
            description: None,
            permissions,
        }
    }
}

/// The name of the role that whoever makes an object gets for it.
pub fn owner_role(model: &str) -> String {
    format!("{model}_owner")
}

/// The roles of a model: who makes, who owns, who only looks.
fn roles_of_model(model: &str, verbs: &[String]) -> [RoleDefinition; 3] {
    let all = verbs.iter().map(|verb| permission(model, verb)).collect();
    [
        RoleDefinition::new(format!("{model}_creator"), vec![permission(model, "add")]),
        RoleDefinition::new(owner_role(model), all),
        RoleDefinition::new(format!("{model}_viewer"), vec![permission(model, "view")]),
    ]
}

/// The roles for what is the host's own.
pub fn core_roles() -> Vec<RoleDefinition> {
    let mut roles = Vec::new();
    for kind in Securable::ALL.into_iter().filter(|kind| !kind.is_typed()) {
        let verbs: Vec<String> = kind.verbs().iter().map(|verb| (*verb).to_owned()).collect();
        roles.extend(roles_of_model(&kind.model("", ""), &verbs));
    }
    for role in &mut roles {
        match role.name.as_str() {
            // As Pulp calls it.
            "core.task_creator" => "core.task_user_dispatcher".clone_into(&mut role.name),
            "core.task_owner" => role.description = Some("Allow all actions on a task."),
            "core.taskschedule_owner" => {
                role.description = Some("Allow all actions on a taskschedule.");
            }
            _ => {}
        }
    }
    roles.push(RoleDefinition::new(
        "core.content_labeler",
        vec!["core.manage_content_labels".to_owned()],
    ));
    roles
}

/// The roles that a plugin's types have.
pub fn roles_of(descriptor: &Descriptor) -> Vec<RoleDefinition> {
    let plugin = descriptor.name.as_str();
    let mut roles = Vec::new();
    for (kind, one) in types_of(descriptor) {
        roles.extend(roles_of_model(
            &kind.model(plugin, &one.name),
            &verbs_of(kind, one),
        ));
    }
    for content_type in &descriptor.content_types {
        roles.push(RoleDefinition::new(
            format!("{plugin}.{}_uploader", content_type.name),
            vec![upload_permission(plugin, &content_type.plural)],
        ));
    }
    let all = permissions_of(descriptor);
    let view = format!("{plugin}.view_");
    let viewed = all.iter().filter(|one| one.starts_with(&view)).cloned();
    roles.push(RoleDefinition::new(
        format!("{plugin}.viewer"),
        viewed.collect(),
    ));
    roles.push(RoleDefinition::new(format!("{plugin}.admin"), all));
    roles
}

/// The permission to make content of a type without a repository that it goes into.
pub fn upload_permission(plugin: &str, plural: &str) -> String {
    format!("{plugin}.upload_{plural}")
}

fn types_of(descriptor: &Descriptor) -> impl Iterator<Item = (Securable, &ResourceType)> {
    Securable::ALL
        .into_iter()
        .flat_map(|kind| kind.types(descriptor).iter().map(move |one| (kind, one)))
}

/// All permissions for what is the host's own.
pub fn core_permissions() -> Vec<String> {
    let mut all: Vec<String> = OTHERS.iter().map(|one| (*one).to_owned()).collect();
    for kind in Securable::ALL.into_iter().filter(|kind| !kind.is_typed()) {
        let verbs = kind.verbs().iter().chain(&["add"]);
        all.extend(verbs.map(|verb| permission(&kind.model("", ""), verb)));
    }
    all.sort();
    all
}

/// All permissions for what a plugin declares.
pub fn permissions_of(descriptor: &Descriptor) -> Vec<String> {
    let plugin = descriptor.name.as_str();
    let mut all = Vec::new();
    for (kind, one) in types_of(descriptor) {
        let model = kind.model(plugin, &one.name);
        let mut verbs = verbs_of(kind, one);
        verbs.push("add".to_owned());
        all.extend(verbs.iter().map(|verb| permission(&model, verb)));
    }
    let types = descriptor.content_types.iter();
    all.extend(types.map(|one| upload_permission(plugin, &one.plural)));
    all.sort();
    all
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::route::Routing;

    fn descriptor() -> Descriptor {
        let one = |name: &str, config: Value| ResourceType {
            name: name.to_owned(),
            title: String::new(),
            config,
            takes_token: false,
            login: None,
        };
        Descriptor {
            name: "rpm".into(),
            version: "1".into(),
            pulp_version: None,
            title: String::new(),
            content_types: Vec::new(),
            repository_types: vec![one(
                "rpm",
                json!({VERBS: ["modify_content", "delete_version"]}),
            )],
            remote_types: vec![one("rpm", json!({})), one("uln", json!({}))],
            publication_types: Vec::new(),
            distribution_types: Vec::new(),
            entity_types: Vec::new(),
            task_types: Vec::new(),
            routing: Routing::default(),
        }
    }

    #[test]
    fn permissions_are_called_as_in_pulp() {
        let of = |verb| permission("rpm.rpmrepository", verb);
        assert_eq!(of("view"), "rpm.view_rpmrepository");
        assert_eq!(of("manage_roles"), "rpm.manage_roles_rpmrepository");
        assert_eq!(of("modify_content"), "rpm.modify_content_rpmrepository");
        assert_eq!(of("delete_version"), "rpm.delete_rpmrepository_version");
        let profile = permission("core.task", "view_profile_artifacts");
        assert_eq!(profile, "core.view_task_profile_artifacts");
    }

    #[test]
    fn a_plugins_roles_follow_from_what_it_declares() {
        let roles = roles_of(&descriptor());
        let of = |name: &str| {
            let found = roles.iter().find(|role| role.name == name);
            found
                .map(|role| role.permissions.clone())
                .unwrap_or_default()
        };
        assert_eq!(
            of("rpm.rpmrepository_owner"),
            [
                "rpm.view_rpmrepository",
                "rpm.change_rpmrepository",
                "rpm.delete_rpmrepository",
                "rpm.modify_content_rpmrepository",
                "rpm.delete_rpmrepository_version",
            ]
        );
        assert_eq!(of("rpm.ulnremote_creator"), ["rpm.add_ulnremote"]);
        assert_eq!(of("rpm.ulnremote_viewer"), ["rpm.view_ulnremote"]);
        let viewed = [
            "rpm.view_rpmremote",
            "rpm.view_rpmrepository",
            "rpm.view_ulnremote",
        ];
        assert_eq!(of("rpm.viewer"), viewed);
        assert_eq!(of("rpm.admin").len(), 6 + 5 + 5);
    }

    #[test]
    fn the_hosts_roles_are_pulps() {
        let roles = core_roles();
        let names: Vec<&str> = roles.iter().map(|role| role.name.as_str()).collect();
        for name in [
            "core.task_owner",
            "core.task_viewer",
            "core.task_user_dispatcher",
            "core.taskschedule_owner",
            "core.upload_creator",
            "core.group_viewer",
            "core.content_labeler",
        ] {
            assert!(names.contains(&name), "{name}");
        }
        let known = core_permissions();
        for role in &roles {
            assert!(
                role.permissions.iter().all(|one| known.contains(one)),
                "{role:?}"
            );
        }
    }
}
