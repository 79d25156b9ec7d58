//! Certificates as no tool writes them, through Envoy's handshake: a list revokes where its issuer's name says the same as
//! the certificate's, and a name that cannot be read spoils nothing else. Which names say the same as OpenSSL has it is
//! tested with the core.

use crate::support::der::{Certificate, authority, element, extension, list, pem};
use crate::support::envoy::Envoy;
use crate::support::envoys::PINNED;
use crate::support::pki::Identity;
use crate::support::registry;
use crate::support::strings::{BMP, IA5, NUMERIC, PRINTABLE, T61, UTF8, common_name};
use crate::support::world::World;
use rcgen::KeyPair;
use serde_json::{Value, json};

/// Spellings of authorities' names, by string type and text. Names with the same letter say the same.
const SPELLINGS: [(char, u8, &str); 12] = [
    ('a', UTF8, "Field CA"),
    ('a', PRINTABLE, "Field CA"),
    ('a', IA5, "FIELD  ca "),
    ('a', BMP, "Field CA"),
    ('b', UTF8, "FieldCA"),
    ('c', UTF8, "Zürich"),
    ('c', T61, "züRICH"),
    ('d', UTF8, "ZÜRICH"),
    ('e', UTF8, "Zu\u{308}rich"),
    ('f', NUMERIC, "12 3"),
    ('g', NUMERIC, "12  3"),
    ('h', PRINTABLE, "12 3"),
];

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
    let bootstrap = world.bootstrap(&registry).version_that_shows_certificates(version).trusting(authorities);
    let envoy = Envoy::start(bootstrap).await;
    let mut statuses = Vec::new();
    for client in clients {
        statuses.push(world.caller(client).get(envoy.port(), "/").await.status);
    }
    statuses
}

#[tokio::test]
async fn a_list_revokes_whoever_its_issuer_has_signed_however_the_name_is_spelled() {
    let (world, key) = (World::new(), KeyPair::generate().unwrap());
    let subject = common_name(UTF8, "client");
    let names = SPELLINGS.map(|(_, tag, text)| common_name(tag, text));
    let authorities = names.each_ref().map(|name| authority(name, &key));
    let clients = names.each_ref().map(|name| Identity::of(Certificate::new(name, &subject, &key).signed(&key), &key));
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
    let issuer = common_name(UTF8, "Field CA");
    let authority = authority(&issuer, &key);
    let names = |names: &[&[u8]]| extension(b"\x55\x1d\x11", &element(0x30, names));
    let plain = common_name(UTF8, "client");
    let client = |subject: &[u8], names: &[u8]| {
        Identity::of(Certificate::new(&issuer, subject, &key).extensions(&[names]).signed(&key), &key)
    };
    let dns = element(0x82, &["ä.example".as_bytes()]);
    let uri = element(0x86, &[b"spiffe://example.org/\xff"]);
    let clients = [
        client(&plain, &names(&[&dns])),
        client(&plain, &names(&[&uri])),
        client(&common_name(PRINTABLE, "café"), &names(&[&element(0x82, &[b"a.example"])])),
    ];
    let others = json!([{"pem": pem("X509 CRL", &list(&common_name(UTF8, "FieldCA"), &key))}]);
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
