//! Errors in the limits of tiers.

use super::{errors_of, with};
use serde_json::{Value, json};

#[test]
fn what_a_limit_cannot_be() {
    let limits = [
        json!({"name": "a", "kind": "window", "requests": 1, "per": "1d", "burst": 2, "initial": "full", "cots": 1}),
        json!({"name": "b", "kind": "quota", "requests": 1_000_000_000_000_000_u64, "per": "1d", "burst": 2, "initial": "half"}),
        json!({"name": "c", "kind": "quota"}),
        json!({"name": "d", "requests": 10, "per": "1s", "initial": "full", "mode": "off", "warn_at": "80"}),
        json!({"name": "e", "requests": 10, "per": "1s", "warn_at": 80, "cost": 5}),
        json!({"name": "f", "requests": 10, "per": "1s", "warn_at": "0%", "cost": {"post": 5, "": 1, "GET": -1, "default": "x"}}),
        json!({"name": "g", "requests": 10, "per": "1s", "burst": 4, "warn_at": "101%", "cost": {"POST": 5, "default": 10, "GET": 4}}),
        json!({"name": "h", "requests": 10, "per": "1s", "burst": 4, "cost": {"POST": 5, "PUT": 4}}),
        json!({"name": "i", "kind": "quota", "requests": 10, "per": "hour", "cost": {"default": 11}}),
        json!({"name": "j", "kind": "bytes", "requests": 10, "per": "month", "cost": {"POST": 5}}),
        json!({"name": "k", "requests": 10, "per": "1s", "cost": {"GET": 0, "default": 0}, "warn_at": "080%"}),
    ];
    insta::assert_snapshot!(errors_of(&with("tiers", json!({"gold": {"limits": limits}}))), @r#"
    tiers.gold.limits[0].kind: expected `token_bucket`, `quota` or `bytes`, found "window"
    tiers.gold.limits[0].cots: expected `cost`, found an unknown field
    tiers.gold.limits[1].burst: expected one of `name`, `kind`, `requests`, `per`, `initial`, `cost`, `mode`, `warn_at`, found an unknown field
    tiers.gold.limits[1].requests: expected a whole number from 1 to 999999999999999, found 1000000000000000
    tiers.gold.limits[1].per: expected `hour`, `day` or `month`, of the calendar in UTC, found "1d"
    tiers.gold.limits[1].initial: expected `full` or `prorated`, found "half"
    tiers.gold.limits[2].requests: expected a whole number from 1 to 999999999999999, found nothing
    tiers.gold.limits[2].per: expected `hour`, `day` or `month`, of the calendar in UTC, found nothing
    tiers.gold.limits[3].initial: expected one of `name`, `kind`, `requests`, `per`, `burst`, `cost`, `mode`, `warn_at`, found an unknown field
    tiers.gold.limits[3].mode: expected `enforce` or `shadow`, found "off"
    tiers.gold.limits[3].warn_at: expected a share from 1% to 100%, such as 80%, found "80"
    tiers.gold.limits[4].cost: expected a map from methods to costs, such as {POST: 5, default: 1}, found 5
    tiers.gold.limits[4].warn_at: expected a share from 1% to 100%, such as 80%, found 80
    tiers.gold.limits[5].cost[""]: expected a method in capitals, such as POST, or `default`, found ""
    tiers.gold.limits[5].cost.GET: expected a whole number from 0 to 2^53, found -1
    tiers.gold.limits[5].cost.default: expected a whole number from 0 to 2^53, found "x"
    tiers.gold.limits[5].cost.post: expected a method in capitals, such as POST, or `default`, found "post"
    tiers.gold.limits[5].warn_at: expected a share from 1% to 100%, such as 80%, found "0%"
    tiers.gold.limits[6].warn_at: expected a share from 1% to 100%, such as 80%, found "101%"
    tiers.gold.limits[6].cost.POST: expected a cost of at most 4, which is all that the limit holds, found 5
    tiers.gold.limits[6].cost.default: expected a cost of at most 4, which is all that the limit holds, found 10
    tiers.gold.limits[7].cost.POST: expected a cost of at most 4, which is all that the limit holds, found 5
    tiers.gold.limits[8].cost.default: expected a cost of at most 10, which is all that the limit holds, found 11
    tiers.gold.limits[9].cost: expected one of `name`, `kind`, `bytes`, `per`, `burst`, `mode`, `warn_at`, found an unknown field
    tiers.gold.limits[9].requests: expected one of `name`, `kind`, `bytes`, `per`, `burst`, `mode`, `warn_at`, found an unknown field
    tiers.gold.limits[9].bytes: expected a whole number from 1 to 2^53, found nothing
    tiers.gold.limits[9].per: expected a duration from 100ms to 366d, or `kind: quota` beside it, found "month"
    tiers.gold.limits[10].cost: expected a cost above 0 for some method or for `default`, found a map
    tiers.gold.limits[10].warn_at: expected a share from 1% to 100%, such as 80%, found "080%"
    "#);
}

#[test]
fn limits_that_cannot_be_counted() {
    let limit = |requests: Value, per: Value, burst: Value| json!({"name": "x", "requests": requests, "per": per, "burst": burst});
    let limits = [
        limit(json!(0), json!("1s"), json!(0)),
        limit(json!(-1), json!("1s"), json!(1.5)),
        limit(json!("100"), json!(1), json!(null)),
        limit(json!(1e16), json!("1.5s"), json!(9_007_199_254_740_994_u64)),
        limit(json!(1), json!("99ms"), json!(1)),
        limit(json!(1), json!("367d"), json!(1)),
        limit(json!(1), json!("1month"), json!(1)),
        limit(json!(3_000_000), json!("1s"), json!(1)),
        limit(json!(1), json!("366d"), json!(10)),
        limit(json!(1000), json!("1s"), json!(1_000_000_000_000_000_u64)),
        json!({}),
        json!({"name": "x", "requests": 10_000_000_000_000_000_u64, "per": "366d", "windows": 1}),
    ];
    let tiers: serde_json::Map<_, _> =
        limits.into_iter().enumerate().map(|(n, limit)| (format!("t{n:02}"), json!({"limits": [limit]}))).collect();
    insta::assert_snapshot!(errors_of(&with("tiers", json!({"gold": {}, "a": null, "b": {"limits": {}}, "c": {"limit": []}}))), @"
    tiers.a: expected a map with `limits`, or an empty one for no limits, found null
    tiers.b.limits: expected a list of limits, found a map
    tiers.c.limit: expected `limits`, found an unknown field
    ");
    let mut document = with("tiers", tiers.into());
    document["clients"] = json!([]);
    insta::assert_snapshot!(errors_of(&document), @r#"
    tiers.t00.limits[0].requests: expected a whole number from 1 to 2^53, found 0
    tiers.t00.limits[0].burst: expected a whole number from 1 to 2^53, found 0
    tiers.t01.limits[0].requests: expected a whole number from 1 to 2^53, found -1
    tiers.t01.limits[0].burst: expected a whole number from 1 to 2^53, found a number that is not whole
    tiers.t02.limits[0].requests: expected a whole number from 1 to 2^53, found "100"
    tiers.t02.limits[0].per: expected a duration from 100ms to 366d, such as 500ms, 1s, 5m, 1h or 1d, found 1: quote it
    tiers.t02.limits[0].burst: expected a whole number from 1 to 2^53, found null
    tiers.t03.limits[0].requests: expected a whole number from 1 to 2^53, found a number beyond 2^53
    tiers.t03.limits[0].per: expected a duration from 100ms to 366d, such as 500ms, 1s, 5m, 1h or 1d, found "1.5s"
    tiers.t03.limits[0].burst: expected a whole number from 1 to 2^53, found a number beyond 2^53
    tiers.t04.limits[0].per: expected a duration from 100ms to 366d, such as 500ms, 1s, 5m, 1h or 1d, found "99ms"
    tiers.t05.limits[0].per: expected a duration from 100ms to 366d, such as 500ms, 1s, 5m, 1h or 1d, found "367d"
    tiers.t06.limits[0].per: expected a duration from 100ms to 366d, such as 500ms, 1s, 5m, 1h or 1d, found "1month"
    tiers.t07.limits[0].requests: expected a rate that whole nanoseconds can express within 0.1 %: the nearest is 3003004
    tiers.t08.limits[0].burst: expected a burst that fills within ten years, found a larger one: the largest is 9
    tiers.t09.limits[0].burst: expected a burst of at most 999999999999999, found a larger one
    tiers.t10.limits[0].name: expected the limit's name, found nothing
    tiers.t10.limits[0].requests: expected a whole number from 1 to 2^53, found nothing
    tiers.t10.limits[0].per: expected a duration from 100ms to 366d, such as 500ms, 1s, 5m, 1h or 1d, found nothing
    tiers.t11.limits[0].windows: expected one of `name`, `kind`, `requests`, `per`, `burst`, `cost`, `mode`, `warn_at`, found an unknown field
    tiers.t11.limits[0].requests: expected a whole number from 1 to 2^53, found a number beyond 2^53
    "#);
}
