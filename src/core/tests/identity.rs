//! Identification of callers: the credential that decides, and the conditions under which names count.

use crate::fixtures::{CART, authority, authority_named, cart, days, engine_of, fake, leaf, listener, verified, who};
use certgate_test_support::certificates::{Authority, Template, new_key};
use certgate_test_support::fakes::Fake;
use certgate_test_support::registry::merge;
use rcgen::DnType;
use serde_json::{Value, json};

#[test]
fn the_first_kind_decides_and_of_one_kind_the_most_specific() {
    let leaf = cart(&authority());
    let in_order = [
        ("sha256", json!({"sha256": leaf.fingerprint})),
        ("key", json!({"spki_sha256": leaf.spki_sha256})),
        ("uri", json!({"uri_san": CART})),
        ("any-account", json!({"uri_san": "spiffe://example.org/ns/shop/sa/*"})),
        ("any-namespace", json!({"uri_san": "spiffe://example.org/ns/*/sa/*"})),
        ("host", json!({"dns_san": "cart.shop.example"})),
        ("any-host", json!({"dns_san": "*.shop.example"})),
        (
            "subject",
            json!({"subject": {"common_name": "cart", "organizational_unit": "shop"}, "issuer": {"common_name": "CA"}}),
        ),
        ("common-name", json!({"subject": {"common_name": "cart"}, "issuer": {"common_name": "CA"}})),
    ];
    for subset in 1..1_usize << in_order.len() {
        let mut clients: Vec<_> = in_order
            .iter()
            .enumerate()
            .filter(|(place, _)| subset >> place & 1 == 1)
            .map(|(_, it)| it.clone())
            .collect();
        let first = clients[0].0;
        // Where they stand in the registry does not matter.
        let middle = clients.len() / 2;
        clients.rotate_left(middle);
        assert_eq!(who(&engine_of(&clients, &json!({})), &verified(&leaf)), first, "{clients:?}");
    }
}

/// Whether `credential` identifies the certificate.
fn identifies(authority: &Authority, credential: &Value, template: &Template) -> bool {
    let engine = engine_of(&[("found", credential.clone())], &listener());
    match who(&engine, &fake(&authority.issue(template))).as_str() {
        "found" => true,
        "unknown_certificate" => false,
        other => panic!("{credential}: {other}"),
    }
}

#[test]
fn in_patterns_an_asterisk_is_one_whole_segment() {
    let authority = authority();
    for (pattern, uri, expected) in [
        (CART, CART, true),
        (CART, "spiffe://example.org/ns/shop/sa/Cart", false),
        (CART, "spiffe://example.org/ns/shop/sa/cart/", false),
        (CART, "spiffe://example.org/ns/shop/sa/cart?a", false),
        (CART, "SPIFFE://example.org/ns/shop/sa/cart", false),
        ("spiffe://example.org/ns/*/sa/cart", CART, true),
        ("spiffe://example.org/ns/*/sa/cart", "spiffe://example.org/ns/*/sa/cart", false),
        ("spiffe://example.org/ns/*/sa/cart", "spiffe://example.org/ns//sa/cart", false),
        ("spiffe://example.org/ns/*/sa/cart", "spiffe://example.org/ns/../sa/cart", false),
        ("spiffe://example.org/ns/*/sa/cart", "spiffe://example.org/ns/a?b/sa/cart", false),
        ("spiffe://example.org/ns/*/sa/cart", "spiffe://example.org/ns/%61/sa/cart", false),
        ("https://example.org/*/cart", "https://example.org/%61/cart", true),
        ("https://example.org/*/cart", "https://example.org/*/cart", true),
        ("https://example.org/*/cart", "https://example.org/.%2E/cart", false),
        ("https://example.org/a//../b?c#d", "https://example.org/a//../b?c#d", true),
        ("spiffe://example.org/ns/*/sa/cart", "spiffe://example.org/ns/shop/eu/sa/cart", false),
        ("spiffe://example.org/ns/*/sa/cart", "spiffe://example.org/ns/sa/cart", false),
        ("spiffe://example.org/ns/*/sa/cart", "spiffe://example.org/ns/shop/sa/cart2", false),
        ("spiffe://example.org/ns/*/sa/cart", "spiffe://example.com/ns/shop/sa/cart", false),
        ("spiffe://example.org/ns/*/sa/cart", "spiffe://example.org/ns/shop/SA/cart", false),
        ("spiffe://example.org/*", CART, false),
        ("spiffe://example.org/*/*/*/*", CART, true),
    ] {
        let names = leaf().uris([uri]);
        assert_eq!(identifies(&authority, &json!({"uri_san": pattern}), &names), expected, "{pattern} {uri}");
    }
}

