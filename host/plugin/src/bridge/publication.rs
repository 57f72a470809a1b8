//! `publication`: what clients will see of a version, in the making.

use pith_content::encode::{Codec, Encoding};
use pith_content::publish::{FileDraft, Link, PublicationDraft, UnitLink};
use pith_content::splice::Strand;
use pith_content::view::{Query, View};
use pith_db::template::Template;
use pith_storage::Algorithm;
use wasmtime::component::Resource;

use super::State;
use super::contract::pith::plugin::{host, types};
use super::failure::Failure;
use super::file::written;

impl host::HostPublication for State {
    async fn create(
        &mut self,
        publication: Resource<PublicationDraft>,
        encoding: host::Encoding,
    ) -> Result<Resource<FileDraft>, Failure> {
        let encoding = self::encoding(&encoding)?;
        let created = self.table.get(&publication)?.create(encoding);
        let file = self.resume(created)?;
        self.give(file)
    }

    async fn splice(
        &mut self,
        publication: Resource<PublicationDraft>,
        content: Resource<View>,
        query: types::Query,
        strands: Vec<host::Strand>,
    ) -> Result<Vec<host::Written>, Failure> {
        let query = Query {
            content_type: query.content_type,
            order_by: query.order_by,
        };
        let strands = strands.into_iter().map(strand).collect::<Result<_, _>>()?;
        let content = self.table.get(&content)?.clone();
        let publication = self.table.get(&publication)?;
        let spliced = publication.splice(&content, &query, strands).await;
        let files = self.resume(spliced)?;
        Ok(files.into_iter().map(written).collect())
    }

    async fn link(
        &mut self,
        publication: Resource<PublicationDraft>,
        links: Vec<host::Link>,
    ) -> Result<(), Failure> {
        let links = links.into_iter().map(link).collect();
        let linked = self.table.get(&publication)?.link(links);
        self.resume(linked)
    }

    async fn link_units(
        &mut self,
        publication: Resource<PublicationDraft>,
        links: Vec<host::UnitLink>,
    ) -> Result<(), Failure> {
        let links = links.into_iter().map(unit_link).collect();
        let linked = self.table.get(&publication)?.link_units(links);
        self.resume(linked)
    }

    async fn sign(
        &mut self,
        publication: Resource<PublicationDraft>,
        artifact: u64,
        name: String,
        service: String,
    ) -> Result<host::Signed, Failure> {
        let publication = self.table.get(&publication)?;
        let signed = publication.sign(artifact, &name, &service).await;
        let signed = self.resume(signed)?;
        Ok(host::Signed {
            signature: signed.signature,
            key: signed.key,
        })
    }

    async fn fill(
        &mut self,
        publication: Resource<PublicationDraft>,
        template: host::Template,
    ) -> Result<(), Failure> {
        let template = Template {
            path: template.path,
            body: template.text,
            setting: template.setting,
        };
        let filled = self.table.get(&publication)?.fill(template);
        self.resume(filled)
    }

    async fn pass_through(
        &mut self,
        publication: Resource<PublicationDraft>,
    ) -> wasmtime::Result<()> {
        self.table.get(&publication)?.pass_through();
        Ok(())
    }

    async fn drop(&mut self, publication: Resource<PublicationDraft>) -> wasmtime::Result<()> {
        self.release(publication)
    }
}

fn strand(strand: host::Strand) -> Result<Strand, Failure> {
    Ok(Strand {
        encoding: encoding(&strand.encoding)?,
        header: strand.header,
        fragments: strand.fragments,
        footer: strand.footer,
    })
}

fn encoding(encoding: &host::Encoding) -> Result<Encoding, Failure> {
    let algorithms = encoding
        .digests
        .iter()
        .map(|name| {
            name.parse::<Algorithm>()
                .map_err(|error| Failure::invalid(error.to_string()))
        })
        .collect::<Result<_, _>>()?;
    Ok(Encoding {
        codec: match encoding.codec {
            host::Codec::Identity => Codec::Identity,
            host::Codec::Gzip => Codec::Gzip,
            host::Codec::Zstd => Codec::Zstd,
        },
        algorithms,
    })
}

fn unit_link(link: host::UnitLink) -> UnitLink {
    UnitLink {
        path: link.path,
        unit: link.unit,
        artifact: link.artifact,
    }
}

fn link(link: host::Link) -> Link {
    Link {
        path: link.path,
        artifact: link.artifact,
        media_type: link.media_type,
    }
}
