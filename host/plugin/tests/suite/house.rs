//! What a plugin's call needs around it: components, an engine, content, an upstream.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, OnceLock};

use pith_content::changes::Changes;
use pith_content::fetch::{AddressPolicy, Remote};
use pith_content::inputs::{Input, Inputs};
use pith_content::publish::PublicationDraft;
use pith_content::references::References;
use pith_content::seal::Seal;
use pith_content::staging::{Origin, Staging};
use pith_content::task::TaskHandle;
use pith_content::types::Types;
use pith_content::view::View;
use pith_content::{Services, progress::Progress};
use pith_db::{Database, Options, remote, repository};
use pith_model::RepositoryId;
use pith_model::remote::Policy;
use pith_model::task::TaskError;
use pith_plugin::call::{Caller, PublishCall, SyncCall, UploadCall, publish, sync, upload};
use pith_plugin::{Cache, Engine, Generation, Limits, Loader};
use pith_storage::DirectoryStore;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;

/// A house for one test.
pub(crate) struct House {
    pub(crate) loader: Loader,
    pub(crate) engine: Engine,
    pub(crate) services: Services,
    repository: RepositoryId,
    _directory: TempDir,
}

/// A finished sync.
#[derive(Debug)]
pub(crate) struct Synced {
    pub(crate) added: u64,
    pub(crate) task: Arc<TaskHandle>,
}

/// The components of `plugins-wasm/` and `tests/plugins/`, built once a run.
pub(crate) fn components() -> &'static Path {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    BUILT.get_or_init(|| {
        let project = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        let out = Path::new(env!("CARGO_TARGET_TMPDIR")).join("components");
        let status = Command::new(project.join("plugins-wasm/build.sh"))
            .arg(&out)
            .arg(project.join("tests/plugins"))
            .status()
            .expect("plugins-wasm/build.sh can be run");
        assert!(status.success(), "plugins-wasm/build.sh failed");
        out
    })
}

impl House {
    pub(crate) async fn start() -> Self {
        // The server does this once; here the first test does, and the others find it done.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let directory = tempfile::tempdir().unwrap();
        let database = Database::open(&Options::Sqlite(directory.path().join("db.sqlite")))
            .await
            .unwrap();
        pith_db::migrate::migrate(&database).await.unwrap();
        let mut transaction = database.write().await.unwrap();
        let repository =
            repository::insert(&mut transaction, "file", "file", &repository_settings())
                .await
                .unwrap();
        transaction.commit().await.unwrap();

        let engine = Engine::start().unwrap();
        // Kept between runs, like a server's: most tests load compiled code.
        let code = Path::new(env!("CARGO_TARGET_TMPDIR")).join("code");
        let cache = Cache::open(code, &engine).unwrap();
        Self {
            loader: Loader::new(engine.clone(), cache).unwrap(),
            engine,
            services: Services {
                database,
                store: Arc::new(DirectoryStore::open(directory.path().join("store")).unwrap()),
                types: Types::default(),
                seal: Seal::open(&directory.path().join("key")).unwrap(),
                addresses: AddressPolicy::default(),
                uploads: pith_content::upload::Limits::default(),
            },
            repository,
            _directory: directory,
        }
    }

    /// A plugin of this house with its content types in the database.
    pub(crate) async fn plugin(&self, name: &str) -> Arc<Generation> {
        self.plugin_with(name, Limits::default()).await
    }

    pub(crate) async fn plugin_with(&self, name: &str, limits: Limits) -> Arc<Generation> {
        let path = components().join(format!("{name}.wasm"));
        let generation = self.loader.load_file(&path, limits).await.unwrap();
        self.services
            .types
            .install(&self.services.database, generation.descriptor())
            .await
            .unwrap();
        Arc::new(generation)
    }

    /// Syncs the hostile plugin, which misbehaves as told.
    pub(crate) async fn misbehave(
        &self,
        plugin: &Arc<Generation>,
        behaviour: &str,
    ) -> Result<Synced, TaskError> {
        let params = json!({ "behaviour": behaviour, "count": 10, "url": null });
        self.sync(plugin, "http://127.0.0.1:9/", params).await
    }

    pub(crate) async fn sync(
        &self,
        plugin: &Arc<Generation>,
        url: &str,
        params: Value,
    ) -> Result<Synced, TaskError> {
        let cancel = CancellationToken::new();
        self.sync_until(plugin, url, params, cancel).await
    }

    pub(crate) async fn sync_until(
        &self,
        plugin: &Arc<Generation>,
        url: &str,
        params: Value,
        cancel: CancellationToken,
    ) -> Result<Synced, TaskError> {
        let references = Arc::new(References::default());
        let origin = self.origin(plugin.name(), url).await;
        let remote = origin.remote.clone();
        let staging = self.staging(plugin, &references, Some(origin));
        let next = Changes::new(Arc::clone(&references));
        let caller = caller(params, cancel);
        let task = Arc::clone(&caller.task);
        let call = SyncCall {
            caller,
            remote,
            current: self.view(plugin, references),
            staging: staging.clone(),
            next: next.clone(),
        };
        sync(plugin, call).await?;
        staging.finish().await.unwrap();
        let added = next.wanted().unwrap().add.len();
        Ok(Synced { added, task })
    }

