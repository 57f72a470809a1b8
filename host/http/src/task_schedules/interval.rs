//! How long between two runs: read and written as Pulp does (`1 02:30:00`), in ISO 8601
//! (`P1DT2H30M`), or as seconds.

use std::fmt::Write as _;

const SECOND: i64 = 1_000_000;
const DAY: i64 = 24 * 3600 * SECOND;

/// The shortest: tasks are no clock.
pub(super) const SHORTEST: i64 = SECOND;

/// A hundred years.
const LONGEST: i64 = 36_525 * DAY;

/// Microseconds.
pub(super) fn parse(text: &str) -> Option<i64> {
    let text = text.trim();
    let micros = if text.starts_with('P') {
        let span: jiff::SignedDuration = iso(text)?;
        i64::try_from(span.as_micros()).ok()?
    } else {
        clock(text)?
    };
    (SHORTEST..=LONGEST).contains(&micros).then_some(micros)
}

/// `P1DT2H30M`, a day being 24 hours.
fn iso(text: &str) -> Option<jiff::SignedDuration> {
    let span: jiff::Span = text.parse().ok()?;
    let options = jiff::SpanRelativeTo::days_are_24_hours();
    span.to_duration(options).ok()
}

/// `[days ][[hours:]minutes:]seconds[.fraction]`
fn clock(text: &str) -> Option<i64> {
    let (days, rest) = match text.split_once(' ') {
        Some((days, rest)) => (days.parse::<i64>().ok()?, rest),
        None => (0, text),
    };
    let (whole, fraction) = rest.split_once('.').unwrap_or((rest, ""));
    let mut seconds: i64 = 0;
    for part in whole.split(':') {
        let number: u32 = part.parse().ok()?;
        seconds = seconds.checked_mul(60)?.checked_add(number.into())?;
    }
    if whole.split(':').count() > 3 || fraction.len() > 6 {
        return None;
    }
    let micros: i64 = match fraction {
        "" => 0,
        digits => format!("{digits:0<6}").parse::<u32>().ok()?.into(),
    };
    let days = days.checked_mul(DAY)?;
    days.checked_add(seconds.checked_mul(SECOND)?)?
        .checked_add(micros)
}

/// As Pulp writes it.
pub(super) fn write(micros: i64) -> String {
    let (days, rest) = (micros / DAY, micros % DAY);
    let seconds = rest / SECOND;
    let (hours, minutes) = (seconds / 3600, seconds / 60 % 60);
    let mut text = String::new();
    if days > 0 {
        text = format!("{days} ");
    }
    let _ = write!(text, "{hours:02}:{minutes:02}:{:02}", seconds % 60);
    if rest % SECOND > 0 {
        let _ = write!(text, ".{:06}", rest % SECOND);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_means_the_same() {
        let long = DAY + (2 * 3600 + 30 * 60) * SECOND;
        for text in ["1 02:30:00", "P1DT2H30M", "PT26H30M", "95400"] {
            assert_eq!(parse(text), Some(long), "{text}");
        }
        assert_eq!(write(long), "1 02:30:00");
        assert_eq!(parse("00:00:01.5"), Some(1_500_000));
        assert_eq!(write(1_500_000), "00:00:01.500000");
        assert_eq!(parse(&write(1_500_000)), Some(1_500_000));
        for wrong in ["", "0", "soon", "-1", "1:2:3:4", "P1Y2W3", "9999999999999"] {
            assert_eq!(parse(wrong), None, "{wrong}");
        }
    }
}
