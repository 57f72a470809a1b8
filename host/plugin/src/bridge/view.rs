//! `view`: one repository version, to be read.

use pith_content::inputs::Reader;
use pith_content::view::{Cursor, Query, View};
use wasmtime::component::Resource;

use super::State;
use super::contract::pith::plugin::host::HostView;
use super::contract::pith::plugin::types;
use super::failure::Failure;

impl HostView for State {
    async fn number(&mut self, view: Resource<View>) -> wasmtime::Result<u64> {
        Ok(self.table.get(&view)?.number())
    }

    async fn count(&mut self, view: Resource<View>, content_type: String) -> Result<u64, Failure> {
        let count = self.table.get(&view)?.count(&content_type).await;
        self.resume(count)
    }

    async fn find(
        &mut self,
        view: Resource<View>,
        query: types::Query,
    ) -> Result<Resource<Cursor>, Failure> {
        let query = Query {
            content_type: query.content_type,
            order_by: query.order_by,
        };
        let found = self.table.get(&view)?.find(&query);
        let cursor = self.resume(found)?;
        self.give(cursor)
    }

    async fn find_older(
        &mut self,
        view: Resource<View>,
        query: types::Query,
        seconds: u64,
    ) -> Result<Resource<Cursor>, Failure> {
        let query = Query {
            content_type: query.content_type,
            order_by: query.order_by,
        };
        let found = self.table.get(&view)?.find_older(&query, seconds);
        let cursor = self.resume(found)?;
        self.give(cursor)
    }

    async fn find_chosen(
        &mut self,
        view: Resource<View>,
        query: types::Query,
    ) -> Result<Resource<Cursor>, Failure> {
        let query = Query {
            content_type: query.content_type,
            order_by: query.order_by,
        };
        let found = self.table.get(&view)?.find_chosen(&query);
        let cursor = self.resume(found)?;
        self.give(cursor)
    }

    async fn find_equal(
        &mut self,
        view: Resource<View>,
        query: types::Query,
        equal: Vec<(String, String)>,
        fields: Vec<String>,
    ) -> Result<Resource<Cursor>, Failure> {
        let query = Query {
            content_type: query.content_type,
            order_by: query.order_by,
        };
        let found = self.table.get(&view)?.find_equal(&query, &equal, &fields);
        let cursor = self.resume(found)?;
        self.give(cursor)
    }

    async fn open(
        &mut self,
        view: Resource<View>,
        artifact: u64,
    ) -> Result<Resource<Reader>, Failure> {
        let opened = self.table.get(&view)?.open(artifact).await;
        let reader = self.resume(opened)?;
        self.give(reader)
    }

    async fn drop(&mut self, view: Resource<View>) -> wasmtime::Result<()> {
        self.release(view)
    }
}
