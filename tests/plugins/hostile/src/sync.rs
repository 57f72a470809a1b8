//! Misbehaves as a task's parameters ask.

use std::hint::black_box;

use pith_plugin_sdk::{
    ArtifactDraft, Batcher, Changes, Error, MAX_BATCH, Query, Remote, Renewal, Request, Result,
    Sighting, Source, Staging, Syncer, Task, UnitDraft, UnitRef, View, log,
};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::behaviour::Behaviour;
use crate::{Hostile, THING};

const MEGABYTE: usize = 1_000_000;

#[derive(Debug, Deserialize)]
struct Params {
    behaviour: Behaviour,
    count: u64,
    url: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Config {
    url: String,
}

impl Syncer for Hostile {
    fn sync(
        task: &Task,
        remote: &Remote,
        current: &View,
        staging: &Staging,
        next: &Changes,
    ) -> Result<()> {
        let params: Params = task.params_as()?;
        match params.behaviour {
            Behaviour::Ok => add_things(params.count, staging, next),
            Behaviour::Loop => spin(),
            Behaviour::Memory => devour_memory(),
            Behaviour::Panic => panic!("the plugin was asked to panic"),
            Behaviour::Trap => trap(),
            Behaviour::Stack => {
                log::info(&format!("descended {} calls", descend(0)));
                Ok(())
            }
            Behaviour::ForgedRef => Ok(next.add(&[0, 1, 2, 42, u64::MAX])?),
            Behaviour::BadFields => stage_one(staging, json!({ "name": 7 }).to_string(), vec![]),
            Behaviour::BadJson => stage_one(staging, "{\"name\": ".into(), vec![]),
            Behaviour::BadPath => stage_one(
                staging,
                json!({ "name": "escape" }).to_string(),
                vec![artifact_at("../../etc/passwd")],
            ),
            Behaviour::NoKey => recall(staging, &[sighting(THING, &json!({}))]),
            Behaviour::RecallTooMany => {
                let name = json!({ "name": "thing 0" });
                recall(staging, &vec![sighting(THING, &name); MAX_BATCH + 1])
            }
            Behaviour::RecallElsewhere => {
                let known = staging.recall(&[sighting(THING, &json!({ "name": "nobody's" }))])?;
                assert_eq!(known, [None], "nobody has it");
                recall(staging, &[sighting("package", &json!({ "name": "bear" }))])
            }
            Behaviour::OtherOrigin => read_elsewhere(remote, params.url),
            Behaviour::Flood => flood(params.count, staging),
            Behaviour::TooMany => {
                let drafts: Vec<_> = (0..=MAX_BATCH as u64).map(thing).collect();
                staging.put(&drafts)?;
                Ok(())
            }
            Behaviour::LogFlood => {
                let line = "x".repeat(MEGABYTE);
                (0..10_000).for_each(|_| log::info(&line));
                Ok(())
            }
            Behaviour::ProgressFlood => {
                let total = 1_000_000;
                (0..total).for_each(|done| {
                    task.progress("sync.flooding", "Flooding", done, Some(total));
                });
                Ok(())
            }
            Behaviour::SleeplessRead => read_byte_by_byte(task, remote),
            Behaviour::Tree => add_tree(params.count, staging, next),
            Behaviour::Renew => renew(task, current, staging, ""),
            Behaviour::RenewRekeyed => renew(task, current, staging, " of another name"),
            Behaviour::RenewForged => {
                staging.renew(&[renewal(42, "thing 42")])?;
                Ok(())
            }
            Behaviour::RenewTooMany => {
                staging.renew(&vec![renewal(0, "thing 0"); MAX_BATCH + 1])?;
                Ok(())
            }
        }
    }
}

fn renewal(unit: UnitRef, name: &str) -> Renewal {
    let needs = json!([{ "things": [{ "name": name }] }]);
    Renewal {
        unit,
        content_type: THING.into(),
        fields: json!({ "name": name, "needs": needs }).to_string(),
        fragments: Vec::new(),
        terms: vec![name.to_owned()],
    }
}

/// Writes all things anew; tells how many are other than they were.
fn renew(task: &Task, current: &View, staging: &Staging, more: &str) -> Result<()> {
    let (mut all, mut changed) = (0, 0);
    let query = Query {
        content_type: THING.into(),
        order_by: Vec::new(),
    };
    let cursor = current.find_equal(&query, &[], &["name".to_owned()])?;
    loop {
        let units = cursor.next(100)?;
        if units.is_empty() {
            break;
        }
        let mut renewals = Vec::new();
        for unit in &units {
            let fields: Value = serde_json::from_str(&unit.fields)
                .map_err(|error| Error::internal(error.to_string()))?;
            assert!(
                fields.get("needs").is_none(),
                "nobody asked for it: {fields}"
            );
            let name = format!("{}{more}", fields["name"].as_str().unwrap_or_default());
            renewals.push(renewal(unit.handle, &name));
        }
        all += units.len() as u64;
        changed += u64::from(staging.renew(&renewals)?);
    }
    task.progress("sync.renewing", "Renewing", changed, Some(all));
    Ok(())
}

pub(crate) fn spin() -> ! {
    let mut turns = 0_u64;
    loop {
        turns = black_box(turns.wrapping_add(1));
    }
}

/// Keeps what it takes, and writes to it so that no page stays untouched.
pub(crate) fn devour_memory() -> ! {
    let mut meals = Vec::new();
    loop {
        meals.push(black_box(vec![1_u8; MEGABYTE]));
    }
}

#[cfg(target_arch = "wasm32")]
fn trap() -> ! {
    core::arch::wasm32::unreachable()
}

#[cfg(not(target_arch = "wasm32"))]
fn trap() -> ! {
    std::process::abort()
}

/// Uses its result after the call, so that no compiler makes a loop of it.
#[expect(unconditional_recursion, reason = "this is the misbehaviour")]
pub(crate) fn descend(depth: u64) -> u64 {
    let frame = black_box([depth; 64]);
    descend(depth + 1) + black_box(frame)[63]
}

fn thing(number: u64) -> UnitDraft {
    UnitDraft {
        content_type: THING.into(),
        fields: json!({ "name": format!("thing {number}") }).to_string(),
        artifacts: Vec::new(),
        fragments: Vec::new(),
        terms: Vec::new(),
    }
}

fn artifact_at(path: &str) -> ArtifactDraft {
    ArtifactDraft {
        path: path.into(),
        digests: vec![format!("sha256:{}", "0".repeat(64))],
        size: Some(1),
        source: Source::Urls(vec!["thing".into()]),
    }
}

fn stage_one(staging: &Staging, fields: String, artifacts: Vec<ArtifactDraft>) -> Result<()> {
    staging.put(&[UnitDraft {
        content_type: THING.into(),
        fields,
        artifacts,
        fragments: Vec::new(),
        terms: Vec::new(),
    }])?;
    Ok(())
}

fn sighting(content_type: &str, key: &Value) -> Sighting {
    Sighting {
        content_type: content_type.into(),
        key: key.to_string(),
        artifacts: Vec::new(),
    }
}

fn recall(staging: &Staging, sightings: &[Sighting]) -> Result<()> {
    staging.recall(sightings)?;
    Ok(())
}

fn add_things(count: u64, staging: &Staging, next: &Changes) -> Result<()> {
    let mut batcher = Batcher::new(staging, next);
    for number in 0..count {
        batcher.push(thing(number))?;
    }
    batcher.finish()?;
    Ok(())
}

/// Thing n needs the things 2n + 1 and 2n + 2; those of the last ones do not exist.
fn add_tree(count: u64, staging: &Staging, next: &Changes) -> Result<()> {
    let mut batcher = Batcher::new(staging, next);
    for number in 0..count {
        let needs = [2 * number + 1, 2 * number + 2]
            .map(|child| json!({ "name": format!("branch {child}") }));
        batcher.push(UnitDraft {
            content_type: THING.into(),
            fields: json!({
                "name": format!("branch {number}"),
                "needs": [{ "things": needs }],
            })
            .to_string(),
            fragments: Vec::new(),
            terms: Vec::new(),
            artifacts: Vec::new(),
        })?;
    }
    batcher.finish()?;
    Ok(())
}

fn flood(count: u64, staging: &Staging) -> Result<()> {
    let mut staged = 0;
    while staged < count {
        let end = count.min(staged + MAX_BATCH as u64);
        let drafts: Vec<_> = (staged..end).map(thing).collect();
        staging.put(&drafts)?;
        staged = end;
    }
    Ok(())
}

fn read_elsewhere(remote: &Remote, url: Option<String>) -> Result<()> {
    let url = url.ok_or_else(|| Error::invalid("`other-origin` wants the parameter `url`"))?;
    let body = remote.open(&request(url))?;
    let bytes = body.read(1_024)?;
    log::error(&format!("read {} bytes from {}", bytes.len(), body.url()));
    Ok(())
}

fn read_byte_by_byte(task: &Task, remote: &Remote) -> Result<()> {
    let config: Config = remote.config_as()?;
    let body = remote.open(&request(config.url))?;
    let mut bytes = 0;
    while !body.read(1)?.is_empty() {
        bytes += 1;
    }
    task.progress("sync.reading", "Reading bytes", bytes, Some(bytes));
    Ok(())
}

fn request(url: String) -> Request {
    Request {
        url,
        conditional: false,
        max_size: u64::MAX,
        digest: None,
    }
}
