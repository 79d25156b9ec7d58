//! The scenes of the demo: real requests, each with what should become of it.

use crate::stage::{HTTPS, REGISTRY, Stage, read};
use crate::support::client::Caller;
use crate::support::ecds::Outcome;
use crate::support::request::{Request, Response};

/// What was done, what should come of it, and what did.
pub(crate) struct Scene {
    /// What was done.
    pub(crate) what: &'static str,
    /// What should come of it.
    pub(crate) expected: String,
    /// What did.
    pub(crate) got: String,
}

impl Scene {
    fn new(what: &'static str, expected: &str, got: String) -> Self {
        Self { what, expected: expected.to_owned(), got }
    }

    /// Whether it came as it should.
    pub(crate) fn is_as_expected(&self) -> bool {
        self.expected == self.got
    }
}

/// Plays all of them.
pub(crate) async fn play(stage: &mut Stage) -> Vec<Scene> {
    let mut scenes = callers(stage).await;
    scenes.extend(throttling(stage).await);
    scenes.extend(revocation(stage).await);
    scenes
}

async fn callers(stage: &Stage) -> Vec<Scene> {
    let gold = stage.caller(&stage.gold);
    let forged = Request::get("/").header("x-client-alias", "admin").header("x-client-tier", "platinum");
    vec![
        Scene::new(
            "partner-a, with its certificate",
            "200: partner-a, gold, upstream gold",
            describe(&get(&gold).await),
        ),
        Scene::new(
            "partner-a, over HTTP/2",
            "200: partner-a, gold, upstream gold",
            describe(&get(&gold.clone().http2()).await),
        ),
        Scene::new(
            "partner-a, x-client-alias: admin",
            "200: partner-a, gold, upstream gold",
            describe(&gold.send(HTTPS, &forged).await),
        ),
        Scene::new("a stranger, certificate of same CA", "403", describe(&get(&stage.caller(&stage.stranger)).await)),
        Scene::new("somebody without a certificate", "403", describe(&get(&stage.anonymous()).await)),
    ]
}

async fn throttling(stage: &Stage) -> Vec<Scene> {
    let mut connection = stage.caller(&stage.bronze).connect(HTTPS).await;
    let mut first = Vec::new();
    for _ in 0..5 {
        first.push(describe(&connection.get("/").await));
    }
    first.dedup();
    vec![
        Scene::new("partner-b, five times in a row", "200: partner-b, bronze, upstream default", first.join(", then ")),
        Scene::new("partner-b, once more", "429, retry after 2 seconds", describe(&connection.get("/").await)),
    ]
}

async fn revocation(stage: &mut Stage) -> Vec<Scene> {
    let mut connection = stage.caller(&stage.gold).connect(HTTPS).await;
    let before = connection.get("/").await.status;
    let registry = read(REGISTRY);
    let fingerprint = stage.gold.fingerprint();
    let revoked = registry
        .replace(&format!("- sha256: {fingerprint}\n"), &format!("- {{sha256: {fingerprint}, revoked: true}}\n"));
    let taken_up = stage.replace_registry(&revoked).await.0 == Outcome::Live;
    let during = connection.get("/").await.status;
    let put_back = stage.replace_registry(&registry).await.0 == Outcome::Live;
    let after = connection.get("/").await.status;
    vec![
        Scene::new(
            "partner-a, revoked while connected",
            "200 before, 403 after",
            if taken_up {
                format!("{before} before, {during} after")
            } else {
                "the registry was not taken up".to_owned()
            },
        ),
        Scene::new(
            "partner-a, back, same connection",
            "200",
            if put_back { after.to_string() } else { "the registry was not taken up".to_owned() },
        ),
    ]
}

async fn get(caller: &Caller) -> Response {
    caller.get(HTTPS, "/").await
}

fn describe(response: &Response) -> String {
    match (response.status, response.header("retry-after")) {
        (200, _) => {
            let echo = response.echo();
            let sent = |name: &str| echo.headers.get(name).unwrap_or("nothing").to_owned();
            let (alias, tier) = (sent("x-client-alias"), sent("x-client-tier"));
            format!("200: {alias}, {tier}, upstream {}", echo.upstream)
        }
        (status, Some(seconds)) => format!("{status}, retry after {seconds} seconds"),
        (status, None) => status.to_string(),
    }
}
