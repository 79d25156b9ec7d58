//! How thoroughly laws are tested: the number of random cases, and growth of time.

use rustix::time::{ClockId, clock_gettime};
use std::time::Duration;

/// The most cases of a law in the inner loop.
const INNER_LOOP: u32 = 256;

/// The number of random cases for a law that `make test` tries on `full` cases. `LAWS=full`, which `make test` sets, asks for
/// that number.
pub fn cases(full: u32) -> u32 {
    if std::env::var_os("LAWS").is_some_and(|laws| laws == "full") { full } else { full.min(INNER_LOOP) }
}

/// Asserts that `work` takes about ten times as long for an input that is ten times as long. Each call of `work` runs on one
/// of the two inputs. The slack is four times; quadratic work would take a hundred times as long.
///
/// # Panics
///
/// If the longer input takes more than forty times as long.
pub fn assert_linear<T: ?Sized, R>(name: &str, short: &T, ten_times_as_long: &T, work: impl Fn(&T) -> R) {
    let shortest = |input| (0..3).map(|_| time_of(|| work(input))).min().unwrap();
    let (short, long) = (shortest(short), shortest(ten_times_as_long));
    assert!(long < short * 40, "{name}: {short:?}, and {long:?} for ten times the input");
}

/// The time that this thread worked. Other threads of the machine do not lengthen it.
fn time_of<R>(work: impl FnOnce() -> R) -> Duration {
    let worked = || {
        let time = clock_gettime(ClockId::ThreadCPUTime);
        Duration::new(time.tv_sec.try_into().unwrap(), time.tv_nsec.try_into().unwrap())
    };
    let start = worked();
    let result = work();
    let time = worked() - start;
    drop(result);
    time
}