#[test]
fn in_patterns_an_asterisk_is_one_whole_label() {
    let authority = authority();
    for (pattern, host, expected) in [
        ("cart.shop.example", "cart.shop.example", true),
        ("Cart.Shop.Example", "cart.SHOP.example", true),
        ("*.shop.example", "cart.shop.example", true),
        ("*.shop.example", "a.cart.shop.example", false),
        ("*.shop.example", "shop.example", false),
        ("*.shop.example", "cart.shop.example.org", false),
        ("*.shop.example", "cart.shop.example.", false),
        ("*.shop.example", "cart-shop.example", false),
        ("cart.*.example", "cart.shop.example", true),
        ("cart.*.example", "cart.shop.eu.example", false),
        // A certificate for all hosts is no certificate of one, nor of them all.
        ("*.shop.example", "*.shop.example", false),
        ("cart.shop.example", "*.shop.example", false),
        ("*.*.example", "*.shop.example", false),
        ("*.shop.example", ".shop.example", false),
        ("*.shop.example", "a b.shop.example", false),
        ("*.shop.example", "a/b.shop.example", false),
    ] {
        let names = leaf().hosts([host]);
        assert_eq!(identifies(&authority, &json!({"dns_san": pattern}), &names), expected, "{pattern} {host}");
    }
}

#[test]
fn a_uri_identifies_only_alone_and_a_host_in_any_company() {
    let authority = authority();
    let other = "spiffe://example.org/ns/shop/sa/other";
    for uris in [&[CART, other][..], &[other, CART], &[CART, CART], &[other], &[]] {
        for pattern in [CART, "spiffe://example.org/*/*/*/cart"] {
            let names = leaf().uris(uris.iter().copied());
            assert!(!identifies(&authority, &json!({"uri_san": pattern}), &names), "{pattern} {uris:?}");
        }
    }
    for hosts in [["cart.example", "*.example"], ["a.example", "cart.example"], ["cart.example", "cart.example"]] {
        let names = leaf().uris([other, CART]).hosts(hosts);
        assert!(identifies(&authority, &json!({"dns_san": "cart.example"}), &names), "{hosts:?}");
    }
}

#[test]
fn attributes_are_compared_to_the_letter_and_as_often_as_they_are_listed() {
    use DnType::{CommonName, CountryName, OrganizationalUnitName};
    let authority = authority_named(&[(CommonName, "CA"), (DnType::OrganizationName, "Example")]);
    // rcgen has each type once.
    let second_unit = || DnType::CustomDnType(vec![2, 5, 4, 11]);
    let one = &[(CommonName, "cart"), (OrganizationalUnitName, "shop"), (CountryName, "DE")][..];
    let two = &[(OrganizationalUnitName, "shop"), (CommonName, "cart"), (second_unit(), "eu")][..];
    let ca = json!({"common_name": "CA"});
    for (subject, issuer, cert, expected) in [
        (json!({"common_name": "cart"}), &ca, one, true),
        (json!({"common_name": "cart"}), &ca, two, true),
        (json!({"common_name": "Cart"}), &ca, one, false),
        (json!({"common_name": "cart "}), &ca, one, false),
        (json!({"common_name": "car"}), &ca, one, false),
        (json!({"common_name": "*"}), &ca, one, false),
        (json!({"common_name": ["cart", "cart"]}), &ca, one, false),
        (json!({"organizational_unit": "shop"}), &ca, one, true),
        (json!({"organizational_unit": ["shop"], "country": "DE"}), &ca, one, true),
        (json!({"organizational_unit": "shop", "title": "shop"}), &ca, one, false),
        (json!({"organizational_unit": "shop"}), &ca, two, false),
        (json!({"organizational_unit": "eu"}), &ca, two, false),
        (json!({"organizational_unit": ["shop", "eu"]}), &ca, two, true),
        (json!({"organizational_unit": ["eu", "shop"]}), &ca, two, false),
        (json!({"organizational_unit": ["shop", "eu", "eu"]}), &ca, two, false),
        (json!({"common_name": "cart"}), &json!({"common_name": "CA", "organization": "Example"}), one, true),
        (json!({"common_name": "cart"}), &json!({"common_name": "ca"}), one, false),
        (json!({"common_name": "cart"}), &json!({"common_name": "cart"}), one, false),
        (json!({"common_name": "cart"}), &json!({"common_name": ["CA", "CA"]}), one, false),
        (json!({"common_name": "CA"}), &json!({"common_name": "cart"}), one, false),
    ] {
        let credential = json!({"subject": subject, "issuer": issuer});
        let names = leaf().subject(cert);
        assert_eq!(identifies(&authority, &credential, &names), expected, "{credential} {cert:?}");
    }
}

// When names count.

/// A credential of each kind that the certificate of [`cart`] answers to by a name.
fn by_name(issuer: &str) -> [Value; 3] {
    [
        json!({"uri_san": CART}),
        json!({"dns_san": "cart.shop.example"}),
        json!({"subject": {"common_name": "cart"}, "issuer": {"common_name": issuer}}),
    ]
}

