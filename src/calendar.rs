//! The windows of the calendar that quotas count in, in UTC. Used by [`crate::engine`]; knows no clock.

use crate::domain::quota::{Period, Window};
use crate::domain::time::UnixSeconds;
use time::{Date, OffsetDateTime};

/// The window of this period that the moment lies in; `None` for a moment beyond the year 9999 or so far back.
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

/// Start and end of the window of a fixed length. A day of the calendar has as many seconds as any other: Unix time has
/// no leap seconds.
fn fixed(now: i64, length: i64) -> Option<(i64, i64)> {
    let starts = now.checked_sub(now.checked_rem_euclid(length)?)?;
    Some((starts, starts.checked_add(length)?))
}

#[cfg(test)]
mod tests {
    use super::*;

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
