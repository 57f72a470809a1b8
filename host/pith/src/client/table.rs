//! What a command prints: tables for people, JSON for programs.

use clap::Args;
use serde_json::Value;

/// How the answer looks.
#[derive(Clone, Copy, Debug, Args)]
#[command(next_help_heading = "Output")]
pub(crate) struct Output {
    /// Print the server's answer as JSON.
    #[arg(long, global = true)]
    pub(super) json: bool,
}

/// A longer cell is cut: a table is for looking, `--json` for reading.
const WIDEST: usize = 60;

impl Output {
    /// Prints rows: a column is a title and the path of a field in dots.
    pub(super) fn rows(self, rows: &[Value], count: u64, columns: &[(&str, &str)]) {
        if self.json {
            println!("{}", pretty(&Value::Array(rows.to_vec())));
            return;
        }
        let mut cells: Vec<Vec<String>> = vec![
            columns
                .iter()
                .map(|(title, _)| (*title).to_owned())
                .collect(),
        ];
        cells.extend(rows.iter().map(|row| {
            let columns = columns.iter();
            columns.map(|(_, path)| cell(row, path)).collect()
        }));
        print(&cells);
        if (rows.len() as u64) < count {
            eprintln!("{} of {count}; --limit shows more", rows.len());
        }
    }

    /// Prints one resource, a field a line.
    pub(super) fn resource(self, document: &Value) {
        if self.json || !document.is_object() {
            println!("{}", pretty(document));
            return;
        }
        let fields = document.as_object().into_iter().flatten();
        let cells: Vec<Vec<String>> = fields
            .filter(|(_, value)| !value.is_null())
            .map(|(name, value)| vec![name.clone(), plain(value)])
            .collect();
        print(&cells);
    }

    /// Prints a sentence, or the document that it is about.
    pub(super) fn said(self, sentence: &str, document: &Value) {
        if self.json {
            println!("{}", pretty(document));
        } else {
            println!("{sentence}");
        }
    }
}

fn pretty(value: &Value) -> String {
    serde_json::to_string_pretty(value).unwrap_or_default()
}

fn cell(row: &Value, path: &str) -> String {
    let value = path.split('.').fold(row, |value, name| &value[name]);
    let text = plain(value);
    if text.chars().count() <= WIDEST {
        return text;
    }
    let cut: String = text.chars().take(WIDEST - 1).collect();
    format!("{cut}…")
}

/// A value in a line, without characters that a terminal would obey.
pub(super) fn plain(value: &Value) -> String {
    let text = match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        Value::Array(list) => list.iter().map(plain).collect::<Vec<_>>().join(", "),
        other => other.to_string(),
    };
    text.replace(char::is_control, " ")
}

fn print(cells: &[Vec<String>]) {
    let columns = cells.iter().map(Vec::len).max().unwrap_or(0);
    let width = |column: usize| {
        let lengths = cells.iter().filter_map(|row| row.get(column));
        lengths.map(|cell| cell.chars().count()).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..columns).map(width).collect();
    for row in cells {
        let line: Vec<String> = row
            .iter()
            .zip(&widths)
            .map(|(cell, width)| format!("{cell:<width$}"))
            .collect();
        println!("{}", line.join("  ").trim_end());
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn cells_are_short_and_harmless() {
        let row = json!({"a": {"b": "x\u{1b}[2J"}, "list": [1, "two"]});
        assert_eq!(cell(&row, "a.b"), "x [2J");
        assert_eq!(cell(&row, "list"), "1, two");
        assert_eq!(cell(&row, "none"), "");
        assert_eq!(
            cell(&json!({"a": "x".repeat(99)}), "a").chars().count(),
            WIDEST
        );
    }
}
