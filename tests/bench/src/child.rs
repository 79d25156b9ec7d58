//! A process that was started here: its output goes to a file, and it is gone when its owner is, however that ends.

use crate::places::{at, envoy, made, read};
use anyhow::{Context, Result, bail, ensure};
use std::ffi::OsStr;
use std::fs;
use std::net::{TcpListener, TcpStream};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

/// How long a start may take.
const PATIENCE: Duration = Duration::from_secs(20);

/// Becomes the command that it is given, after leaving somebody behind who kills it when standard input ends: that is
/// when this process drops its end of the pipe, or dies, even by SIGKILL.
const KILLED_WITH_ITS_OWNER: &str = r#"exec 3<&0; (read -r _ <&3; kill -KILL $$) & exec "$@" </dev/null 3<&-"#;

/// A running process.
pub(crate) struct Child {
    process: std::process::Child,
    log: PathBuf,
}

impl Child {
    /// An Envoy with this configuration, once it answers at this port.
    pub(crate) fn envoy(name: &str, config: &Path, port: u16, concurrency: u32) -> Result<Self> {
        Self::envoy_with(name, config, port, concurrency, &[])
    }

    /// The same with more arguments.
    pub(crate) fn envoy_with(name: &str, config: &Path, port: u16, concurrency: u32, more: &[&OsStr]) -> Result<Self> {
        let concurrency = concurrency.to_string();
        let arguments: [&OsStr; 7] = [
            "--config-path".as_ref(),
            config.as_os_str(),
            "--concurrency".as_ref(),
            concurrency.as_ref(),
            "--disable-hot-restart".as_ref(),
            "--log-level".as_ref(),
            "warn".as_ref(),
        ];
        Self::start(name, &envoy()?, &[&arguments, more].concat(), port)
    }

    /// Any program, at the top of the repository, once it answers at this port.
    pub(crate) fn start(name: &str, program: &Path, arguments: &[&OsStr], port: u16) -> Result<Self> {
        TcpListener::bind(("127.0.0.1", port)).with_context(|| format!("port {port} of 127.0.0.1, for {name}"))?;
        let log = made(&format!("{name}.log"));
        let output = fs::File::create(&log).with_context(|| log.display().to_string())?;
        let process = Command::new("sh")
            .args(["-c", KILLED_WITH_ITS_OWNER, name])
            .arg(program)
            .args(arguments)
            .current_dir(at(""))
            // Ctrl-C at a terminal is for the owner alone.
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(output.try_clone()?)
            .stderr(output)
            .spawn()?;
        let mut child = Self { process, log };
        child.wait_for(name, port)?;
        Ok(child)
    }

    fn wait_for(&mut self, name: &str, port: u16) -> Result<()> {
        let started = Instant::now();
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            if let Some(status) = self.process.try_wait()? {
                bail!("{name} ended ({status}):\n{}", fs::read_to_string(&self.log)?);
            }
            ensure!(started.elapsed() < PATIENCE, "{name} does not answer: see {}", self.log.display());
            sleep(Duration::from_millis(10));
        }
        Ok(())
    }

    /// What it has written.
    pub(crate) fn log(&self) -> Result<String> {
        read(&self.log)
    }

    /// Its number.
    pub(crate) fn id(&self) -> u32 {
        self.process.id()
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        // The one left behind kills it. Its number is ours until it is waited for.
        drop(self.process.stdin.take());
        drop(self.process.wait());
    }
}
