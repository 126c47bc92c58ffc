//! Every fixture key is read; what cannot be a key says why. Lends the keys to the other tests.

use super::*;

pub(crate) const EVERY_KEY: [&str; 9] = [
    "server_rs256",
    "server_es256",
    "server_es384",
    "client_rs384",
    "client_es384",
    "client_2_rs384",
    "client_2_es384",
    "attacker_rs384",
    "attacker_es384",
];

pub(crate) fn json(stem: &str) -> &'static str {
    fixtures::file(&format!("keys/{stem}.private.jwk.json"))
        .expect("a key of that name")
        .text
}

pub(crate) fn key(stem: &str) -> SigningKey {
    SigningKey::from_jwk(json(stem)).expect("a whole key")
}

fn without(stem: &str, member: &str) -> String {
    let mut jwk: Value = serde_json::from_str(json(stem)).unwrap();
    jwk.as_object_mut().unwrap().shift_remove(member);
    jwk.to_string()
}

#[test]
fn every_fixture_key_is_read_and_says_that_it_is_for_tests() {
    for stem in EVERY_KEY {
        let key = key(stem);
        assert!(key.kid().unwrap().ends_with("-test-only"));
        assert!(stem.ends_with(&key.alg().name().to_lowercase()));
    }
}

#[test]
fn the_public_half_holds_nothing_private() {
    for stem in EVERY_KEY {
        let public = key(stem).public_jwk();
        for private in ["d", "p", "q", "dp", "dq", "qi", "oth", "k"] {
            assert!(public.get(private).is_none(), "{stem} shows {private}");
        }
        let d = serde_json::from_str::<Value>(json(stem)).unwrap()["d"]
            .as_str()
            .unwrap()
            .to_owned();
        assert!(!format!("{:?} {public}", key(stem)).contains(&d));
    }
}

#[test]
fn without_an_alg_the_kind_of_key_decides() {
    for (stem, alg) in [
        ("server_rs256", Alg::Rs384),
        ("server_es256", Alg::Es256),
        ("client_es384", Alg::Es384),
    ] {
        assert_eq!(SigningKey::from_jwk(&without(stem, "alg")).unwrap().alg(), alg);
    }
}

#[test]
fn an_incomplete_or_foreign_key_says_what_is_wrong() {
    let error = |json: &str| SigningKey::from_jwk(json).unwrap_err();
    assert_eq!(error(&without("client_rs384", "qi")), KeyError::Missing("qi"));
    assert_eq!(error(&without("client_es384", "y")), KeyError::Missing("y"));
    assert_eq!(error(r#"{"keys":[]}"#), KeyError::IsASet);
    assert_eq!(error("[]"), KeyError::NotAnObject);
    assert!(matches!(error("-----BEGIN"), KeyError::NotJson(_)));
    assert_eq!(error(r#"{"kty":"OKP"}"#), KeyError::UnsupportedType("OKP".into()));
    assert_eq!(
        error(r#"{"kty":"EC","crv":"P-521"}"#),
        KeyError::UnsupportedCurve("P-521".into())
    );
    let mixed = json("client_es384").replace("ES384", "RS384");
    assert!(matches!(error(&mixed), KeyError::AlgDoesNotFit { .. }));
    let mut jwk: Value = serde_json::from_str(json("client_es384")).unwrap();
    jwk["d"] = serde_json::from_str::<Value>(json("attacker_es384")).unwrap()["d"].clone();
    assert!(matches!(error(&jwk.to_string()), KeyError::Rejected(_)));
}

#[test]
fn a_key_signs_only_what_it_can() {
    let error = key("client_rs384").sign(Alg::Es384, b"x").unwrap_err();
    assert_eq!(error.to_string(), "ES384 cannot be made with a key of RSA");
    assert_eq!(key("client_rs384").sign_der(b"x"), Err(SignError::NotEcdsa));
}

#[test]
fn a_new_key_signs_by_the_algorithm_that_was_asked_for() {
    for alg in [Alg::Rs384, Alg::Es256, Alg::Es384] {
        let key = SigningKey::generate(alg, "new").expect("this machine makes keys");
        assert_eq!((key.alg(), key.kid()), (alg, Some("new")));
        let set = serde_json::json!({ "keys": [key.public_jwk()] });
        let set = crate::oauth::jwks::Jwks::parse(&set).expect("a key set");
        assert!(set.problems().is_empty(), "{alg}");
        let signature = key.sign(alg, b"message").expect("it signs");
        let public = set.find(Some("new"), alg).expect("it is there");
        assert!(public.verifies(alg, b"message", &signature), "{alg}");
    }
}