#[test]
fn names_count_on_the_connection_on_which_they_are_verified_and_on_no_other() {
    let authority = authority();
    let leaf = cart(&authority);
    for credential in by_name("CA") {
        let engine = engine_of(&[("cart", credential.clone())], &json!({}));
        for _ in 0..2 {
            assert_eq!(who(&engine, &fake(&leaf)), "certificate_unverified");
            assert_eq!(who(&engine, &verified(&leaf)), "cart");
        }
        assert_eq!(who(&engine_of(&[("cart", credential)], &listener()), &fake(&leaf)), "cart");
    }
}

#[test]
fn it_is_asked_once_whether_names_are_verified_and_only_where_they_matter() {
    let authority = authority();
    let leaf = cart(&authority);
    let rule = json!({"rules": [{"uri_san": [CART]}]});
    let headers = json!({"headers": {"subject": "x-client-subject"}});
    let both = json!({"rules": [{"uri_san": [CART]}], "headers": {"subject": "x-client-subject"}});
    let by_key = json!({"spki_sha256": leaf.spki_sha256});
    let mut cases = vec![(by_key.clone(), &rule, 1), (by_key.clone(), &headers, 1), (by_key.clone(), &both, 1)];
    cases.extend(by_name("CA").map(|credential| (credential, &both, 1)));
    cases.push((json!({"sha256": leaf.fingerprint}), &both, 0));
    let none = json!({});
    cases.push((by_key, &none, 0));
    for (credential, more, asked) in cases {
        // Another client has a name, so that names matter to somebody.
        let clients = [("cart", credential.clone()), ("another", json!({"dns_san": "another.shop.example"}))];
        let engine = engine_of(&clients, more);
        for _ in 0..3 {
            let request = verified(&leaf);
            assert_eq!(who(&engine, &request), "cart", "{credential} {more}");
            assert_eq!(request.verified_reads.get(), asked, "{credential} {more}");
        }
        let stated = engine_of(&clients, &merge(listener(), more));
        let request = fake(&leaf);
        assert_eq!((who(&stated, &request).as_str(), request.verified_reads.get()), ("cart", 0));
    }
}

#[test]
fn conditions_on_names_count_for_a_key_on_each_connection_that_is_verified() {
    let leaf = cart(&authority());
    let clients = [("cart", json!({"spki_sha256": leaf.spki_sha256}))];
    let engine = engine_of(&clients, &json!({"rules": [{"uri_san": [CART]}]}));
    for _ in 0..2 {
        assert_eq!(who(&engine, &fake(&leaf)), "rule_denied");
        assert_eq!(who(&engine, &verified(&leaf)), "cart");
    }
}

/// A client by a pattern of each of the 64 shapes that names with seven labels can have but for the last one.
fn in_many_shapes() -> Vec<(String, Value)> {
    let pattern = |mask: usize| {
        let labels = (0..6).map(|bit| if mask >> bit & 1 == 1 { "*." } else { "x." }).collect::<String>();
        (format!("shape-{mask}"), json!({"dns_san": format!("{labels}shape-{mask}")}))
    };
    (0..64).map(pattern).collect()
}

#[test]
fn a_certificate_with_more_names_than_are_compared_has_none() {
    let authority = authority();
    let clients = in_many_shapes();
    let clients: Vec<_> = clients.iter().map(|(alias, credential)| (alias.as_str(), credential.clone())).collect();
    let rule = json!({"rules": [{"dns_san": ["*.*.*.*.*.*.shape-63"]}]});
    for (others, long, expected, by_fingerprint) in [
        (63, false, "shape-63", "known"),
        (64, false, "unknown_certificate", "known"),
        (998, false, "unknown_certificate", "known"),
        (32, true, "unknown_certificate", "known"),
    ] {
        let label = if long { "a".repeat(40) } else { "a".to_owned() };
        let names: Vec<_> = (0..others).map(|number| format!("{label}.{label}.a.a.a.n{number}.others")).collect();
        let mut names: Vec<_> = names.iter().map(String::as_str).collect();
        names.push("a.b.c.d.e.f.shape-63");
        let leaf = authority.issue(&leaf().hosts(names));
        let engine = engine_of(&clients, &json!({}));
        assert_eq!(who(&engine, &verified(&leaf)), expected, "{others} others");
        // The rule has one shape to compare.
        let engine = engine_of(&[("known", json!({"sha256": leaf.fingerprint}))], &rule);
        assert_eq!(who(&engine, &fake(&leaf)), by_fingerprint, "{others} others");
    }
}

