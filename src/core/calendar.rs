//! The calendar in UTC: the windows of quotas, and RFC 3339 text. Reads no clock.

use crate::domain::quota::{Period, Window};
use crate::domain::time::{Nanos, UnixSeconds};
use std::fmt;
use time::{Date, OffsetDateTime, Time};

/// The window of this period that contains `at`; `None` beyond the year 9999, or as far back.
pub fn window(period: Period, UnixSeconds(now): UnixSeconds) -> Option<Window> {
    let date = OffsetDateTime::from_unix_timestamp(now).ok()?.date();
    let (starts, ends) = match period {
        Period::Hour => fixed(now, 3600)?,
        Period::Day => fixed(now, 86_400)?,
        Period::Month => {
            let first = |year, month| Date::from_calendar_date(year, month, 1).ok();
            let following = date.month().next();
            let year = if following == time::Month::January { date.year().checked_add(1)? } else { date.year() };
            let midnight = |date: Date| date.midnight().assume_utc().unix_timestamp();
            (midnight(first(date.year(), date.month())?), midnight(first(year, following)?))
        }
    };
    Some(Window { starts: UnixSeconds(starts), ends: UnixSeconds(ends) })
}

/// The moment of an RFC 3339 text (section 5.6) in UTC and whole seconds: `2026-11-24T12:00:00Z`.
pub fn moment(text: &str) -> Option<UnixSeconds> {
    let (date, time) = text.strip_suffix('Z')?.split_once('T')?;
    let [year, month, day] = numbers(date, '-', [4, 2, 2])?;
    let [hour, minute, second] = numbers(time, ':', [2, 2, 2])?;
    let small = |number: u16| u8::try_from(number).ok();
    let date = Date::from_calendar_date(year.into(), small(month)?.try_into().ok()?, small(day)?).ok()?;
    let time = Time::from_hms(small(hour)?, small(minute)?, small(second)?).ok()?;
    Some(UnixSeconds(date.with_time(time).assume_utc().unix_timestamp()))
}

/// A moment as text that [`moment`] reads.
pub fn rfc3339(moment: UnixSeconds) -> impl fmt::Display {
    fmt::from_fn(move |f| write(f, moment, None))
}

/// A moment, given in nanoseconds since 1970, as text to the millisecond: `2026-11-24T12:00:00.000Z`.
pub fn rfc3339_to_the_millisecond(nanos: u64) -> impl fmt::Display {
    let seconds = nanos.div_euclid(Nanos::PER_SECOND);
    let millis = nanos.rem_euclid(Nanos::PER_SECOND).div_euclid(1_000_000);
    fmt::from_fn(move |f| write(f, UnixSeconds(i64::try_from(seconds).unwrap_or(i64::MAX)), Some(millis)))
}

fn write(f: &mut fmt::Formatter<'_>, UnixSeconds(moment): UnixSeconds, millis: Option<u64>) -> fmt::Result {
    let Ok(time) = OffsetDateTime::from_unix_timestamp(moment) else { return f.write_str("never") };
    let (year, month, day) = (time.year(), u8::from(time.month()), time.day());
    let (hour, minute, second) = time.to_hms();
    write!(f, "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}")?;
    if let Some(millis) = millis {
        write!(f, ".{millis:03}")?;
    }
    f.write_str("Z")
}

/// Three numbers with these counts of digits.
fn numbers(text: &str, separator: char, lengths: [usize; 3]) -> Option<[u16; 3]> {
    let mut parts = text.split(separator);
    let numbers = lengths.map(|length| {
        let digits = parts.next().filter(|part| part.len() == length)?;
        digits.bytes().all(|byte| byte.is_ascii_digit()).then(|| digits.parse().ok())?
    });
    let [first, second, third] = numbers;
    parts.next().is_none().then_some([first?, second?, third?])
}

/// Start and end of the window of a fixed length, in seconds since 1970. All days have the same length: Unix time has
/// no leap seconds.
fn fixed(now: i64, length: i64) -> Option<(i64, i64)> {
    let starts = now.checked_sub(now.checked_rem_euclid(length)?)?;
    Some((starts, starts.checked_add(length)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_read_to_the_letter() {
        let seconds = |text| moment(text).map(|moment| moment.0);
        assert_eq!(seconds("1970-01-01T00:00:00Z"), Some(0));
        assert_eq!(seconds("2024-02-29T13:45:59Z"), Some(1_709_214_359));
        assert_eq!(seconds("9999-12-31T23:59:59Z"), Some(253_402_300_799));
        for wrong in [
            "",
            "2024-02-29",
            "2024-02-29T13:45:59",
            "2024-02-29 13:45:59Z",
            "2024-02-29T13:45:59+00:00",
            "2023-02-29T00:00:00Z",
            "2024-2-29T13:45:59Z",
            "2024-02-29T13:45Z",
            "2024-02-29T24:00:00Z",
            "2024-02-29T13:45:59.5Z",
            "+024-02-29T13:45:59Z",
            "2024-02-29T13:45:59Z:00",
            "2024-02-29-01T13:45:59Z",
            "2024-02-29T13:45:60Z",
        ] {
            assert_eq!(moment(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn moments_are_written_as_they_are_read() {
        for (seconds, text) in [
            (0, "1970-01-01T00:00:00Z"),
            (-1, "1969-12-31T23:59:59Z"),
            (951_782_400, "2000-02-29T00:00:00Z"),
            (253_402_300_799, "9999-12-31T23:59:59Z"),
        ] {
            assert_eq!(rfc3339(UnixSeconds(seconds)).to_string(), text);
            assert_eq!(moment(text), Some(UnixSeconds(seconds)));
        }
        assert_eq!(rfc3339(UnixSeconds(i64::MAX)).to_string(), "never");
    }

    #[test]
    fn windows_begin_and_end_where_the_calendar_says() {
        // 2024-02-29T13:45:59Z.
        let now = UnixSeconds(1_709_214_359);
        let of = |period, now| window(period, now).map(|window| (window.starts.0, window.ends.0));
        assert_eq!(of(Period::Hour, now), Some((1_709_211_600, 1_709_215_200)));
        assert_eq!(of(Period::Day, now), Some((1_709_164_800, 1_709_251_200)));
        assert_eq!(of(Period::Month, now), Some((1_706_745_600, 1_709_251_200)));
        // 2023-12-31T23:59:59Z and 2024-01-01T00:00:00Z.
        assert_eq!(of(Period::Month, UnixSeconds(1_704_067_199)), Some((1_701_388_800, 1_704_067_200)));
        assert_eq!(of(Period::Month, UnixSeconds(1_704_067_200)), Some((1_704_067_200, 1_706_745_600)));
        assert_eq!(of(Period::Day, UnixSeconds(-1)), Some((-86_400, 0)));
        for never in [i64::MIN, i64::MAX] {
            assert_eq!(of(Period::Hour, UnixSeconds(never)), None);
        }
    }
}
