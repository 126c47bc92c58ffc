//! Sets that are right, sets that are not, and which fault each key is said to have.

use serde_json::json;

use super::super::signing_key::tests::{EVERY_KEY, json as private, key};
use super::*;

fn faults(keys: &[Value]) -> Vec<KeyFault> {
    let set = Jwks::parse(&json!({ "keys": keys })).unwrap();
    set.problems().iter().map(|problem| problem.fault.clone()).collect()
}

fn with(stem: &str, member: &str, value: Value) -> Value {
    let mut jwk = key(stem).public_jwk();
    jwk[member] = value;
    jwk
}

fn without(stem: &str, member: &str) -> Value {
    let mut jwk = key(stem).public_jwk();
    jwk.as_object_mut().unwrap().shift_remove(member);
    jwk
}

#[test]
fn our_public_keys_have_no_fault() {
    let keys: Vec<Value> = EVERY_KEY.iter().map(|stem| key(stem).public_jwk()).collect();
    assert_eq!(faults(&keys), []);
}

#[test]
fn a_document_that_is_no_set_says_why() {
    let parse = |value: Value| Jwks::parse(&value).unwrap_err();
    assert_eq!(parse(json!([])), JwksProblem::NotAnObject("an array"));
    assert_eq!(parse(json!({})), JwksProblem::NoKeys);
    assert_eq!(parse(json!({ "keys": {} })), JwksProblem::KeysNotArray);
    assert_eq!(parse(json!({ "keys": ["x"] })), JwksProblem::KeysNotArray);
}

#[test]
fn private_members_are_seen() {
    let rsa: Value = serde_json::from_str(private("client_rs384")).unwrap();
    let expected = ["d", "p", "q", "dp", "dq", "qi"].map(KeyFault::PrivateMember);
    assert_eq!(faults(&[rsa]), expected);
    let symmetric = json!({ "kty": "oct", "kid": "a", "k": "AAAA" });
    assert_eq!(faults(&[symmetric]), [KeyFault::PrivateMember("k")]);
}

#[test]
fn names_are_present_and_unique_for_one_kind() {
    assert_eq!(faults(&[without("client_rs384", "kid")]), [KeyFault::NoKid]);
    assert_eq!(faults(&[without("client_rs384", "kty")]), [KeyFault::NoKty]);
    let nameless = without("client_rs384", "kid");
    assert_eq!(
        faults(&[nameless.clone(), nameless]),
        [KeyFault::NoKid, KeyFault::NoKid]
    );
    let (rsa, second) = (
        with("client_rs384", "kid", json!("a")),
        with("client_2_rs384", "kid", json!("a")),
    );
    assert_eq!(faults(&[rsa.clone(), second]), [KeyFault::DuplicateKid(0)]);
    assert_eq!(faults(&[rsa, with("client_es384", "kid", json!("a"))]), []);
}

#[test]
fn numbers_that_make_no_key_are_seen() {
    let short = URL_SAFE_NO_PAD.encode([0xff; 128]);
    assert_eq!(
        faults(&[with("client_rs384", "n", json!(short))]),
        [KeyFault::ShortModulus(1024)]
    );
    assert_eq!(
        faults(&[with("client_rs384", "n", json!("a+b="))]),
        [KeyFault::NotBase64Url("n")]
    );
    let x = key("client_es384").public_jwk()["x"].clone();
    assert_eq!(
        faults(&[with("client_es384", "y", x)]),
        [KeyFault::NotOnCurve(Family::P384)]
    );
    let wrong = with("client_es384", "crv", json!("P-256"));
    assert!(matches!(
        faults(&[wrong])[..],
        [KeyFault::CoordinateLength {
            expected: 32,
            was: 48,
            ..
        }]
    ));
    assert!(matches!(
        faults(&[with("client_es384", "alg", json!("RS384"))])[..],
        [KeyFault::AlgDoesNotFit { .. }]
    ));
    assert_eq!(faults(&[without("client_es384", "x")]), [KeyFault::Missing("x")]);
}

#[test]
fn kinds_that_the_suite_does_not_know_are_no_fault() {
    let okp = json!({ "kty": "OKP", "kid": "ed", "crv": "Ed25519", "x": "AAAA" });
    let p521 = json!({ "kty": "EC", "kid": "p", "crv": "P-521", "x": "AAAA", "y": "AAAA" });
    assert_eq!(faults(&[okp, p521]), []);
}

#[test]
fn a_key_for_encryption_verifies_nothing() {
    let encryption = with("client_rs384", "use", json!("enc"));
    let set = Jwks::parse(&json!({ "keys": [encryption, key("client_rs384").public_jwk()] })).unwrap();
    assert!(!set.keys[0].fits(Alg::Rs384));
    assert!(set.find(key("client_rs384").kid(), Alg::Rs384).is_some());
    assert!(set.find(None, Alg::Es384).is_none());
}
