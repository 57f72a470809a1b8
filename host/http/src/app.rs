//! What every request works with.

use std::ops::Deref;
use std::sync::Arc;

use pith_content::Services;
use pith_plugin::Plugins;
use pith_plugin::components::Components;
use pith_tasks::Scheduler;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use crate::auth::Authenticator;
use crate::openapi::serve::Documents;
use crate::plugin_routes::Remembered;

/// The server's parts, shared by all requests.
#[derive(Clone)]
pub struct App {
    /// Rows, bytes, content types and the key for secrets; at hand as `app.database` and so on.
    pub services: Services,
    /// The plugins in service.
    pub plugins: Arc<Plugins>,
    /// Loads plugins and takes them out of service.
    pub components: Components,
    /// Takes tasks and cancels them.
    pub scheduler: Scheduler,
    /// Set by whoever runs the server.
    pub settings: HttpSettings,
    /// Knows who asks.
    pub(crate) authenticator: Arc<Authenticator>,
    /// Set when the server stops: whoever would go on for ever ends.
    pub(crate) closing: CancellationToken,
    /// A schedule was made or changed here.
    pub(crate) schedules_changed: Arc<Notify>,
    /// The OpenAPI documents that are written already, of this set of plugins.
    pub(crate) documents: Arc<Documents>,
    /// What plugins looked up of what is served, with this set of plugins.
    pub(crate) remembered: Arc<Remembered>,
}

/// Settings of the HTTP side.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HttpSettings {
    /// Scheme and host under which content is served (`https://content.example.org`),
    /// where that is not what the client asked for.
    pub content_origin: Option<String>,
    /// How many connections are served at once; more wait to be accepted.
    pub max_connections: usize,
}

impl Default for HttpSettings {
    fn default() -> Self {
        Self {
            content_origin: None,
            // Far below the usual limit of open files with the helpers of this server,
            // far above what a few hundred machines with parallel downloads need.
            max_connections: 8192,
        }
    }
}

impl App {
    /// Puts the parts together.
    pub fn new(
        services: Services,
        plugins: Arc<Plugins>,
        components: Components,
        scheduler: Scheduler,
        settings: HttpSettings,
    ) -> Arc<Self> {
        Arc::new(Self {
            services,
            plugins,
            components,
            scheduler,
            settings,
            authenticator: Arc::default(),
            closing: CancellationToken::new(),
            schedules_changed: Arc::default(),
            documents: Arc::default(),
            remembered: Arc::default(),
        })
    }

    /// The same server with the plugins and content types as they are now: a request sees
    /// one set of builds, whatever is reloaded meanwhile.
    pub(crate) fn pinned(&self) -> Arc<Self> {
        let (plugins, services) = self.plugins.pinned(&self.services);
        Arc::new(Self {
            services,
            plugins,
            documents: Arc::default(),
            remembered: Arc::default(),
            ..self.clone()
        })
    }
}

impl Deref for App {
    type Target = Services;

    fn deref(&self) -> &Services {
        &self.services
    }
}

impl std::fmt::Debug for App {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("App")
            .field("settings", &self.settings)
            .finish_non_exhaustive()
    }
}
