//! Moments, as microseconds since 1970-01-01 UTC, and how they are written.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::{Serialize, Serializer};

/// A moment with the precision that both databases keep: one microsecond.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(pub i64);

impl Timestamp {
    /// The wall clock.
    pub fn now() -> Self {
        let since = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or(Duration::ZERO);
        Self(i64::try_from(since.as_micros()).unwrap_or(i64::MAX))
    }

    /// This moment, `duration` earlier.
    #[must_use]
    pub fn minus(self, duration: Duration) -> Self {
        let micros = i64::try_from(duration.as_micros()).unwrap_or(i64::MAX);
        Self(self.0.saturating_sub(micros))
    }

    /// This moment, `duration` later.
    #[must_use]
    pub fn plus(self, duration: Duration) -> Self {
        let micros = i64::try_from(duration.as_micros()).unwrap_or(i64::MAX);
        Self(self.0.saturating_add(micros))
    }

    /// Reads RFC 3339 (`2026-01-31T12:00:00Z`, with or without a fraction and
    /// with any offset) or a plain date, which means its midnight UTC.
    pub fn parse(text: &str) -> Option<Self> {
        let moment = match text.parse::<jiff::Timestamp>() {
            Ok(moment) => moment,
            Err(_) => text
                .parse::<jiff::civil::DateTime>()
                .ok()?
                .to_zoned(jiff::tz::TimeZone::UTC)
                .ok()?
                .timestamp(),
        };
        Some(Self(moment.as_microsecond()))
    }

    /// As mails and HTTP write it: `Tue, 19 Jul 2011 21:55:38 +0000`.
    pub fn rfc2822(self) -> String {
        let zoned = jiff::Timestamp::from_microsecond(self.0)
            .map(|moment| moment.to_zoned(jiff::tz::TimeZone::UTC));
        zoned
            .and_then(|zoned| jiff::fmt::rfc2822::to_string(&zoned))
            .unwrap_or_default()
    }

    /// As a system time, for HTTP dates.
    pub fn system_time(self) -> SystemTime {
        UNIX_EPOCH + Duration::from_micros(u64::try_from(self.0).unwrap_or(0))
    }
}

impl std::fmt::Display for Timestamp {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match jiff::Timestamp::from_microsecond(self.0) {
            Ok(moment) => write!(f, "{moment:.6}"),
            Err(_) => f.write_str("out of range"),
        }
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_round_trips() {
        let moment = Timestamp(1_700_000_000_123_456);
        assert_eq!(moment.to_string(), "2023-11-14T22:13:20.123456Z");
        assert_eq!(Timestamp::parse(&moment.to_string()), Some(moment));
        assert_eq!(
            Timestamp::parse("2023-11-14")
                .map(|t| t.to_string())
                .as_deref(),
            Some("2023-11-14T00:00:00.000000Z")
        );
        assert_eq!(Timestamp::parse("yesterday"), None);
        let moment = Timestamp::parse("2011-07-19T21:55:38Z").map(Timestamp::rfc2822);
        assert_eq!(moment.as_deref(), Some("Tue, 19 Jul 2011 21:55:38 +0000"));
    }
}
