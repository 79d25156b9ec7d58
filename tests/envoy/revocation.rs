//! Certificates as no tool writes them, through Envoy's handshake: a list revokes where its issuer's name says the same as
//! the certificate's, and a name that cannot be read spoils nothing else. Which names say the same as OpenSSL has it is
//! tested with the core.

use crate::support::bootstrap::Bootstrap;
use crate::support::der::{COMMON_NAME, Certificate, element, extension, list, name, pem};
use crate::support::envoy::Envoy;
use crate::support::envoys::PINNED;
use crate::support::pki::Identity;
use crate::support::registry;
use crate::support::world::World;
use rcgen::KeyPair;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use serde_json::{Value, json};

/// Spellings of authorities' names, by string type and bytes. Names with the same letter say the same.
const SPELLINGS: [(char, u8, &[u8]); 12] = [
    ('a', 0x0c, b"Field CA"),
    ('a', 0x13, b"Field CA"),
    ('a', 0x16, b"FIELD  ca "),
    ('a', 0x1e, b"\0F\0i\0e\0l\0d\0 \0C\0A"),
    ('b', 0x0c, b"FieldCA"),
    ('c', 0x0c, "Zürich".as_bytes()),
    ('c', 0x14, b"z\xfcRICH"),
    ('d', 0x0c, "ZÜRICH".as_bytes()),
    ('e', 0x0c, "Zu\u{308}rich".as_bytes()),
    ('f', 0x12, b"12 3"),
    ('g', 0x12, b"12  3"),
    ('h', 0x13, b"12 3"),
];

fn common_name((_, tag, bytes): (char, u8, &[u8])) -> Vec<u8> {
    name(&[vec![(COMMON_NAME, element(tag, &[bytes]))]])
}

/// The certificate with this DER form and key.
fn identity(der: Vec<u8>, key: &KeyPair) -> Identity {
    Identity {
        certificate_pem: pem("CERTIFICATE", &der),
        der: der.into(),
        key: PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key.serialize_der())),
        key_pem: key.serialize_pem(),
    }
}

/// The listener trusts these authorities and no other.
fn trusting(bootstrap: Bootstrap, authorities: &str) -> Bootstrap {
    bootstrap.edit_document(|document| {
        let chain = &mut document["static_resources"]["listeners"][0]["filter_chains"][0];
        let tls = &mut chain["transport_socket"]["typed_config"]["common_tls_context"];
        tls["validation_context"]["trusted_ca"] = json!({"inline_string": authorities});
    })
}

/// The statuses of these clients' requests, with these additions to the registry of all of them.
async fn statuses(
    world: &World,
    version: &str,
    authorities: &str,
    clients: &[Identity],
    more: &[(&str, Value)],
) -> Vec<u16> {
    let aliases: Vec<_> = (0..clients.len()).map(|place| format!("client-{place}")).collect();
    let entries: Vec<_> = aliases.iter().zip(clients).map(|(alias, client)| (&**alias, "unlimited", client)).collect();
    let mut registry = registry::of(&entries);
    for (field, value) in more {
        registry[*field] = value.clone();
    }
    let envoy =
        Envoy::start(trusting(world.bootstrap(&registry).version_that_shows_certificates(version), authorities)).await;
    let mut statuses = Vec::new();
    for client in clients {
        statuses.push(world.caller(client).get(envoy.port(), "/").await.status);
    }
    statuses
}

#[tokio::test]
async fn a_list_revokes_whoever_its_issuer_has_signed_however_the_name_is_spelled() {
    let (world, key) = (World::new(), KeyPair::generate().unwrap());
    let subject = common_name(('-', 0x0c, b"client"));
    let names = SPELLINGS.map(common_name);
    let authorities = names
        .each_ref()
        .map(|name| pem("CERTIFICATE", &Certificate::new(name, name, &key).of_authority().signed(&key)));
    let clients = names.each_ref().map(|name| identity(Certificate::new(name, &subject, &key).signed(&key), &key));
    for (version, places) in [(PINNED, vec![1, 3, 5, 6, 8, 10]), ("1.36.4", vec![2, 7])] {
        for place in places {
            let (letter, ..) = SPELLINGS[place];
            let lists = json!([{"pem": pem("X509 CRL", &list(&names[place], &key))}]);
            let found = statuses(&world, version, &authorities.concat(), &clients, &[("crls", lists)]).await;
            let expected = SPELLINGS.map(|(own, ..)| if own == letter { 403 } else { 200 });
            assert_eq!(found, expected, "a list of {:?} on {version}", SPELLINGS[place]);
        }
    }
}

#[tokio::test]
async fn a_name_that_cannot_be_read_spoils_nothing_else() {
    let (world, key) = (World::new(), KeyPair::generate().unwrap());
    let issuer = common_name(SPELLINGS[0]);
    let authority = pem("CERTIFICATE", &Certificate::new(&issuer, &issuer, &key).of_authority().signed(&key));
    let names = |names: &[&[u8]]| extension(b"\x55\x1d\x11", &element(0x30, names));
    let plain = common_name(('-', 0x0c, b"client"));
    let client = |subject: &[u8], names: &[u8]| {
        identity(Certificate::new(&issuer, subject, &key).extensions(&[names]).signed(&key), &key)
    };
    let dns = element(0x82, &["ä.example".as_bytes()]);
    let uri = element(0x86, &[b"spiffe://example.org/\xff"]);
    let clients = [
        client(&plain, &names(&[&dns])),
        client(&plain, &names(&[&uri])),
        client(&common_name(('-', 0x13, b"caf\xe9")), &names(&[&element(0x82, &[b"a.example"])])),
    ];
    let others = json!([{"pem": pem("X509 CRL", &list(&common_name(SPELLINGS[4]), &key))}]);
    let own = json!([{"pem": pem("X509 CRL", &list(&issuer, &key))}]);
    for (more, expected) in [
        (vec![], 200),
        (vec![("headers", json!({"subject": "x-client-subject", "spiffe_id": "x-client-spiffe-id"}))], 200),
        (vec![("crls", others)], 200),
        (vec![("crls", own)], 403),
    ] {
        let found = statuses(&world, PINNED, &authority, &clients, &more).await;
        assert_eq!(found, [expected; 3], "{more:?}");
    }
}
