//! All subjects, running, and connections to them.

use crate::bootstrap;
use crate::child::Child;
use crate::load::{Connection, Protocol};
use crate::people::People;
use crate::places::{at, made};
use crate::subjects::{EXT_AUTHZ, SERVICE_PORT, Source, Subject, Who};
use anyhow::{Context, Result};
use std::ffi::OsStr;

/// A subject and the processes that serve its requests.
pub(crate) struct Running<'s> {
    /// The subject.
    pub(crate) subject: &'s Subject,
    children: Vec<Child>,
}

impl<'s> Running<'s> {
    /// Starts a subject. Its processes run where this thread does.
    pub(crate) fn start(subject: &'s Subject) -> Result<Self> {
        let mut children = Vec::new();
        if subject.name == EXT_AUTHZ {
            children.push(service("ext_authz-service", SERVICE_PORT, bootstrap::ENDLESS)?);
        }
        children.push(Child::envoy(subject.name, &subject.config(), subject.port, 1)?);
        Ok(Self { subject, children })
    }

    /// The numbers of its processes.
    pub(crate) fn processes(&self) -> Vec<u32> {
        self.children.iter().map(Child::id).collect()
    }

    /// Opens so many connections to it.
    pub(crate) async fn connect(&self, people: &People, protocol: Protocol, count: usize) -> Result<Vec<Connection>> {
        let Subject { name, port, status, caller, .. } = self.subject;
        let identity = match caller {
            Who::Partner => &people.partner,
            Who::Stranger => &people.stranger,
        };
        if *status == 429 {
            drain(people, protocol, *port).await?;
        }
        let mut connections = Vec::new();
        for _ in 0..count {
            let connection = Connection::open(&people.authority, identity, protocol, *port, *status).await;
            connections.push(connection.with_context(|| (*name).to_owned())?);
        }
        Ok(connections)
    }
}

/// Takes the one request that there is in the bucket, if nobody has yet.
async fn drain(people: &People, protocol: Protocol, port: u16) -> Result<()> {
    let mut first = Connection::open(&people.authority, &people.partner, protocol, port, 200).await?;
    // Its answer is 429 if it was taken before; what is measured is checked.
    drop(first.exchange().await);
    Ok(())
}

/// The service that the ext_authz peer asks, at this port, with so many tokens for each client.
pub(crate) fn service(name: &str, port: u16, tokens: &str) -> Result<Child> {
    let program = std::env::current_exe()?.with_file_name("ext_authz");
    let (port_text, clients) = (port.to_string(), made("clients.json"));
    let arguments: [&OsStr; 6] = [
        "--port".as_ref(),
        port_text.as_ref(),
        "--clients".as_ref(),
        clients.as_ref(),
        "--tokens".as_ref(),
        tokens.as_ref(),
    ];
    Child::start(name, &at("").join(program), &arguments, port)
}

/// Writes the configurations that are made from the shipped one.
pub(crate) fn configure(subjects: &[Subject], people: &People) -> Result<()> {
    for subject in subjects {
        if let Source::Shipped(certgate) = &subject.source {
            let clients = [("partner-a".to_owned(), &people.partner)];
            bootstrap::save(&subject.config(), &certgate.bootstrap(subject.port, &clients)?)?;
        }
    }
    Ok(())
}