    /// Publishes the empty version; how many files the publication has.
    pub(crate) async fn publish(
        &self,
        plugin: &Arc<Generation>,
        params: Value,
    ) -> Result<PublicationDraft, TaskError> {
        let references = Arc::new(References::default());
        let publication = PublicationDraft::new(self.services.clone(), Arc::clone(&references));
        let call = PublishCall {
            caller: caller(params, CancellationToken::new()),
            content: self.view(plugin, references),
            publication: publication.clone(),
        };
        publish(plugin, call).await?;
        Ok(publication)
    }

    /// Hands one uploaded file over; how many units it was.
    pub(crate) async fn upload(
        &self,
        plugin: &Arc<Generation>,
        name: &str,
        bytes: &'static [u8],
        params: Value,
    ) -> Result<usize, TaskError> {
        let references = Arc::new(References::default());
        let staging = self.staging(plugin, &references, None);
        let files = self.inputs(&references, name, bytes).await;
        let call = UploadCall {
            caller: caller(params, CancellationToken::new()),
            files,
            staging: staging.clone(),
        };
        let units = upload(plugin, call).await?;
        staging.finish().await.unwrap();
        Ok(units.len())
    }

    async fn inputs(
        &self,
        references: &Arc<References>,
        name: &str,
        bytes: &'static [u8],
    ) -> Inputs {
        let mut writer = self.services.store.create(&[]);
        writer.write(bytes.into()).await.unwrap();
        let incoming = writer
            .finish(&pith_storage::Expected::nothing())
            .await
            .unwrap();
        let sha256 = incoming.sha256();
        let durable = self.services.store.keep(vec![incoming]).await.unwrap();
        let mut transaction = self.services.database.write().await.unwrap();
        let rows =
            pith_content::ingest::insert(&mut transaction, self.services.store.as_ref(), &durable)
                .await
                .unwrap();
        let artifact = pith_db::artifact::by_id(&mut transaction, rows[&sha256.0])
            .await
            .unwrap()
            .expect("just inserted");
        transaction.commit().await.unwrap();
        let input = Input {
            name: name.to_owned(),
            artifact,
        };
        Inputs::new(self.services.clone(), Arc::clone(references), vec![input])
    }

    fn staging(
        &self,
        plugin: &Generation,
        references: &Arc<References>,
        origin: Option<Origin>,
    ) -> Staging {
        Staging::start(
            self.services.clone(),
            plugin.name(),
            Arc::clone(references),
            origin,
            Progress::default(),
        )
    }

    fn view(&self, plugin: &Generation, references: Arc<References>) -> View {
        View::new(
            self.services.clone(),
            references,
            plugin.name(),
            self.repository,
            0,
        )
    }

    async fn origin(&self, plugin: &str, url: &str) -> Origin {
        let mut transaction = self.services.database.write().await.unwrap();
        let settings = remote_settings(url);
        let id = remote::insert(&mut transaction, plugin, plugin, &settings)
            .await
            .unwrap();
        let row = remote::by_id(&mut transaction, id).await.unwrap().unwrap();
        transaction.commit().await.unwrap();
        Origin {
            remote: Remote::new(&self.services, &row, None, Arc::default()).unwrap(),
            id,
            policy: Policy::OnDemand,
        }
    }
}

fn caller(params: Value, cancel: CancellationToken) -> Caller {
    Caller {
        id: "0199a1b2".into(),
        task: Arc::new(TaskHandle::new(params, Progress::default(), None)),
        cancel,
    }
}

fn repository_settings() -> repository::Settings {
    repository::Settings {
        name: "repository".into(),
        description: None,
        pulp_labels: json!({}),
        retain_repo_versions: None,
        retain_checkpoints: None,
        autopublish: false,
        config: json!({}),
        remote: None,
    }
}

fn remote_settings(url: &str) -> remote::Settings {
    remote::Settings {
        name: uuid::Uuid::now_v7().to_string(),
        pulp_labels: json!({}),
        url: url.into(),
        policy: Policy::OnDemand.as_str().into(),
        ca_cert: None,
        client_cert: None,
        tls_validation: true,
        proxy_url: None,
        headers: json!([]),
        download_concurrency: Some(4),
        max_retries: Some(0),
        total_timeout: None,
        connect_timeout: None,
        sock_connect_timeout: None,
        sock_read_timeout: None,
        rate_limit: None,
        secrets: None,
        secret_names: json!([]),
        config: json!({}),
    }
}
