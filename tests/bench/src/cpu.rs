//! Which core does what, and how long a process was on one.

use anyhow::{Context, Result, bail};
use nix::sched::{CpuSet, sched_getaffinity, sched_setaffinity};
use nix::unistd::Pid;
use std::fs;
use std::time::Duration;

/// The cores of this benchmark. What this thread starts runs where it runs itself at that moment.
pub(crate) struct Cores {
    all: CpuSet,
    serving: CpuSet,
    calling: CpuSet,
}

impl Cores {
    /// The first two that this process may use.
    pub(crate) fn choose() -> Result<Self> {
        let all = sched_getaffinity(Pid::from_raw(0))?;
        let mut allowed = (0..CpuSet::count()).filter(|core| all.is_set(*core) == Ok(true));
        let (Some(serving), Some(calling)) = (allowed.next(), allowed.next()) else {
            bail!("the benchmark needs two cores: one for who serves, one for who calls")
        };
        Ok(Self { all, serving: only(serving)?, calling: only(calling)? })
    }

    /// From here on this thread, and what it starts, is among those who serve.
    pub(crate) fn serve(&self) -> Result<()> {
        Ok(sched_setaffinity(Pid::from_raw(0), &self.serving)?)
    }

    /// From here on this thread is the one who calls.
    pub(crate) fn call(&self) -> Result<()> {
        Ok(sched_setaffinity(Pid::from_raw(0), &self.calling)?)
    }

    /// From here on this thread, and what it starts, runs anywhere.
    pub(crate) fn release(&self) -> Result<()> {
        Ok(sched_setaffinity(Pid::from_raw(0), &self.all)?)
    }
}

fn only(core: usize) -> Result<CpuSet> {
    let mut set = CpuSet::new();
    set.set(core)?;
    Ok(set)
}

/// How long all threads of these processes have been on a core.
pub(crate) fn time(processes: &[u32]) -> Result<Duration> {
    let mut nanos = 0;
    for process in processes {
        for thread in fs::read_dir(format!("/proc/{process}/task"))? {
            let path = thread?.path().join("schedstat");
            let text = fs::read_to_string(&path).with_context(|| path.display().to_string())?;
            let first = text.split(' ').next().unwrap_or_default();
            nanos += first.parse::<u64>().with_context(|| format!("{}: {text}", path.display()))?;
        }
    }
    Ok(Duration::from_nanos(nanos))
}
