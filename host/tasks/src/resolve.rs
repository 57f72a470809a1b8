//! What the units of a copy need beyond what they refer to: the plugin says, the host checks.

use std::sync::Arc;

use pith_content::copy::{Pulled, Told, Unresolved, select};
use pith_content::lines::{self, Lines};
use pith_content::references::References;
use pith_db::membership;
use pith_model::UnitId;
use pith_model::task::TaskError;
use pith_plugin::call::{self, Resolution, ResolveCall};
use roaring::RoaringTreemap;
use serde_json::Value;

use crate::copy::{Bringing, Report};
use crate::run::{Context, failed, failed_db};

/// What comes along may refer to more, which needs more. No format goes on like this for
/// long; a plugin that does is wrong.
const MOST_ROUNDS: usize = 20;

/// Adds to lines what their units need, until nothing new comes.
pub(crate) async fn run(
    context: &Context,
    bringing: &mut [Bringing],
    upgrade: bool,
    report: &mut Report,
) -> Result<(), TaskError> {
    // Whoever takes all that there is can get nothing more.
    let takes_all = |one: &Bringing| one.line.everything && one.line.content.is_none();
    if bringing.iter().all(takes_all) {
        return Ok(());
    }
    for _ in 0..MOST_ROUNDS {
        let references = Arc::new(References::default());
        let resolution = ask(context, bringing, &references, upgrade).await?;
        let answer = Answer {
            context,
            references: &references,
        };
        let unresolved = answer.unresolved(resolution.unresolved)?;
        let pulled = answer.pulled(resolution.pulled, bringing, report).await?;
        if !follow(context, bringing, &pulled, report).await? {
            report.unresolved.extend(unresolved);
            return Ok(());
        }
    }
    Err(TaskError::new(
        "limit",
        format!("what comes along wants more and more, after {MOST_ROUNDS} rounds still"),
    ))
}

async fn ask(
    context: &Context,
    bringing: &[Bringing],
    references: &Arc<References>,
    upgrade: bool,
) -> Result<Resolution, TaskError> {
    let Some(first) = bringing.first() else {
        return Ok(Resolution::default());
    };
    let plugin = &first.destination.plugin;
    let lines = bringing.iter().map(|one| lines::Line {
        source: one.line.source,
        destination: one.line.destination,
        chosen: one.units.clone(),
    });
    let lines = Lines::new(
        context.toolbox.services.clone(),
        Arc::clone(references),
        plugin,
        lines.collect(),
    );
    let call = ResolveCall {
        caller: context.caller(Value::Object(serde_json::Map::new()), None),
        lines,
        upgrade,
    };
    call::resolve(&context.generation(plugin)?, call).await
}

/// Adds what the pulled units refer to; whether anything was new.
async fn follow(
    context: &Context,
    bringing: &mut [Bringing],
    pulled: &[RoaringTreemap],
    report: &mut Report,
) -> Result<bool, TaskError> {
    let mut is_more = false;
    for (one, pulled) in bringing.iter_mut().zip(pulled) {
        if pulled.is_empty() {
            continue;
        }
        let mut line = one.line.clone();
        line.everything = true;
        line.content = Some(pulled.iter().map(u64::cast_signed).collect());
        let services = &context.toolbox.services;
        let selection = select(services, &line).await.map_err(failed)?;
        report.unresolved.extend(selection.unresolved);
        if !selection.units.is_subset(&one.units) {
            is_more = true;
            report.pulled.extend(selection.pulled);
            one.units |= selection.units;
        }
    }
    Ok(is_more)
}

/// What a plugin answered, whose references are of one call.
struct Answer<'a> {
    context: &'a Context,
    references: &'a References,
}

impl Answer<'_> {
    fn unit(&self, reference: u64) -> Result<UnitId, TaskError> {
        self.references.unit(reference).ok_or_else(|| {
            wrong(&format!(
                "it named the unit reference {reference}, which it was not given"
            ))
        })
    }

    /// Adds the units to their lines; for each line, which were new.
    async fn pulled(
        &self,
        pulled: Vec<call::Pulled>,
        bringing: &mut [Bringing],
        report: &mut Report,
    ) -> Result<Vec<RoaringTreemap>, TaskError> {
        let mut new = vec![RoaringTreemap::new(); bringing.len()];
        for one in pulled {
            let unit = self.unit(one.handle)?;
            let wanted_by = self.unit(one.wanted_by)?;
            let at = usize::try_from(one.line).unwrap_or(usize::MAX);
            let (Some(line), Some(new)) = (bringing.get_mut(at), new.get_mut(at)) else {
                return Err(wrong(&format!("it named line {}, which is none", one.line)));
            };
            if line.units.insert(unit.0.cast_unsigned()) {
                new.insert(unit.0.cast_unsigned());
                report.pulled.push(|| Pulled {
                    unit,
                    wanted_by,
                    reason: one.reason,
                });
            }
        }
        for (line, new) in bringing.iter().zip(&new) {
            self.check(line, new).await?;
        }
        Ok(new)
    }

    /// Whether a line's source has all these.
    async fn check(&self, line: &Bringing, new: &RoaringTreemap) -> Result<(), TaskError> {
        if new.is_empty() {
            return Ok(());
        }
        let units: Vec<UnitId> = new.iter().map(|one| UnitId(one.cast_signed())).collect();
        let database = &self.context.toolbox.services.database;
        let mut connection = database.read().await.map_err(failed_db)?;
        let source = line.line.source;
        let present =
            membership::present(&mut connection, source.repository, source.number, &units)
                .await
                .map_err(failed_db)?;
        if present.len() < units.len() {
            return Err(wrong(
                "it pulled a unit into a line whose source does not have it",
            ));
        }
        Ok(())
    }

    fn unresolved(&self, unresolved: Vec<call::Unresolved>) -> Result<Told<Unresolved>, TaskError> {
        let mut told = Told::default();
        for one in unresolved {
            let wanted_by = self.unit(one.wanted_by)?;
            let missing = serde_json::from_str(&one.missing)
                .map_err(|error| wrong(&format!("what it says is missing is not JSON: {error}")))?;
            told.push(|| Unresolved {
                wanted_by,
                reason: one.reason,
                missing,
            });
        }
        Ok(told)
    }
}

fn wrong(what: &str) -> TaskError {
    TaskError::new(
        "internal",
        format!("the plugin resolved a copy wrongly: {what}"),
    )
}
