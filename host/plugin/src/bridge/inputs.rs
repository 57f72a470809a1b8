//! `inputs`: the files that a task was given.

use pith_content::inputs::{Inputs, Reader, SignRequest};
use wasmtime::component::Resource;

use super::State;
use super::contract::pith::plugin::host::HostInputs;
use super::failure::Failure;

impl HostInputs for State {
    async fn count(&mut self, inputs: Resource<Inputs>) -> wasmtime::Result<u32> {
        let count = self.table.get(&inputs)?.count();
        Ok(u32::try_from(count).unwrap_or(u32::MAX))
    }

    async fn name(&mut self, inputs: Resource<Inputs>, index: u32) -> Result<String, Failure> {
        Ok(self.table.get(&inputs)?.name(index as usize)?.to_owned())
    }

    async fn open(
        &mut self,
        inputs: Resource<Inputs>,
        index: u32,
    ) -> Result<Resource<Reader>, Failure> {
        let opened = self.table.get(&inputs)?.open(index as usize).await;
        let reader = self.resume(opened)?;
        self.give(reader)
    }

    async fn sign(
        &mut self,
        inputs: Resource<Inputs>,
        index: u32,
        name: String,
        service: String,
        key: Option<String>,
        answer: String,
    ) -> Result<(Resource<Reader>, Option<String>), Failure> {
        let asked = SignRequest {
            index: index as usize,
            name,
            service,
            key,
            answer,
        };
        let signed = self.table.get(&inputs)?.sign(&asked).await;
        let (reader, key) = self.resume(signed)?;
        Ok((self.give(reader)?, key))
    }

    async fn drop(&mut self, inputs: Resource<Inputs>) -> wasmtime::Result<()> {
        self.release(inputs)
    }
}
