//! Packs the fragments of units that are new, with what those of their type have in common.

use std::collections::HashMap;

use pith_db::fragment::{Dictionary, Packed, insert_dictionary, newest_dictionary};

use super::Context;
use super::lookup::Found;
use crate::error::{Error, Result};
use crate::fragment::{Packer, lay_out};

/// A dictionary is made of so many units at least, and of no more than a batch.
const SAMPLES: usize = 100;

/// More of one unit, or of all, says little more.
const MAX_SAMPLE: usize = 16 << 10;
const MAX_SAMPLES: usize = 2 << 20;

/// Four times as much gains a tenth.
const DICTIONARY: usize = 64 << 10;

/// Where the fragments come out so much larger than those that a dictionary was made of, a new
/// one is tried.
const WORSE: f64 = 0.75;

/// And kept if rows are so much smaller with it.
const BETTER: f64 = 0.85;

/// The packers of one staging, by content type.
#[derive(Default)]
pub(super) struct Packing {
    by_type: HashMap<i64, OfType>,
}

struct OfType {
    packer: Packer,
    /// The dictionary that it uses: its number and its ratio.
    dictionary: Option<(i64, f64)>,
    /// Whether it was looked how well that one fits.
    is_settled: bool,
}

impl Packing {
    /// Packs what has fragments and is not there yet.
    pub(super) async fn pack(
        &mut self,
        context: &Context,
        mut batch: Vec<Found>,
    ) -> Result<Vec<Found>> {
        for (content_type, places) in places(&batch) {
            let of_type = match self.by_type.remove(&content_type) {
                Some(of_type) => of_type,
                None => OfType::open(context, content_type).await?,
            };
            let packing = tokio::task::spawn_blocking(move || {
                let mut of_type = of_type;
                let made = of_type.pack(&mut batch, &places)?;
                Ok::<_, Error>((of_type, batch, places, made))
            });
            let (mut of_type, packed, places, made) = packing.await.map_err(|_| {
                Error::internal("packing fragments broke; the server's log says why")
            })??;
            batch = packed;
            if let Some(made) = made {
                let mut transaction = context.services.database.write().await?;
                let number = insert_dictionary(&mut transaction, content_type, &made).await?;
                transaction.commit().await?;
                of_type.dictionary = Some((number, made.ratio));
            }
            let number = of_type.dictionary.map(|(number, _)| number);
            for place in places {
                if let Some(packed) = &mut batch[place].draft.packed {
                    packed.dictionary = number;
                }
            }
            self.by_type.insert(content_type, of_type);
        }
        Ok(batch)
    }
}

/// Which of a batch have work, by content type.
fn places(batch: &[Found]) -> HashMap<i64, Vec<usize>> {
    let mut places: HashMap<i64, Vec<usize>> = HashMap::new();
    for (place, found) in batch.iter().enumerate() {
        if found.existing.is_none() && !found.draft.fragments.is_empty() {
            let of_type = places.entry(found.draft.kind.table.id).or_default();
            of_type.push(place);
        }
    }
    places
}

impl OfType {
    async fn open(context: &Context, content_type: i64) -> Result<Self> {
        let mut connection = context.services.database.read().await?;
        let newest = newest_dictionary(&mut connection, content_type).await?;
        let (body, dictionary) = match newest {
            Some((number, newest)) => (newest.body, Some((number, newest.ratio))),
            None => (Vec::new(), None),
        };
        Ok(Self {
            packer: Packer::new(&body)?,
            dictionary,
            is_settled: false,
        })
    }

    /// Packs some of a batch; the new dictionary, if that needs one.
    fn pack(&mut self, batch: &mut [Found], places: &[usize]) -> Result<Option<Dictionary>> {
        let mut plain = 0;
        for place in places {
            let draft = &mut batch[*place].draft;
            plain += draft
                .fragments
                .iter()
                .map(|one| one.bytes.len())
                .sum::<usize>();
            draft.packed = Some(packed(self.packer.pack(&draft.fragments)?));
        }
        let mut made = None;
        if !self.is_settled && places.len() >= SAMPLES {
            self.is_settled = true;
            let ratio = ratio(plain, size(batch, places));
            if self
                .dictionary
                .is_none_or(|(_, usual)| ratio < usual * WORSE)
            {
                made = self.try_new(batch, places, plain)?;
            }
        }
        for place in places {
            batch[*place].draft.fragments = Vec::new();
        }
        Ok(made)
    }

    /// Makes a dictionary of a batch, and packs it anew if it gets smaller.
    fn try_new(
        &mut self,
        batch: &mut [Found],
        places: &[usize],
        plain: usize,
    ) -> Result<Option<Dictionary>> {
        let Some(body) = learn(batch, places) else {
            return Ok(None);
        };
        let mut packer = Packer::new(&body)?;
        let mut bodies = Vec::with_capacity(places.len());
        for place in places {
            bodies.push(packer.pack(&batch[*place].draft.fragments)?);
        }
        let new: usize = bodies.iter().map(Vec::len).sum();
        if ratio(new, size(batch, places)) > BETTER {
            return Ok(None);
        }
        for (place, body) in places.iter().zip(bodies) {
            batch[*place].draft.packed = Some(packed(body));
        }
        self.packer = packer;
        let ratio = ratio(plain, new);
        Ok(Some(Dictionary { body, ratio }))
    }
}

/// What the fragments have in common; none where that is too little.
fn learn(batch: &[Found], places: &[usize]) -> Option<Vec<u8>> {
    let mut samples = Vec::new();
    let mut sizes = Vec::with_capacity(places.len());
    for place in places {
        let before = samples.len();
        lay_out(&batch[*place].draft.fragments, &mut samples);
        samples.truncate(before + MAX_SAMPLE);
        sizes.push(samples.len() - before);
        if samples.len() >= MAX_SAMPLES {
            break;
        }
    }
    // It fails where there is nothing to learn.
    zstd::dict::from_continuous(&samples, &sizes, DICTIONARY).ok()
}

fn packed(body: Vec<u8>) -> Packed {
    Packed {
        dictionary: None,
        body,
    }
}

/// The bytes of a batch's rows.
fn size(batch: &[Found], places: &[usize]) -> usize {
    let packed = places
        .iter()
        .filter_map(|place| batch[*place].draft.packed.as_ref());
    packed.map(|packed| packed.body.len()).sum()
}

#[expect(
    clippy::cast_precision_loss,
    reason = "sizes of a batch, compared roughly"
)]
fn ratio(of: usize, to: usize) -> f64 {
    of as f64 / to.max(1) as f64
}
