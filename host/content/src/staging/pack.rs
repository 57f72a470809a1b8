//! Packs the fragments of units that are new, with what those of their type have in common.

use std::collections::HashMap;

use pith_db::fragment::{Dictionary, Packed, insert_dictionary, newest_dictionary};

use super::Context;
use super::lookup::Found;
use crate::error::{Error, Result};
use crate::fragment::{Fragment, Packer, lay_out};

/// A dictionary is made of so many units at least, and of no more than a batch.
const SAMPLES: usize = 100;

/// More of one unit, or of all, says little more.
const MAX_SAMPLE: usize = 16 << 10;
const MAX_SAMPLES: usize = 512 << 10;

/// Four times as much gains a tenth.
const DICTIONARY: usize = 64 << 10;

/// Where the fragments come out so much larger than those that a dictionary was made of, a new
/// one is tried, and kept if it pays for itself.
const WORSE: f64 = 0.75;

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
            let mut of_type = match self.by_type.remove(&content_type) {
                Some(of_type) => of_type,
                None => OfType::open(context, content_type).await?,
            };
            let units: Vec<Vec<Fragment>> = places
                .iter()
                .map(|place| std::mem::take(&mut batch[*place].draft.fragments))
                .collect();
            let packing = tokio::task::spawn_blocking(move || {
                let packed = of_type.pack(&units)?;
                Ok::<_, Error>((of_type, packed))
            });
            let (mut of_type, (bodies, made)) = packing.await.map_err(|_| {
                Error::internal("packing fragments broke; the server's log says why")
            })??;
            if let Some(made) = made {
                let mut transaction = context.services.database.write().await?;
                let number = insert_dictionary(&mut transaction, content_type, &made).await?;
                transaction.commit().await?;
                of_type.dictionary = Some((number, made.ratio));
            }
            let dictionary = of_type.dictionary.map(|(number, _)| number);
            for (place, body) in places.into_iter().zip(bodies) {
                batch[place].draft.packed = Some(Packed { dictionary, body });
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

/// The rows of some units, in order.
type Bodies = Vec<Vec<u8>>;

impl OfType {
    async fn open(context: &Context, content_type: i64) -> Result<Self> {
        let mut connection = context.services.database.read().await?;
        let newest = newest_dictionary(&mut connection, content_type).await?;
        Self::with(newest)
    }

    fn with(newest: Option<(i64, Dictionary)>) -> Result<Self> {
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

    /// Packs units; with a new dictionary, if they need one.
    fn pack(&mut self, units: &[Vec<Fragment>]) -> Result<(Bodies, Option<Dictionary>)> {
        let bodies = pack(&mut self.packer, units)?;
        if self.is_settled || units.len() < SAMPLES {
            return Ok((bodies, None));
        }
        self.is_settled = true;
        let plain: usize = units.iter().flatten().map(|one| one.bytes.len()).sum();
        let fits = |(_, usual)| ratio(plain, size(&bodies)) >= usual * WORSE;
        if self.dictionary.is_some_and(fits) {
            return Ok((bodies, None));
        }
        let Some(body) = learn(units) else {
            return Ok((bodies, None));
        };
        let mut packer = Packer::new(&body)?;
        let smaller = pack(&mut packer, units)?;
        // It stays forever, and so has to save its own bytes by these units alone: however often
        // fragments become others, dictionaries take no room.
        if size(&smaller) + body.len() >= size(&bodies) {
            return Ok((bodies, None));
        }
        self.packer = packer;
        let ratio = ratio(plain, size(&smaller));
        Ok((smaller, Some(Dictionary { body, ratio })))
    }
}

fn pack(packer: &mut Packer, units: &[Vec<Fragment>]) -> Result<Bodies> {
    units.iter().map(|unit| packer.pack(unit)).collect()
}

/// What the fragments have in common; none where that is too little.
fn learn(units: &[Vec<Fragment>]) -> Option<Vec<u8>> {
    let mut samples = Vec::new();
    let mut sizes = Vec::with_capacity(units.len());
    for unit in units {
        let before = samples.len();
        lay_out(unit, &mut samples);
        samples.truncate(before + MAX_SAMPLE);
        sizes.push(samples.len() - before);
        if samples.len() >= MAX_SAMPLES {
            break;
        }
    }
    // It fails where there is nothing to learn.
    zstd::dict::from_continuous(&samples, &sizes, DICTIONARY).ok()
}

fn size(bodies: &Bodies) -> usize {
    bodies.iter().map(Vec::len).sum()
}

#[expect(
    clippy::cast_precision_loss,
    reason = "sizes of a batch, compared roughly"
)]
fn ratio(of: usize, to: usize) -> f64 {
    of as f64 / to.max(1) as f64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fragment::{self, Row, Unpacker};
    use std::sync::Arc;

    /// Bytes without a pattern, the same for the same seed.
    fn noise(mut seed: u64) -> impl FnMut() -> u8 {
        move || {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            seed.to_be_bytes()[0]
        }
    }

    /// Units that have much in common with each other, and little in themselves.
    fn units(kind: u64, count: u64) -> Vec<Vec<Fragment>> {
        let mut noise = noise(kind);
        let common: Vec<u8> = (0..1200).map(|_| noise()).collect();
        let unit = |number: u64| {
            vec![Fragment {
                name: "primary".into(),
                bytes: [common.as_slice(), &number.to_be_bytes()].concat(),
            }]
        };
        (0..count).map(unit).collect()
    }

    fn unpacked(body: &[u8], dictionary: &Dictionary) -> Vec<u8> {
        let dictionary = fragment::Dictionary {
            number: 1,
            body: dictionary.body.clone(),
        };
        let row = Row {
            body: body.to_vec(),
            dictionary: Some(Arc::new(dictionary)),
        };
        let mut all = Vec::new();
        let mut unpacker = Unpacker::default();
        let read = unpacker.unpack(&row, |_, bytes| all.extend_from_slice(bytes));
        read.expect("a row");
        all
    }

    #[test]
    fn a_dictionary_is_made_of_many_and_kept_while_it_fits() {
        let mut packing = OfType::with(None).expect("memory");
        let (_, made) = packing.pack(&units(1, SAMPLES as u64 - 1)).expect("packed");
        assert!(made.is_none(), "of so few none is made");
        let many = units(1, 600);
        let (bodies, made) = packing.pack(&many).expect("packed");
        let made = made.expect("a dictionary");
        let mut alone = Packer::new(&[]).expect("memory");
        let alone = pack(&mut alone, &many).expect("packed");
        assert!(
            size(&bodies) + made.body.len() < size(&alone),
            "it pays for itself"
        );
        for (unit, body) in many.iter().zip(&bodies) {
            assert_eq!(unpacked(body, &made), unit[0].bytes);
        }

        let known = Some((1, made.clone()));
        let mut packing = OfType::with(known.clone()).expect("memory");
        let (bodies, again) = packing.pack(&many).expect("packed");
        assert!(again.is_none(), "the one that is there fits");
        assert_eq!(unpacked(&bodies[5], &made), many[5][0].bytes);

        let mut packing = OfType::with(known).expect("memory");
        let others = units(2, 600);
        let (bodies, other) = packing.pack(&others).expect("packed");
        let other = other.expect("one for what is another kind");
        assert_eq!(unpacked(&bodies[5], &other), others[5][0].bytes);
    }

    #[test]
    fn what_has_nothing_in_common_gets_no_dictionary() {
        let mut noise = noise(3);
        let mut unit = |_| {
            vec![Fragment {
                name: "primary".into(),
                bytes: (0..900).map(|_| noise()).collect(),
            }]
        };
        let units: Vec<_> = (0..300).map(&mut unit).collect();
        let mut packing = OfType::with(None).expect("memory");
        assert!(packing.pack(&units).expect("packed").1.is_none());
    }
}
