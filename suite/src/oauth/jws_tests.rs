//! Round trips, known vectors, and every forgery refused.

use serde_json::json;

use super::super::signing_key::tests::{EVERY_KEY, key};
use super::*;

fn map(value: &Value) -> Map<String, Value> {
    value.as_object().unwrap().clone()
}

fn header(alg: &str, key: &SigningKey) -> Map<String, Value> {
    map(&json!({ "alg": alg, "typ": "JWT", "kid": key.kid() }))
}

fn claims() -> Map<String, Value> {
    map(&json!({ "iss": "app", "sub": "app", "n": 1 }))
}

fn jwks_of(keys: &[&SigningKey]) -> Jwks {
    let keys: Vec<Value> = keys
        .iter()
        .map(|key| {
            // Any algorithm of the key's family: `alg` is optional in a JWKS.
            let mut jwk = key.public_jwk();
            jwk.as_object_mut().unwrap().shift_remove("alg");
            jwk
        })
        .collect();
    Jwks::parse(&json!({ "keys": keys })).unwrap()
}

#[test]
fn every_key_and_algorithm_makes_the_round_trip() {
    let mut seen = Vec::new();
    for stem in EVERY_KEY {
        let key = key(stem);
        for alg in Alg::ALL.into_iter().filter(|alg| alg.family() == key.family()) {
            let token = write(&header(alg.name(), &key), &claims(), Signing::With(&key, alg)).unwrap();
            let verified = verify(&token, &jwks_of(&[&key])).unwrap();
            assert_eq!(
                verified,
                Verified {
                    kid: key.kid().map(str::to_owned),
                    alg
                }
            );
            assert_eq!(
                decode(&token).unwrap(),
                Decoded {
                    header: header(alg.name(), &key),
                    claims: claims()
                }
            );
            seen.push(alg);
        }
    }
    assert!(Alg::ALL.iter().all(|alg| seen.contains(alg)));
}

#[test]
fn an_rsa_signature_is_the_same_every_time() {
    let key = key("client_rs384");
    let token = || write(&header("RS384", &key), &claims(), Signing::With(&key, Alg::Rs384)).unwrap();
    assert_eq!(token(), token());
}

#[test]
fn every_forgery_is_refused() {
    for stem in ["client_rs384", "client_es384", "server_es256"] {
        let key = key(stem);
        let keys = jwks_of(&[&key]);
        let mut forgeries = vec![
            Signing::None,
            Signing::BitFlipped(&key),
            Signing::Stripped(&key),
            Signing::OtherPayload(&key),
        ];
        for hash in [HmacHash::Sha256, HmacHash::Sha384] {
            for form in [PublicForm::Pem, PublicForm::Der, PublicForm::Jwk] {
                forgeries.push(Signing::HmacWithPublicKey { key: &key, hash, form });
            }
        }
        if key.family() != Family::Rsa {
            forgeries.extend([Signing::EcdsaZero, Signing::EcdsaDer(&key)]);
        }
        for forgery in forgeries {
            // As its own algorithm, and under the name of the key's own.
            for alg in [forgery.alg_name(), key.alg().name()] {
                let token = write(&header(alg, &key), &claims(), forgery).unwrap();
                assert!(decode(&token).is_some());
                assert!(
                    verify(&token, &keys).is_err(),
                    "{stem}: {forgery:?} as {alg} was believed"
                );
            }
        }
    }
}

#[test]
fn a_forged_hmac_is_what_a_confused_verifier_would_accept() {
    let key = key("client_rs384");
    let how = Signing::HmacWithPublicKey {
        key: &key,
        hash: HmacHash::Sha256,
        form: PublicForm::Pem,
    };
    let token = write(&header("HS256", &key), &claims(), how).unwrap();
    let (input, signature) = token.rsplit_once('.').unwrap();
    let confused = hmac::Key::new(hmac::HMAC_SHA256, &public_bytes(&key, PublicForm::Pem).unwrap());
    hmac::verify(&confused, input.as_bytes(), &URL_SAFE_NO_PAD.decode(signature).unwrap()).unwrap();
}

#[test]
fn a_der_signature_differs_from_a_proper_one_by_its_form_only() {
    use aws_lc_rs::signature::{ECDSA_P384_SHA384_ASN1, UnparsedPublicKey};
    let key = key("client_es384");
    let token = write(&header("ES384", &key), &claims(), Signing::EcdsaDer(&key)).unwrap();
    let (input, signature) = token.rsplit_once('.').unwrap();
    let signature = URL_SAFE_NO_PAD.decode(signature).unwrap();
    let point = |name: &str| {
        URL_SAFE_NO_PAD
            .decode(key.public_jwk()[name].as_str().unwrap())
            .unwrap()
    };
    let public = [vec![4], point("x"), point("y")].concat();
    UnparsedPublicKey::new(&ECDSA_P384_SHA384_ASN1, public)
        .verify(input.as_bytes(), &signature)
        .unwrap();
}

