//! The parameters of a list: which page, in which order, which fields, and what is left
//! are filters.

use pith_db::list::{Column, Condition, Selection};
use pith_db::{Dialect, Value};
use pith_model::filter::{self, Operator};
use pith_model::{Reference, Root};

use crate::document::Projection;
use crate::error::{Error, Result};
use crate::label;

/// How many rows a page has if nothing is said.
const DEFAULT_LIMIT: i64 = 100;

/// The most that it can have.
const MOST: i64 = 1000;

/// What a client asks of a list.
#[derive(Clone, Debug, Default)]
pub(crate) struct Query {
    /// Rows of the page.
    pub(crate) limit: i64,
    /// Rows before it.
    pub(crate) offset: i64,
    /// Which fields are wanted.
    pub(crate) projection: Projection,
    ordering: Vec<(String, bool)>,
    /// Parameters that nobody took yet.
    filters: Vec<(String, String)>,
    /// All that are no place in the list, for the links to its other pages.
    others: Vec<(String, String)>,
    conditions: Vec<Condition>,
    known: Vec<&'static str>,
}

impl Query {
    /// Reads a query string.
    pub(crate) fn parse(text: Option<&str>) -> Result<Self> {
        let pairs: Vec<(String, String)> = serde_urlencoded::from_str(text.unwrap_or_default())
            .map_err(|_| Error::bad_request("The query string is damaged."))?;
        let mut query = Self {
            limit: DEFAULT_LIMIT,
            ..Self::default()
        };
        for (name, value) in pairs {
            if value.contains('\0') || name.contains('\0') {
                let name = name.replace('\0', "");
                return Err(Error::invalid(name, "Null characters are not allowed."));
            }
            match name.as_str() {
                "limit" => {
                    query.limit = match number(&name, &value)? {
                        0 => DEFAULT_LIMIT,
                        wanted => wanted.min(MOST),
                    };
                    continue;
                }
                "offset" => {
                    query.offset = number(&name, &value)?;
                    continue;
                }
                "fields" => query.projection.only.extend(words(&value)),
                "exclude_fields" => query.projection.except.extend(words(&value)),
                "ordering" => {
                    query
                        .ordering
                        .extend(words(&value).map(|word| match word.strip_prefix('-') {
                            Some(name) => (name.to_owned(), true),
                            None => (word, false),
                        }));
                }
                _ => query.filters.push((name.clone(), value.clone())),
            }
            query.others.push((name, value));
        }
        Ok(query)
    }

    /// Takes a parameter that is no column out of the filters.
    pub(crate) fn take(&mut self, name: &'static str) -> Option<String> {
        self.known.push(name);
        let at = self.filters.iter().position(|(key, _)| key == name)?;
        Some(self.filters.remove(at).1)
    }

    /// Adds a condition of the caller's own.
    pub(crate) fn push(&mut self, condition: Condition) {
        self.conditions.push(condition);
    }

    /// Adds a condition of the caller's own, written out.
    pub(crate) fn require(
        &mut self,
        text: impl Into<String>,
        values: impl IntoIterator<Item = Value>,
    ) {
        self.push(Condition::new(text, values));
    }

    /// Adds the condition that a column holds the UUID in a reference given as `name`
    /// (an href or a PRN), or one of several given as `name__in`.
    pub(crate) fn refer(
        &mut self,
        name: &'static str,
        name_in: &'static str,
        column: &str,
    ) -> Result<()> {
        for (name, several) in [(name, false), (name_in, true)] {
            while let Some(text) = self.take(name) {
                let texts: Vec<&str> = if several {
                    text.split(',').collect()
                } else {
                    vec![&text]
                };
                let uuids = texts
                    .into_iter()
                    .map(|text| {
                        Reference::parse(text.trim())
                            .map(|reference| reference.uuid)
                            .ok_or_else(|| Error::invalid(name, not_a_reference(text)))
                    })
                    .collect::<Result<Vec<_>>>()?;
                self.require(format!("{column} IN (?*)"), [uuids.into()]);
            }
        }
        Ok(())
    }

    /// Adds the conditions by which a resource is told by itself; `column` is its UUID.
    pub(crate) fn identify(&mut self, column: &str) -> Result<()> {
        self.refer("pulp_href", "pulp_href__in", column)?;
        self.refer("prn", "prn__in", column)
    }

    /// Adds the conditions on labels.
    pub(crate) fn label_select(&mut self, column: &str, dialect: Dialect) -> Result<()> {
        while let Some(text) = self.take("pulp_label_select") {
            for (key, test) in label::parse_select(&text)
                .map_err(|message| Error::invalid("pulp_label_select", message))?
            {
                self.push(pith_db::label::condition(column, &key, &test, dialect));
            }
        }
        Ok(())
    }

    /// Turns what is left into conditions on columns and gives the rows to ask for.
    pub(crate) fn select(&mut self, columns: &[Column], dialect: Dialect) -> Result<Selection> {
        for (parameter, literal) in std::mem::take(&mut self.filters) {
            let condition = self.compare(columns, &parameter, &literal, dialect)?;
            self.conditions.push(condition);
        }
        let order = self
            .ordering
            .iter()
            .map(|(name, descending)| {
                let column = find(columns, name).ok_or_else(|| {
                    let known = names(columns).join(", ");
                    Error::invalid(
                        "ordering",
                        format!("There is no field {name:?} to order by. Fields are: {known}."),
                    )
                })?;
                Ok((column.expression.to_string(), *descending))
            })
            .collect::<Result<_>>()?;
        Ok(Selection {
            conditions: self.conditions.clone(),
            order,
            limit: self.limit,
            offset: self.offset,
        })
    }

