//! Removes what nobody refers to.

use std::time::Duration;

use pith_content::orphan::{Plan, clean_up};
use pith_model::task::TaskError;
use pith_model::{Timestamp, UnitId};

use crate::commit::{Commit, Done};
use crate::run::{Context, failed};

/// A hundred years, in minutes: longer is for ever.
const MAX_PROTECTION: u64 = 100 * 366 * 24 * 60;

pub(crate) async fn run(
    context: &Context,
    protection_minutes: i64,
    only: Option<Vec<i64>>,
) -> Result<Box<dyn Commit>, TaskError> {
    let minutes = u64::try_from(protection_minutes).unwrap_or(0);
    let plan = Plan {
        before: Timestamp::now().minus(Duration::from_mins(minutes.min(MAX_PROTECTION))),
        only: only.map(|units| units.into_iter().map(UnitId).collect()),
    };
    clean_up(&context.toolbox.services, &plan, &context.progress)
        .await
        .map_err(failed)?;
    Ok(Box::new(Done::default()))
}
