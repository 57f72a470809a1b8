//! What the host is asked: a few hundred names at once, never a whole repository.

use pith_plugin_sdk::{Candidate, Candidates, Lines, Result};

use crate::fragments;

/// So many candidates are read at once.
const BATCH: u32 = 1_000;

/// So many words are looked for at once.
const WORDS: usize = 5_000;

/// What takes candidates.
pub(super) type Each<'a> = &'a mut dyn FnMut(Candidate) -> Result<()>;

/// The lines of a copy, or what a test puts in their place.
pub(super) trait Lookup {
    /// Units that lines bring already.
    fn chosen(&mut self, content_type: &str, fields: &[&str], each: Each<'_>) -> Result<()>;
    /// All units of a type.
    fn all(&mut self, content_type: &str, fields: &[&str], each: Each<'_>) -> Result<()>;
    /// Units of one of these names.
    fn named(
        &mut self,
        content_type: &str,
        names: &[String],
        fields: &[&str],
        each: Each<'_>,
    ) -> Result<()>;
    /// Units that were staged with one of these terms.
    fn with_terms(
        &mut self,
        content_type: &str,
        terms: &[String],
        fields: &[&str],
        each: Each<'_>,
    ) -> Result<()>;
    /// Elements of `filelists` of the first of these packages, as many as come together, but
    /// one at least.
    fn filelists(&mut self, packages: &[u64]) -> Result<Vec<Vec<u8>>>;
}

impl Lookup for &Lines {
    fn chosen(&mut self, content_type: &str, fields: &[&str], each: Each<'_>) -> Result<()> {
        walk(&Lines::chosen(self, content_type, &owned(fields))?, each)
    }

    fn all(&mut self, content_type: &str, fields: &[&str], each: Each<'_>) -> Result<()> {
        walk(&Lines::all(self, content_type, &owned(fields))?, each)
    }

    fn named(
        &mut self,
        content_type: &str,
        names: &[String],
        fields: &[&str],
        each: Each<'_>,
    ) -> Result<()> {
        let fields = owned(fields);
        for names in names.chunks(WORDS) {
            let found = self.with_values(content_type, "name", names, &fields)?;
            walk(&found, &mut *each)?;
        }
        Ok(())
    }

    fn with_terms(
        &mut self,
        content_type: &str,
        terms: &[String],
        fields: &[&str],
        each: Each<'_>,
    ) -> Result<()> {
        let fields = owned(fields);
        for terms in terms.chunks(WORDS) {
            let found = Lines::with_terms(self, content_type, terms, &fields)?;
            walk(&found, &mut *each)?;
        }
        Ok(())
    }

    fn filelists(&mut self, packages: &[u64]) -> Result<Vec<Vec<u8>>> {
        let few = &packages[..packages.len().min(BATCH as usize)];
        Ok(self.fragments(few, fragments::FILELISTS)?)
    }
}

fn owned(fields: &[&str]) -> Vec<String> {
    fields.iter().map(|&field| field.to_owned()).collect()
}

fn walk(candidates: &Candidates, each: Each<'_>) -> Result<()> {
    loop {
        let batch = candidates.next(BATCH)?;
        if batch.is_empty() {
            return Ok(());
        }
        batch.into_iter().try_for_each(&mut *each)?;
    }
}
