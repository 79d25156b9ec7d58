//! The calendar, for people and as RFC 3339. Must not hold when anything is valid.

use crate::domain::time::UnixSeconds;
use std::fmt;
use std::time::{SystemTime, UNIX_EPOCH};
use x509_parser::time::ASN1Time;

/// This moment.
pub(super) fn now() -> UnixSeconds {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    UnixSeconds(i64::try_from(since.as_secs()).unwrap_or(i64::MAX))
}

/// A moment in RFC 3339, in UTC.
pub(super) fn rfc3339(moment: UnixSeconds) -> impl fmt::Display {
    fmt::from_fn(move |f| {
        let Ok(time) = ASN1Time::from_timestamp(moment.0) else {
            return f.write_str("never");
        };
        let time = time.to_datetime();
        let (year, month, day) = (time.year(), u8::from(time.month()), time.day());
        let (hour, minute, second) = time.to_hms();
        write!(f, "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments() {
        for (seconds, text) in [
            (0, "1970-01-01T00:00:00Z"),
            (-1, "1969-12-31T23:59:59Z"),
            (951_782_400, "2000-02-29T00:00:00Z"),
            (253_402_300_799, "9999-12-31T23:59:59Z"),
        ] {
            assert_eq!(rfc3339(UnixSeconds(seconds)).to_string(), text);
        }
    }
}