#[test]
fn the_zero_signature_is_as_long_as_the_header_asks() {
    let key = key("server_es256");
    for (alg, characters) in [("ES256", 86), ("ES384", 128)] {
        let token = write(&header(alg, &key), &claims(), Signing::EcdsaZero).unwrap();
        assert_eq!(token.rsplit_once('.').unwrap().1, "A".repeat(characters));
    }
}

#[test]
fn another_clients_key_does_not_verify_even_under_the_same_name() {
    let (ours, theirs) = (key("client_rs384"), key("client_2_rs384"));
    let token = write(&header("RS384", &ours), &claims(), Signing::With(&theirs, Alg::Rs384)).unwrap();
    assert_eq!(
        verify(&token, &jwks_of(&[&ours, &theirs])),
        Err(VerifyError::BadSignature { alg: Alg::Rs384 })
    );
}

#[test]
fn the_key_decides_with_the_header_which_algorithm_is_allowed() {
    let key = key("client_rs384");
    let token = write(&header("RS256", &key), &claims(), Signing::With(&key, Alg::Rs256)).unwrap();
    let strict = Jwks::parse(&json!({ "keys": [key.public_jwk()] })).unwrap();
    assert!(matches!(verify(&token, &strict), Err(VerifyError::NoKeyFor { .. })));
}

#[test]
fn without_a_kid_every_fitting_key_is_tried() {
    let (first, second) = (key("client_2_es384"), key("client_es384"));
    let token = write(
        &map(&json!({ "alg": "ES384" })),
        &claims(),
        Signing::With(&second, Alg::Es384),
    )
    .unwrap();
    let verified = verify(&token, &jwks_of(&[&key("client_rs384"), &first, &second])).unwrap();
    assert_eq!(verified.kid.as_deref(), second.kid());
    let named = write(&header("ES384", &second), &claims(), Signing::With(&second, Alg::Es384)).unwrap();
    assert!(matches!(
        verify(&named, &jwks_of(&[&first])),
        Err(VerifyError::UnknownKid(Some(_)))
    ));
}

#[test]
fn the_es256_vector_of_rfc_7515_appendix_a_3_verifies() {
    let keys = Jwks::parse(&json!({ "keys": [{
        "kty": "EC", "crv": "P-256",
        "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
        "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"
    }]}))
    .unwrap();
    let token = concat!(
        "eyJhbGciOiJFUzI1NiJ9",
        ".",
        "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ",
        ".",
        "DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q"
    );
    assert_eq!(
        verify(token, &keys),
        Ok(Verified {
            kid: None,
            alg: Alg::Es256
        })
    );
}

#[test]
fn what_is_no_token_says_so() {
    let keys = jwks_of(&[&key("client_rs384")]);
    for text in [
        "",
        "a",
        "a.b",
        "a.b.c",
        "..",
        "e30.e30",
        "e30.e30.e30.e30",
        "e30=.e30.e30",
        "W10.e30.e30",
        "ä.ö.ü",
    ] {
        assert_eq!(verify(text, &keys), Err(VerifyError::Malformed), "{text}");
    }
    assert_eq!(verify("e30.e30.", &keys), Err(VerifyError::NoAlg));
    let critical = map(&json!({ "alg": "RS384", "crit": ["b64"], "b64": false }));
    let key = key("client_rs384");
    let token = write(&critical, &claims(), Signing::With(&key, Alg::Rs384)).unwrap();
    assert!(matches!(verify(&token, &keys), Err(VerifyError::Critical(_))));
    for none in ["none", "None", "nOnE"] {
        let token = write(&header(none, &key), &claims(), Signing::None).unwrap();
        assert_eq!(verify(&token, &keys), Err(VerifyError::Unsigned));
    }
}

proptest::proptest! {
    #[test]
    fn no_text_makes_the_reader_panic(text in "\\PC*", parts in proptest::collection::vec("[A-Za-z0-9_-]{0,12}", 0..5)) {
        let keys = Jwks::parse(&json!({ "keys": [] })).unwrap();
        let _ = verify(&text, &keys);
        let _ = verify(&parts.join("."), &keys);
    }
}
