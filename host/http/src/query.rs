//! The parameters of a list: which page, in which order, which fields, and what is left
//! are filters.

use pith_db::compare::Literal;
use pith_db::filter::{self, Refusal, find};
use pith_db::list::{Column, Condition, Selection};
use pith_db::order_key::Asked;
use pith_db::{Dialect, Value as SqlValue};
use pith_model::expression::{Expression, Given, Sign, Term};
use pith_model::{Reference, Root};
use uuid::Uuid;

use crate::document::Projection;
use crate::error::{Error, Result};
use crate::label;

/// How many rows a page has if nothing is said.
const DEFAULT_LIMIT: i64 = 100;

/// The most that it can have.
const MOST: i64 = 1000;

/// Most values in the filters of one request: they are parameters of one SQL statement.
const MOST_VALUES: usize = 20_000;

/// The filter that keeps one unit of several.
pub(crate) const GREATEST: &str = "greatest";

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
    /// The root that hrefs in the answer begin with.
    root: Root,
    conditions: Vec<Condition>,
    /// Of `q`; each term is the number of a slot.
    expressions: Vec<Expression<usize>>,
    slots: Vec<Slot>,
    /// Names of filters that no index answers.
    slow: Vec<String>,
    known: Vec<String>,
}

/// A term of `q` on its way to being a condition.
#[derive(Clone, Debug)]
enum Slot {
    Open(Term),
    Settled(Condition),
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
                "q" => query.add_expression(&value)?,
                _ => query.filters.push((name.clone(), value.clone())),
            }
            query.others.push((name, value));
        }
        Ok(query)
    }

    /// Says below which root the answer's hrefs are.
    pub(crate) fn below(mut self, root: Root) -> Self {
        self.root = root;
        self
    }

    /// Takes the summaries that are asked for out of the filters.
    pub(crate) fn include_related(&mut self, known: &[&'static str]) -> Result<Vec<&'static str>> {
        let mut included = Vec::new();
        while let Some(text) = self.take("include_related") {
            for word in words(&text) {
                let Some(name) = known.iter().find(|name| **name == word) else {
                    let message = format!(
                        "There is no summary {word:?}. Summaries are: {}.",
                        known.join(", ")
                    );
                    return Err(Error::invalid("include_related", message));
                };
                included.push(*name);
            }
        }
        Ok(included)
    }

    fn add_expression(&mut self, text: &str) -> Result<()> {
        let expression = Expression::parse(text).map_err(|message| Error::invalid("q", message))?;
        let slots = &mut self.slots;
        let numbered = expression.try_map(&mut |term| {
            slots.push(Slot::Open(term));
            Ok::<_, Error>(slots.len() - 1)
        })?;
        self.expressions.push(numbered);
        Ok(())
    }

    /// What is asked of a filter that is no column, as parameters and within `q`.
    pub(crate) fn given(&mut self, name: &str) -> Vec<String> {
        self.known.push(name.to_owned());
        self.given_as(name)
    }

    fn given_as(&self, name: &str) -> Vec<String> {
        let parameters = self.filters.iter().filter(|(key, _)| key == name);
        let parameters = parameters.map(|(_, text)| text.clone());
        let terms = self.slots.iter().filter_map(|slot| match slot {
            Slot::Open(term) => text_of(term, name),
            Slot::Settled(_) => None,
        });
        let mut texts: Vec<String> = parameters.chain(terms).collect();
        texts.sort();
        texts.dedup();
        texts
    }

    /// Puts the condition that a filter means into every place where it is asked for.
    pub(crate) fn settle(&mut self, name: &str, text: &str, condition: &Condition) {
        let before = self.filters.len();
        self.filters
            .retain(|(key, value)| key != name || value != text);
        if self.filters.len() < before {
            self.add(name, condition.clone());
        }
        for slot in &mut self.slots {
            let Slot::Open(term) = slot else { continue };
            if text_of(term, name).is_some_and(|given| given == text) {
                // Whatever else an expression asks: this may look at many rows for each.
                if condition.is_slow {
                    self.slow.push(name.to_owned());
                }
                let condition = Expression::Term(condition.clone());
                *slot = Slot::Settled(Condition::of(match term.sign {
                    Sign::Unequal => Expression::Not(Box::new(condition)),
                    _ => condition,
                }));
            }
        }
    }

    /// Gives a meaning to a filter that is no column.
    pub(crate) fn filter(
        &mut self,
        name: &str,
        mut meaning: impl FnMut(&str) -> Result<Condition>,
    ) -> Result<()> {
        for text in self.given(name) {
            let condition = meaning(&text)?;
            self.settle(name, &text, &condition);
        }
        Ok(())
    }

    fn add(&mut self, name: &str, condition: Condition) {
        if condition.is_slow {
            self.slow.push(name.to_owned());
        }
        self.conditions.push(condition);
    }

    /// Takes a parameter that is no condition out of the filters.
    pub(crate) fn take(&mut self, name: &'static str) -> Option<String> {
        self.known.push(name.to_owned());
        let at = self.filters.iter().position(|(key, _)| key == name)?;
        Some(self.filters.remove(at).1)
    }

    /// Adds a condition of the caller's own.
    pub(crate) fn push(&mut self, condition: Condition) {
        self.conditions.push(condition);
    }

    /// Leaves out what the caller may not see.
    pub(crate) fn only(&mut self, seen: Option<Condition>) {
        self.conditions.extend(seen);
    }

    /// Gives a meaning to the filters `name` and `name_in`: that a column holds the UUID in
    /// a reference (an href or a PRN), or in one of several.
    pub(crate) fn refer(
        &mut self,
        name: &'static str,
        name_in: &'static str,
        column: &str,
    ) -> Result<()> {
        self.refer_by(name, name_in, |test, uuids| {
            Condition::new(format!("{column} {test}"), [uuids])
        })
    }

    /// As [`refer`](Self::refer), of what is no column: `condition` is made of the test that the
    /// UUID has to pass, and its value.
    pub(crate) fn refer_by(
        &mut self,
        name: &str,
        name_in: &str,
        condition: impl Fn(&str, SqlValue) -> Condition,
    ) -> Result<()> {
        self.filter(name, |text| {
            Ok(condition("= ?", uuid_of(name, text)?.into()))
        })?;
        self.filter(name_in, |text| {
            let uuids = text.split(',').map(|text| uuid_of(name_in, text));
            let uuids = uuids.collect::<Result<Vec<_>>>()?;
            Ok(condition("IN (?*)", uuids.into()))
        })
    }

    /// Adds the conditions by which a resource is told by itself; `column` is its UUID.
    pub(crate) fn identify(&mut self, column: &str) -> Result<()> {
        self.refer("pulp_href", "pulp_href__in", column)?;
        self.refer("prn", "prn__in", column)
    }

    /// The same for what nothing else refers to: its UUID is the last word of its path.
    pub(crate) fn identify_by_last_word(&mut self, column: &str) -> Result<()> {
        for name in ["pulp_href", "pulp_href__in", "prn", "prn__in"] {
            self.filter(name, |text| {
                let uuids = text.split(',').map(|text| {
                    let word = text.trim().trim_end_matches('/').rsplit(['/', ':']).next();
                    word.and_then(|word| Uuid::try_parse(word).ok())
                        .ok_or_else(|| Error::invalid(name, not_a_reference(text)))
                });
                let uuids = uuids.collect::<Result<Vec<_>>>()?;
                Ok(Condition::new(format!("{column} IN (?*)"), [uuids.into()]))
            })?;
        }
        Ok(())
    }

    /// The same for what has a number in its place.
    pub(crate) fn identify_by_number(&mut self, column: &str) -> Result<()> {
        let names = [
            "pulp_href",
            "pulp_href__in",
            "prn",
            "prn__in",
            "pulp_id__in",
        ];
        for name in names {
            self.filter(name, |text| {
                let ids = numbers(name, text)?;
                Ok(Condition::new(format!("{column} IN (?*)"), [ids.into()]))
            })?;
        }
        Ok(())
    }

    /// Adds the conditions on labels.
    pub(crate) fn label_select(&mut self, column: &str, dialect: Dialect) -> Result<()> {
        self.filter("pulp_label_select", |text| {
            let tests = label::parse_select(text)
                .map_err(|message| Error::invalid("pulp_label_select", message))?;
            let conditions = tests.iter().map(|(key, test)| {
                Expression::Term(pith_db::label::condition(column, key, test, dialect))
            });
            Ok(Condition::of(Expression::All(conditions.collect())))
        })
    }

    /// What is compared or sorted in the order of a format.
    pub(crate) fn asked(&self, columns: &[Column]) -> Asked {
        let mut asked = Asked::default();
        let sorted = |name: &str| {
            let column = find(columns, name).filter(|column| column.order.is_some());
            column.map(|column| (column.name.as_ref(), Vec::new()))
        };
        for text in self.given_as(GREATEST) {
            asked.extend(sorted(text.split(':').next().unwrap_or_default().trim()));
        }
        for (name, literal) in &self.filters {
            asked.extend(filter::asked(columns, name, Literal::Text(literal)));
        }
        for slot in &self.slots {
            if let Slot::Open(term) = slot {
                asked.extend(filter::asked_by_term(columns, term));
            }
        }
        for (name, _) in &self.ordering {
            asked.extend(sorted(name));
        }
        asked
    }

    /// Turns what is left into conditions on columns and gives the rows to ask for.
    pub(crate) fn select(&mut self, columns: &[Column], dialect: Dialect) -> Result<Selection> {
        let expanded: Vec<Column>;
        let asks = !(self.filters.is_empty() && self.slots.is_empty() && self.ordering.is_empty());
        let columns = if asks {
            let root = self.root.path();
            expanded = columns
                .iter()
                .map(|one| one.expanded(root, dialect))
                .collect();
            expanded.as_slice()
        } else {
            columns
        };
        for (parameter, literal) in std::mem::take(&mut self.filters) {
            let condition =
                filter::condition(columns, &parameter, Literal::Text(&literal), dialect)
                    .map_err(|refusal| self.refuse(&parameter, refusal, columns))?;
            self.add(&parameter, condition);
        }
        for expression in std::mem::take(&mut self.expressions) {
            let expression = expression.try_map(&mut |slot: usize| match &self.slots[slot] {
                Slot::Settled(condition) => Ok(condition.clone()),
                Slot::Open(term) => filter::condition_of_term(columns, term, dialect)
                    .map_err(|refusal| self.refuse_term(term, refusal, columns)),
            })?;
            self.add("q", Condition::of(expression));
        }
        let values: usize = self.conditions.iter().map(|one| one.values.len()).sum();
        if values > MOST_VALUES {
            return Err(Error::invalid_together(format!(
                "The filters have {values} values together; at most {MOST_VALUES} are possible."
            )));
        }
        let mut order = Vec::with_capacity(self.ordering.len());
        for (name, descending) in &self.ordering {
            let column = find(columns, name).ok_or_else(|| {
                let known = names(columns).join(", ");
                Error::invalid(
                    "ordering",
                    format!("There is no field {name:?} to order by. Fields are: {known}."),
                )
            })?;
            if !column.is_indexed {
                self.slow.push("ordering".to_owned());
            }
            order.push((column.sorting().to_owned(), *descending));
        }
        Ok(Selection {
            conditions: self.conditions.clone(),
            order,
            limit: self.limit,
            offset: self.offset,
            slow: self.slow.clone(),
            ..Selection::default()
        })
    }

    fn refuse(&self, parameter: &str, refusal: Refusal, columns: &[Column]) -> Error {
        match refusal {
            Refusal::NoSuchField => Error::invalid(parameter, self.unknown(columns)),
            Refusal::Wrong(message) => Error::invalid(parameter, message),
        }
    }

    fn refuse_term(&self, term: &Term, refusal: Refusal, columns: &[Column]) -> Error {
        let message = match refusal {
            Refusal::NoSuchField => self.unknown(columns),
            Refusal::Wrong(message) => message,
        };
        Error::invalid("q", format!("{}: {message}", term.field))
    }

    fn unknown(&self, columns: &[Column]) -> String {
        let mut known = names(columns);
        known.extend(self.known.iter().cloned());
        known.sort();
        known.dedup();
        format!(
            "There is no such filter. Filters are: {}. A field can be followed by two \
             underscores and an operator: {}.",
            known.join(", "),
            pith_model::filter::words()
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

/// What a term asks of a filter, as a parameter of that name would say it; none if it is
/// about something else.
fn text_of(term: &Term, name: &str) -> Option<String> {
    let text = match &term.given {
        Given::One(text) => text.clone(),
        Given::List(list) => list.join(","),
    };
    let asks = match term.sign {
        Sign::Equal | Sign::Unequal => term.field == name,
        Sign::In => name.strip_suffix("__in") == Some(&term.field),
        _ => false,
    };
    asks.then_some(text)
}

/// Users and groups as hrefs and PRNs name them: by number.
fn numbers(parameter: &str, text: &str) -> Result<Vec<i64>> {
    text.split(',')
        .map(|text| {
            let last = text.trim().trim_end_matches('/').rsplit(['/', ':']).next();
            last.and_then(|last| last.parse().ok())
                .ok_or_else(|| Error::invalid(parameter, not_a_reference(text)))
        })
        .collect()
}

fn uuid_of(parameter: &str, text: &str) -> Result<Uuid> {
    match Reference::parse(text.trim()) {
        Some(reference) => Ok(reference.uuid),
        None => Err(Error::invalid(parameter, not_a_reference(text))),
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
    fn what_is_slow_for_each_row_is_named_wherever_it_stands() {
        let columns = [Column::new("name", "r.name", Kind::Text).indexed()];
        for (text, slow) in [
            ("with=x", &["with"][..]),
            ("q=name%3Dx%20AND%20with%3Dx", &["with"]),
            ("q=name%3Dx%20OR%20with!%3Dx", &["with", "q"]),
            ("name=x", &[]),
        ] {
            let mut query = Query::parse(Some(text)).unwrap();
            let meaning = |_: &str| Ok(Condition::slow("EXISTS (SELECT 1)", []));
            query.filter("with", meaning).unwrap();
            let selection = query.select(&columns, Dialect::Sqlite).unwrap();
            assert_eq!(selection.slow, slow, "{text}");
        }
    }

    #[test]
    fn what_does_not_exist_is_named_with_what_does() {
        let text = |query: &str| format!("{:?}", select(query).unwrap_err());
        assert!(text("nome=x").contains("Filters are: name, pulp_created"));
        assert!(text("name__like=x").contains("istartswith"));
        assert!(text("ordering=id").contains("Fields are: name"));
        assert!(text("limit=x").contains("limit"));
        assert!(text("pulp_created__gte=x").contains("pulp_created__gte"));
        assert!(text("q=nome%3Dx").contains("nome: There is no such filter"));
        assert!(text("q=name").contains("At character 5"));
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
        let text = format!("q=NOT+pulp_href%3D/pulp/api/v3/tasks/{uuid}/+AND+name%3Dx");
        let mut query = Query::parse(Some(&text)).unwrap();
        query.identify("t.uuid").unwrap();
        let selection = query.select(COLUMNS, Dialect::Sqlite).unwrap();
        assert_eq!(
            selection.conditions[0].text,
            "((t.uuid = ?) IS NOT TRUE) AND (r.name = ?)"
        );
        let mut query = Query::parse(Some("pulp_href=x")).unwrap();
        assert!(query.identify("t.uuid").is_err());
    }
}
