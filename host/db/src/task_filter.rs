//! Conditions on what tasks hold and on what they made.

use crate::dialect::Dialect;
use crate::list::Condition;

/// Tasks one of whose entries in `reserved_resources_record` is among `records`.
pub fn reserves(records: Vec<String>, dialect: Dialect) -> Condition {
    let entries = match dialect {
        Dialect::Sqlite => "json_each(t.reserved) e",
        Dialect::Postgres => "jsonb_array_elements_text(t.reserved) e(value)",
    };
    Condition::new(
        format!("EXISTS (SELECT 1 FROM {entries} WHERE e.value IN (?*))"),
        [records.into()],
    )
}

/// Tasks that made one of these, given as paths below an API root and as PRNs.
pub fn created(paths: Vec<String>, prns: Vec<String>, dialect: Dialect) -> Condition {
    let text = match dialect {
        Dialect::Sqlite => {
            "EXISTS (SELECT 1 FROM json_each(t.created) e
                     WHERE json_extract(e.value, '$.path') IN (?*)
                        OR json_extract(e.value, '$.prn') IN (?*))"
        }
        Dialect::Postgres => {
            "EXISTS (SELECT 1 FROM jsonb_array_elements(t.created) e(value)
                     WHERE e.value ->> 'path' IN (?*) OR e.value ->> 'prn' IN (?*))"
        }
    };
    Condition::new(text, [paths.into(), prns.into()])
}
