//! Durations and moments.

use super::Form;
use super::number::decimal;

/// Durations from 100 ms to 366 days.
pub(super) fn duration() -> Vec<Form> {
    const DAYS: u64 = 366;
    const HOURS: u64 = DAYS * 24;
    const SECONDS: u64 = HOURS * 3600;
    let units = [("ms", 100, SECONDS * 1000), ("s", 1, SECONDS), ("m", 1, HOURS * 60), ("h", 1, HOURS), ("d", 1, DAYS)];
    let alternatives = units.map(|(unit, least, most)| format!("{}{unit}", decimal(least, most)));
    vec![Form::of(format!("^0*({})$", alternatives.join("|")))]
}

/// Moments of the calendar.
pub(super) fn moment() -> Vec<Form> {
    const LEAP_YEAR: &str = "([0-9]{2}(0[48]|[2468][048]|[13579][26])|([02468][048]|[13579][26])00)";
    const DAY: &str = "((0[13578]|1[02])-(0[1-9]|[12][0-9]|3[01])|(0[469]|11)-(0[1-9]|[12][0-9]|30)\
                       |02-(0[1-9]|1[0-9]|2[0-8]))";
    const TIME: &str = "([01][0-9]|2[0-3])(:[0-5][0-9]){2}";
    vec![Form::of(format!("^([0-9]{{4}}-{DAY}|{LEAP_YEAR}-02-29)T{TIME}Z$"))]
}
