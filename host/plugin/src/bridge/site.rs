//! `site`: what one distribution serves.

use std::sync::Arc;

use wasmtime::component::Resource;

use super::State;
use super::contract::pith::plugin::host::HostSite;
use super::failure::Failure;
use crate::serve::SiteHandle;

impl HostSite for State {
    async fn config(&mut self, site: Resource<SiteHandle>) -> wasmtime::Result<String> {
        let site = Arc::clone(&self.table.get(&site)?.0);
        let config = site.config().await;
        self.resume(config).map_err(|failure| match failure {
            Failure::Told(error) => wasmtime::Error::msg(error.to_string()),
            Failure::Trap(error) => error,
        })
    }

    async fn version(&mut self, site: Resource<SiteHandle>) -> Result<Option<String>, Failure> {
        let site = Arc::clone(&self.table.get(&site)?.0);
        let version = site.version().await;
        self.resume(version)
    }

    async fn units(
        &mut self,
        site: Resource<SiteHandle>,
        content_type: String,
        query: String,
    ) -> Result<String, Failure> {
        let site = Arc::clone(&self.table.get(&site)?.0);
        let listed = site.units(content_type, query).await;
        self.resume(listed)
    }

    async fn drop(&mut self, site: Resource<SiteHandle>) -> wasmtime::Result<()> {
        self.release(site)
    }
}