#[test]
fn names_that_nobody_vouches_for_are_compared_when_somebody_does() {
    let authority = authority();
    let engine = engine_of(&[("cart", json!({"uri_san": CART}))], &json!({}));
    let other = authority.issue(&leaf().uris(["spiffe://example.org/ns/shop/sa/till"]));
    let nameless = authority.issue(&leaf());
    for _ in 0..2 {
        // A stranger does not learn whether the name is a client's.
        assert_eq!(who(&engine, &fake(&other)), "certificate_unverified");
    }
    for _ in 0..2 {
        assert_eq!(who(&engine, &verified(&other)), "unknown_certificate");
        let request = fake(&nameless);
        assert_eq!((who(&engine, &request).as_str(), request.verified_reads.get()), ("unknown_certificate", 0));
    }
}

#[test]
fn who_signs_with_registered_names_is_somebody_only_by_what_proves_itself() {
    let template = leaf().subject(&[(DnType::CommonName, "cart")]).uris([CART]).hosts(["cart.shop.example"]);
    let forged = template.self_signed();
    for credential in by_name("cart") {
        let engine = engine_of(&[("cart", credential)], &json!({}));
        assert_eq!(who(&engine, &fake(&forged)), "certificate_unverified");
    }
    for credential in
        [json!({"spki_sha256": forged.spki_sha256}), json!({"sha256": forged.fingerprint}), json!({"pem": forged.pem})]
    {
        let clients = [("cart", by_name("cart")[0].clone()), ("known", credential)];
        assert_eq!(who(&engine_of(&clients, &json!({})), &fake(&forged)), "known");
    }
}

// How often certificates are read, and what becomes of those that are not shown.

#[test]
fn a_certificate_is_read_once_for_each_engine() {
    let authority = authority();
    let (leaf, unknown) = (cart(&authority), authority.issue(&leaf()));
    let kinds = [json!({"sha256": leaf.fingerprint}), json!({"spki_sha256": leaf.spki_sha256})];
    for credential in kinds.into_iter().chain(by_name("CA")) {
        let by_content = credential.get("sha256").is_none();
        let [first, second] = [(); 2].map(|()| engine_of(&[("cart", credential.clone())], &json!({})));
        let (known, unknown) = (verified(&leaf), verified(&unknown));
        for _ in 0..100 {
            assert_eq!(who(&first, &known), "cart");
            assert_eq!(who(&first, &unknown), "unknown_certificate");
        }
        let reads = (known.certificate_reads.get(), unknown.certificate_reads.get());
        assert_eq!(reads, (1, by_content.into()), "{credential}");
        who(&second, &known);
        assert_eq!(known.certificate_reads.get(), 2, "{credential}");
    }
}

#[test]
fn strangers_push_out_no_client_but_each_other() {
    let (authority, key) = (authority(), new_key());
    let engine = engine_of(&[("cart", json!({"uri_san": CART}))], &json!({}));
    let (known, first) = (verified(&cart(&authority)), fake(&authority.issue(&leaf())));
    who(&engine, &known);
    who(&engine, &first);
    for serial in 2..10_002_u64 {
        // Every other one writes a client's name, which nobody has verified.
        let (uris, reason): (&[&str], _) =
            if serial % 2 == 0 { (&[], "unknown_certificate") } else { (&[CART], "certificate_unverified") };
        let stranger = authority.issue_for(&leaf().serial(serial).uris(uris.iter().copied()), &key);
        let stranger = fake(&stranger);
        for _ in 0..2 {
            assert_eq!(who(&engine, &stranger), reason);
        }
        assert_eq!(stranger.certificate_reads.get(), 1);
    }
    assert_eq!(who(&engine, &known), "cart");
    who(&engine, &first);
    assert_eq!((known.certificate_reads.get(), first.certificate_reads.get()), (1, 2));
}

#[test]
fn a_certificate_that_is_not_shown_has_no_names_and_may_be_in_any_list() {
    let authority = authority();
    let leaf = cart(&authority);
    let hidden = || Fake { certificate: None, ..verified(&leaf) };
    for credential in by_name("CA").into_iter().chain([json!({"spki_sha256": leaf.spki_sha256})]) {
        let engine = engine_of(&[("cart", credential)], &json!({}));
        assert_eq!(who(&engine, &hidden()), "unknown_certificate");
        assert_eq!(who(&engine, &verified(&leaf)), "cart", "it is looked for again");
    }
    let lists = json!({"crls": [{"pem": authority.crl(&[7_u64], days(-2, 1))}]});
    for (more, expected) in [(&json!({}), "cart"), (&lists, "certificate_unreadable")] {
        for credential in [json!({"sha256": leaf.fingerprint}), json!({"pem": leaf.pem})] {
            let engine = engine_of(&[("cart", credential)], more);
            assert_eq!(who(&engine, &hidden()), expected);
            assert_eq!(who(&engine, &verified(&leaf)), "cart");
        }
    }
}
