//! What a client can set of a schedule.

use std::str::FromStr as _;

use croner::Cron;
use jiff::tz::TimeZone;
use pith_db::task_schedule::Settings;
use pith_model::Timestamp;
use serde_json::{Map, Value};

use super::interval;
use crate::body::Fields;
use crate::context::Context;
use crate::error::Result;
use crate::form::{Form, Given};
use crate::tasks::order_of;

/// Takes the settings of a schedule: of a new one, or on top of those it has.
pub(super) async fn take(
    context: &Context,
    fields: Fields,
    old: Option<Settings>,
) -> Result<Settings> {
    let mut form = Form::from(fields);
    form.ignore(&[
        "pulp_href",
        "prn",
        "pulp_created",
        "pulp_last_updated",
        "task_name",
        "last_task",
        "last_error",
    ]);
    let is_new = old.is_none();
    if is_new {
        form.require("name");
        form.require("type");
    }
    let mut settings = old.unwrap_or_else(|| Settings {
        name: String::new(),
        plugin: String::new(),
        type_name: String::new(),
        task_name: String::new(),
        parameters: Value::Object(Map::new()),
        dispatch_interval: None,
        cron: None,
        next_dispatch: None,
        enabled: true,
    });
    if let Some(name) = form.text("name") {
        settings.name = name;
    }
    let mut wants_task = is_new;
    if let Some(word) = form.text("type") {
        match word.trim_matches('/').split_once('/') {
            Some((plugin, type_name)) => {
                (settings.plugin, settings.type_name) = (plugin.to_owned(), type_name.to_owned());
                wants_task = true;
            }
            None => form.wrong(
                "type",
                "Expected a plugin and a type of its tasks, such as \"file/syncs\".",
            ),
        }
    }
    if let Some(parameters) = form.object("parameters") {
        settings.parameters = Value::Object(parameters);
        wants_task = true;
    }
    if let Some(enabled) = form.boolean("enabled") {
        settings.enabled = enabled;
    }
    take_times(&mut form, &mut settings);
    if wants_task && !form.is_wrong() {
        match check(context, &settings).await {
            Ok(task_name) => settings.task_name = task_name,
            Err(error) if error.is_mendable() => {
                for (name, messages) in error.field_errors() {
                    for message in messages {
                        form.wrong("parameters", format!("{name}: {message}"));
                    }
                }
            }
            Err(error) => return Err(error),
        }
    }
    form.finish()?;
    Ok(settings)
}

/// Pulp's name of the task that the settings make, if they make one now.
async fn check(context: &Context, settings: &Settings) -> Result<String> {
    let order = order_of(
        context,
        &settings.plugin,
        &settings.type_name,
        fields_of(settings),
    )
    .await?;
    Ok(order.name)
}

/// The parameters of the task.
pub(super) fn fields_of(settings: &Settings) -> Fields {
    Fields {
        map: settings.parameters.as_object().cloned().unwrap_or_default(),
        textual: false,
    }
}

/// When it runs. A new rhythm begins anew.
fn take_times(form: &mut Form, settings: &mut Settings) {
    let mut is_changed = false;
    match form.nullable_text("dispatch_interval") {
        Given::Absent => {}
        Given::Null => (settings.dispatch_interval, is_changed) = (None, true),
        Given::This(text) => match interval::parse(&text) {
            Some(micros) => (settings.dispatch_interval, is_changed) = (Some(micros), true),
            None => form.wrong(
                "dispatch_interval",
                "Expected a time of at least a second such as \"1 02:30:00\", \"P1DT2H30M\" or \
                 a number of seconds.",
            ),
        },
    }
    match form.nullable_text("cron") {
        Given::Absent => {}
        Given::Null => (settings.cron, is_changed) = (None, true),
        Given::This(text) => match Cron::from_str(&text) {
            Ok(_) => (settings.cron, is_changed) = (Some(text), true),
            Err(error) => form.wrong(
                "cron",
                format!("Expected a cron expression such as \"30 2 * * *\": {error}."),
            ),
        },
    }
    if settings.cron.is_some() && settings.dispatch_interval.is_some() {
        form.wrong_together("Give either 'cron' or 'dispatch_interval', but not both.");
    }
    match form.nullable_text("next_dispatch") {
        Given::This(text) => match Timestamp::parse(&text) {
            Some(moment) => settings.next_dispatch = Some(moment),
            None => form.wrong(
                "next_dispatch",
                "Expected a moment such as 2026-01-31T12:00:00Z.",
            ),
        },
        Given::Absent if is_changed => {
            settings.next_dispatch = following(settings, Timestamp::now());
        }
        Given::Absent => {}
        Given::Null => settings.next_dispatch = None,
    }
    let never = settings.next_dispatch.is_none()
        && settings.cron.is_none()
        && settings.dispatch_interval.is_none();
    if never && settings.task_name.is_empty() && !form.is_wrong() {
        form.wrong_together("One of 'cron', 'dispatch_interval' and 'next_dispatch' is needed.");
    }
}

/// When it runs next after a moment; what was missed in between is not made up for.
pub(super) fn following(settings: &Settings, after: Timestamp) -> Option<Timestamp> {
    if let Some(text) = &settings.cron {
        let cron = Cron::from_str(text).ok()?;
        let after = jiff::Timestamp::from_microsecond(after.0).ok()?;
        let next = cron
            .find_next_occurrence(&after.to_zoned(TimeZone::UTC), false)
            .ok()?;
        return Some(Timestamp(next.timestamp().as_microsecond()));
    }
    let interval = settings.dispatch_interval?.max(interval::SHORTEST);
    let last = match settings.next_dispatch {
        Some(last) if last <= after => last,
        _ => return Some(Timestamp(after.0.saturating_add(interval))),
    };
    // In step with the first run, however late this one was noticed.
    let steps = (after.0 - last.0) / interval + 1;
    Some(Timestamp(
        last.0.saturating_add(steps.saturating_mul(interval)),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings() -> Settings {
        Settings {
            name: "s".into(),
            plugin: "file".into(),
            type_name: "syncs".into(),
            task_name: "t".into(),
            parameters: Value::Null,
            dispatch_interval: None,
            cron: None,
            next_dispatch: None,
            enabled: true,
        }
    }

    fn at(text: &str) -> Timestamp {
        Timestamp::parse(text).expect("a moment")
    }

    #[test]
    fn a_cron_expression_is_in_utc() {
        let mut settings = settings();
        settings.cron = Some("30 2 * * *".into());
        let next = following(&settings, at("2026-01-31T02:30:00Z"));
        assert_eq!(next, Some(at("2026-02-01T02:30:00Z")));
    }

    #[test]
    fn an_interval_stays_in_step_and_skips_what_was_missed() {
        let mut settings = settings();
        settings.dispatch_interval = interval::parse("01:00:00");
        settings.next_dispatch = Some(at("2026-01-31T00:00:00Z"));
        let next = following(&settings, at("2026-01-31T05:10:00Z"));
        assert_eq!(next, Some(at("2026-01-31T06:00:00Z")));
        settings.next_dispatch = None;
        let next = following(&settings, at("2026-01-31T05:10:00Z"));
        assert_eq!(next, Some(at("2026-01-31T06:10:00Z")));
    }

    #[test]
    fn what_runs_once_does_not_run_again() {
        assert_eq!(following(&settings(), Timestamp::now()), None);
    }
}
