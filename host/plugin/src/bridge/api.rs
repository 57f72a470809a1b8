//! `api`: the host as the one who asks may use it.

use wasmtime::component::Resource;

use super::State;
use super::contract::pith::plugin::host::{Answer, HostApi};
use super::failure::Failure;
use crate::serve::{ApiHandle, SiteHandle};

impl HostApi for State {
    async fn call(
        &mut self,
        api: Resource<ApiHandle>,
        method: String,
        path: String,
        body: Option<String>,
    ) -> Result<Answer, Failure> {
        let api = self.table.get(&api)?.clone();
        let answered = api.0.call(method, path, body).await;
        let (status, body) = self.resume(answered)?;
        Ok(Answer { status, body })
    }

    async fn site(
        &mut self,
        api: Resource<ApiHandle>,
        base_path: String,
    ) -> Result<Resource<SiteHandle>, Failure> {
        let api = self.table.get(&api)?.clone();
        let found = api.0.site(base_path).await;
        let site = self.resume(found)?;
        self.give(SiteHandle(site))
    }

    async fn drop(&mut self, api: Resource<ApiHandle>) -> wasmtime::Result<()> {
        self.release(api)
    }
}
