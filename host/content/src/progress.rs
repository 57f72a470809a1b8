//! The progress reports of a task, gathered so that a plugin may report as often as it
//! likes.

use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

/// More kinds of report than anybody would read.
const MAX_REPORTS: usize = 50;

#[derive(Debug, Clone)]
struct Report {
    code: String,
    message: String,
    done: u64,
    total: Option<u64>,
    state: &'static str,
}

#[derive(Debug, Default)]
struct Reports {
    list: Vec<Report>,
    changed: bool,
}

/// The reports of one task; cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Progress(Arc<Mutex<Reports>>);

impl Progress {
    /// Sets how far a stage has come.
    pub fn report(&self, code: &str, message: &str, done: u64, total: Option<u64>) {
        self.with(code, message, |report| {
            report.done = done;
            report.total = total;
        });
    }

    /// Adds to a stage.
    pub fn advance(&self, code: &str, message: &str, by: u64) {
        self.with(code, message, |report| report.done += by);
    }

    /// Adds to what a stage has before it.
    pub fn expect(&self, code: &str, message: &str, more: u64) {
        self.with(code, message, |report| {
            report.total = Some(report.total.unwrap_or(0) + more);
        });
    }

    fn with(&self, code: &str, message: &str, change: impl FnOnce(&mut Report)) {
        let mut reports = self.0.lock().expect("nobody panics while holding it");
        reports.changed = true;
        if let Some(report) = reports.list.iter_mut().find(|report| report.code == code) {
            change(report);
            return;
        }
        if reports.list.len() < MAX_REPORTS {
            let short = |text: &str| text.chars().take(200).collect();
            let mut report = Report {
                code: short(code),
                message: short(message),
                done: 0,
                total: None,
                state: "running",
            };
            change(&mut report);
            reports.list.push(report);
        }
    }

    /// Ends every report that runs.
    pub fn end(&self, state: &'static str) {
        let mut reports = self.0.lock().expect("nobody panics while holding it");
        for report in &mut reports.list {
            if report.state == "running" {
                report.state = state;
                if state == "completed" && report.total.is_none() {
                    report.total = Some(report.done);
                }
            }
        }
        reports.changed = true;
    }

    /// As the API shows them.
    pub fn json(&self) -> Value {
        let reports = self.0.lock().expect("nobody panics while holding it");
        to_json(&reports.list)
    }

    /// As the API shows them, if they changed since the last call.
    pub fn take_changed(&self) -> Option<Value> {
        let mut reports = self.0.lock().expect("nobody panics while holding it");
        std::mem::take(&mut reports.changed).then(|| to_json(&reports.list))
    }
}

fn to_json(list: &[Report]) -> Value {
    list.iter()
        .map(|report| {
            json!({
                "message": report.message,
                "code": report.code,
                "state": report.state,
                "total": report.total,
                "done": report.done,
                "suffix": null,
            })
        })
        .collect()
}
