//! Envoys of the demo, as processes: one with certgate, and one that plays the upstreams. Both end with the demo, however
//! it ends.

use crate::http::Connection;
use crate::places::{self, ADMIN_ADDRESS, UPSTREAMS, file};
use std::error::Error;
use std::fs::{self, OpenOptions};
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

/// The longest time for a step of Envoy.
const PATIENCE: Duration = Duration::from_secs(30);

/// Becomes the program whose command line it is given, and leaves a process behind that kills this program when standard
/// input ends: the demo drops its end of the pipe, or dies, even by SIGKILL.
const KILLED_WITH_ITS_OWNER: &str = r#"exec 3<&0; (read -r _ <&3; kill -KILL $$) & exec "$@" </dev/null 3<&-"#;

/// A running Envoy.
pub(crate) struct Envoy {
    process: Child,
    log: PathBuf,
}

/// The number of times that Envoy has read the watched registry.
#[derive(Clone, Copy)]
pub(crate) struct Reloads {
    /// The registries that were read, refused ones too.
    pub(crate) all: u64,
    /// The registries that were refused.
    pub(crate) refused: u64,
}

impl Envoy {
    /// Starts the Envoy with certgate and waits until it listens.
    pub(crate) fn gateway() -> Result<Self, Box<dyn Error>> {
        let _ = fs::remove_file(ADMIN_ADDRESS);
        let mut envoy = Self::start("envoy", &["--concurrency", "2", "--admin-address-path", ADMIN_ADDRESS])?;
        envoy.wait(|| {
            Connection::plain(admin().ok()?).ok()?.get("/ready", &[]).is_ok_and(|a| a.status == 200).then_some(())
        })?;
        Ok(envoy)
    }

    /// Starts the Envoy that plays the upstreams and waits until it listens.
    pub(crate) fn upstreams() -> Result<Self, Box<dyn Error>> {
        let mut envoy = Self::start("upstream", &["--concurrency", "1"])?;
        envoy.wait(|| UPSTREAMS.iter().all(|(_, socket)| UnixStream::connect(socket).is_ok()).then_some(()))?;
        Ok(envoy)
    }

    /// Starts an Envoy with the configuration `NAME.yaml` and the log `NAME.log`.
    fn start(name: &str, arguments: &[&str]) -> Result<Self, Box<dyn Error>> {
        let log = file(&format!("{name}.log"));
        let _ = fs::remove_file(&log);
        // Appended, since Envoy opens it a second time as /dev/stdout.
        let output = OpenOptions::new().create(true).append(true).open(&log)?;
        let process = Command::new("sh")
            .args(["-c", KILLED_WITH_ITS_OWNER, "envoy"])
            .arg(places::envoy()?)
            .arg("--config-path")
            .arg(file(&format!("{name}.yaml")))
            .args(["--disable-hot-restart", "--file-flush-interval-msec", "20"])
            .args(arguments)
            // Ctrl-C at a terminal is for the demo alone.
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(output.try_clone()?)
            .stderr(output)
            .spawn()?;
        Ok(Self { process, log })
    }

    /// Waits for a value; an error if this Envoy ends before, or takes too long.
    pub(crate) fn wait<T>(&mut self, mut probe: impl FnMut() -> Option<T>) -> Result<T, Box<dyn Error>> {
        let began = Instant::now();
        loop {
            if let Some(value) = probe() {
                return Ok(value);
            }
            if let Some(status) = self.process.try_wait()? {
                return Err(format!("Envoy has ended: {status}\n{}", self.problems()).into());
            }
            if began.elapsed() > PATIENCE {
                return Err(format!("Envoy takes longer than {PATIENCE:?}; its log is {}", self.log.display()).into());
            }
            sleep(Duration::from_millis(20));
        }
    }

    /// The log so far.
    pub(crate) fn log(&self) -> String {
        String::from_utf8_lossy(&fs::read(&self.log).unwrap_or_default()).into_owned()
    }

    /// The errors in the log.
    fn problems(&self) -> String {
        let log = self.log();
        log.lines()
            .filter(|line| line.contains("[critical]") || line.contains("[error]"))
            .collect::<Vec<_>>()
            .join("\n")
    }
}

impl Drop for Envoy {
    fn drop(&mut self) {
        drop(self.process.stdin.take());
        let _ = self.process.wait();
    }
}

/// The address of Envoy's administration interface.
fn admin() -> Result<String, Box<dyn Error>> {
    Ok(places::read(ADMIN_ADDRESS)?)
}

/// The number of reloads so far. Envoy counts one once every worker has it.
pub(crate) fn reloads() -> Result<Reloads, Box<dyn Error>> {
    let text = Connection::plain(admin()?)?.get("/stats?filter=extension_config_discovery", &[])?.body;
    let count = |name: &str| {
        let line = text.lines().find_map(|line| line.split_once(name)?.1.strip_prefix(": ")?.parse().ok());
        line.unwrap_or_default()
    };
    Ok(Reloads { all: count(".config_reload"), refused: count(".config_fail") })
}