    fn compare(
        &self,
        columns: &[Column],
        parameter: &str,
        literal: &str,
        dialect: Dialect,
    ) -> Result<Condition> {
        // A field may be called `a__b` itself.
        let (column, operator) = if let Some(column) = find(columns, parameter) {
            (column, Operator::Exact)
        } else {
            let field = parameter
                .rsplit_once("__")
                .map_or(parameter, |(field, _)| field);
            let Some(column) = find(columns, field) else {
                return Err(Error::invalid(parameter, self.unknown(columns)));
            };
            let (_, operator) =
                filter::split(parameter).map_err(|message| Error::invalid(parameter, message))?;
            (column, operator)
        };
        Condition::compare(column, operator, literal, dialect)
            .map_err(|message| Error::invalid(parameter, message))
    }

    fn unknown(&self, columns: &[Column]) -> String {
        let mut known = names(columns);
        known.extend(self.known.iter().map(|name| (*name).to_owned()));
        known.sort();
        known.dedup();
        let operators: Vec<&str> = Operator::ALL.iter().map(|(name, _)| *name).collect();
        format!(
            "There is no such filter. Filters are: {}. A field can be followed by two \
             underscores and an operator: {}.",
            known.join(", "),
            operators.join(", ")
        )
    }

    /// The query string of another page of the same list.
    pub(crate) fn at_offset(&self, offset: i64) -> String {
        let place = [("limit", self.limit), ("offset", offset)];
        let place = place
            .into_iter()
            .filter(|(name, at)| *name == "limit" || *at > 0);
        let pairs: Vec<(String, String)> = place
            .map(|(name, at)| (name.to_owned(), at.to_string()))
            .chain(self.others.iter().cloned())
            .collect();
        serde_urlencoded::to_string(pairs).unwrap_or_default()
    }
}

/// Which fields of one resource are wanted.
pub(crate) fn projection(text: Option<&str>) -> Result<Projection> {
    match text {
        None => Ok(Projection::default()),
        Some(text) => Query::parse(Some(text)).map(|query| query.projection),
    }
}

/// What to tell whoever gave something else than a reference.
pub(crate) fn not_a_reference(text: &str) -> String {
    format!(
        "{text:?} is neither a path below {} or {} nor a PRN.",
        Root::Pulp.path(),
        Root::Short.path()
    )
}

fn number(name: &str, value: &str) -> Result<i64> {
    value
        .parse()
        .ok()
        .filter(|number| *number >= 0)
        .ok_or_else(|| Error::invalid(name, "A valid integer of at least 0 is required."))
}

fn words(value: &str) -> impl Iterator<Item = String> + '_ {
    value
        .split(',')
        .map(str::trim)
        .filter(|word| !word.is_empty())
        .map(str::to_owned)
}

fn find<'a>(columns: &'a [Column], name: &str) -> Option<&'a Column> {
    columns
        .iter()
        .find(|column| !name.is_empty() && column.name == name)
}

fn names(columns: &[Column]) -> Vec<String> {
    columns
        .iter()
        .filter(|column| !column.name.is_empty())
        .map(|column| column.name.to_string())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use pith_db::list::Kind;

    const COLUMNS: &[Column] = &[
        Column::new("name", "r.name", Kind::Text),
        Column::new("", "r.id", Kind::Integer),
        Column::new("pulp_created", "r.pulp_created", Kind::Time),
    ];

    fn select(text: &str) -> Result<Selection> {
        Query::parse(Some(text))?.select(COLUMNS, Dialect::Sqlite)
    }

    #[test]
    fn a_query_is_a_selection() {
        let selection =
            select("name__icontains=a&limit=5&offset=10&ordering=-name,pulp_created").unwrap();
        assert_eq!((selection.limit, selection.offset), (5, 10));
        assert_eq!(
            selection.order,
            [
                ("r.name".to_owned(), true),
                ("r.pulp_created".to_owned(), false)
            ]
        );
        assert_eq!(selection.conditions.len(), 1);
        assert_eq!(select("limit=0").unwrap().limit, 100);
        assert_eq!(select("limit=5000").unwrap().limit, 1000);
    }

    #[test]
    fn what_does_not_exist_is_named_with_what_does() {
        let text = |query: &str| format!("{:?}", select(query).unwrap_err());
        assert!(text("nome=x").contains("Filters are: name, pulp_created"));
        assert!(text("name__like=x").contains("istartswith"));
        assert!(text("ordering=id").contains("Fields are: name"));
        assert!(text("limit=x").contains("limit"));
        assert!(text("pulp_created__gte=x").contains("pulp_created__gte"));
    }

    #[test]
    fn the_links_to_other_pages_keep_the_filters() {
        let query = Query::parse(Some("name=a%20b&limit=5&offset=10&fields=name")).unwrap();
        assert_eq!(
            query.at_offset(15),
            "limit=5&offset=15&name=a+b&fields=name"
        );
        assert_eq!(query.at_offset(0), "limit=5&name=a+b&fields=name");
    }

    #[test]
    fn references_are_hrefs_or_prns() {
        let uuid = "0190e2f4-0000-7000-8000-000000000001";
        let text = format!("pulp_href__in=/pulp/api/v3/tasks/{uuid}/,/api/v3/tasks/{uuid}/");
        let mut query = Query::parse(Some(&text)).unwrap();
        query.identify("t.uuid").unwrap();
        let selection = query.select(COLUMNS, Dialect::Sqlite).unwrap();
        assert_eq!(selection.conditions[0].text, "t.uuid IN (?*)");
        let mut query = Query::parse(Some("pulp_href=x")).unwrap();
        assert!(query.identify("t.uuid").is_err());
    }
}
