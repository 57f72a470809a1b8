//! Many rows at once: `insert_many(c, "INSERT INTO t (a, b)", rows, "")`.

use futures::future::BoxFuture;

use crate::database::{Connection, Raw};
use crate::error::Result;
use crate::sqlite::{Insertion, Speed};
use crate::statement::{Value, sql};

/// So many rows are inserted in no time.
const FEW: usize = 4;

/// So many values go to the database in one piece at most; PostgreSQL takes 65,535.
const MOST_VALUES: usize = 60_000;

/// So many rows do.
const MOST_ROWS: usize = 512;

/// Rows whose values stand one after the other.
type Piece = Vec<Value>;

/// Inserts many rows with few trips to the database. `head` is `INSERT INTO t (a, b)`, `tail`
/// may be an `ON CONFLICT` clause; every row has as many values as `head` has columns.
/// How many rows there are more, or other.
pub fn insert_many<'a>(
    connection: &'a mut Connection,
    head: &'a str,
    rows: impl IntoIterator<Item = Vec<Value>>,
    tail: &'a str,
) -> BoxFuture<'a, Result<u64>> {
    // Gathered before anything waits, so that the caller's iterator may borrow. In pieces, so
    // that nothing large grows.
    let mut rows = rows.into_iter().peekable();
    let width = rows.peek().map_or(1, Vec::len);
    let most = (MOST_VALUES / width).clamp(1, MOST_ROWS) * width;
    let mut pieces: Vec<Piece> = Vec::new();
    for row in rows {
        match pieces.last_mut() {
            Some(piece) if piece.len() < most => piece.extend(row),
            Some(_) => {
                let mut piece = Vec::with_capacity(most);
                piece.extend(row);
                pieces.push(piece);
            }
            None => pieces.push(row),
        }
    }
    Box::pin(insert_pieces(connection, head, width, pieces, tail))
}

async fn insert_pieces(
    connection: &mut Connection,
    head: &str,
    width: usize,
    pieces: Vec<Piece>,
    tail: &str,
) -> Result<u64> {
    let speed = match pieces.as_slice() {
        [] => return Ok(0),
        [few] if few.len() <= FEW * width => Speed::Quick,
        _ => Speed::Slow,
    };
    if let Raw::Sqlite(session) = connection.raw(speed) {
        // A statement of one row, again and again: that costs it less than one of many.
        let insertion = Insertion::new(&text(head, width, 1, tail), width, pieces);
        return session.insert(speed, insertion).await;
    }
    let mut changed = 0;
    for mut values in pieces {
        while !values.is_empty() {
            // Powers of two, so that few texts of statements are in use and stay prepared.
            let count = 1 << (values.len() / width).ilog2();
            let rest = values.split_off(count * width);
            let statement = sql(text(head, width, count, tail)).bind_all(values);
            changed += statement.execute(connection).await?;
            values = rest;
        }
    }
    Ok(changed)
}

fn text(head: &str, width: usize, count: usize, tail: &str) -> String {
    let row = format!("({})", vec!["?"; width].join(","));
    let rows = vec![row.as_str(); count].join(",");
    format!("{head} VALUES {rows} {tail}")
}
