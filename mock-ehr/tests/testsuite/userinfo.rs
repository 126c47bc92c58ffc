//! userinfo and the id_token beside it. OpenID Connect Core §2 and §5.3.

use mock_ehr::Defect;
use serde_json::Value;

use crate::harness::TestEhr as Mock;

fn claims(id_token: &str) -> Value {
    use base64::Engine as _;
    let payload = id_token.split('.').nth(1).expect("three parts");
    let bytes = base64::engine::general_purpose::URL_SAFE_NO_PAD
        .decode(payload)
        .expect("base64url");
    serde_json::from_slice(&bytes).expect("JSON")
}

#[tokio::test]
async fn userinfo_names_the_user_of_the_id_token() {
    let mock = Mock::new();
    let launched = mock.launched("app-public").await;
    let bearer = format!("Bearer {}", launched.member("access_token"));
    let answer = mock.get_with("/auth/userinfo", &[("authorization", &bearer)]).await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.header("cache-control"), "no-store");
    let id_token = claims(&launched.member("id_token"));
    assert_eq!(answer.json()["sub"], id_token["sub"]);
    assert_eq!(answer.json()["fhirUser"], id_token["fhirUser"]);
}

#[tokio::test]
async fn userinfo_wants_a_token_with_openid() {
    let mock = Mock::new();
    let none = mock.get("/auth/userinfo").await;
    assert_eq!(
        (none.status.as_u16(), none.header("www-authenticate")),
        (401, "Bearer realm=\"userinfo\"")
    );
    let junk = mock
        .get_with("/auth/userinfo", &[("authorization", "Bearer nobody")])
        .await;
    assert_eq!(
        (junk.status.as_u16(), junk.header("www-authenticate")),
        (401, "Bearer error=\"invalid_token\"")
    );
    let plain = mock
        .launched_with("app-public", |form| form.set("scope", "launch/patient patient/*.rs"))
        .await;
    let bearer = format!("Bearer {}", plain.member("access_token"));
    assert_eq!(
        mock.get_with("/auth/userinfo", &[("authorization", &bearer)])
            .await
            .status,
        403
    );
}

#[tokio::test]
async fn each_defect_of_userinfo_shows() {
    let open = Mock::with_defect(Defect::UserinfoOpen);
    assert_eq!(open.get("/auth/userinfo").await.status, 200);
    let any = Mock::with_defect(Defect::UserinfoAnyToken);
    assert_eq!(
        any.get_with("/auth/userinfo", &[("authorization", "Bearer nobody")])
            .await
            .status,
        200
    );
    let bare = Mock::with_defect(Defect::UserinfoNoChallenge);
    assert_eq!(bare.get("/auth/userinfo").await.header("www-authenticate"), "");
    for (defect, media_type, same) in [
        (Defect::UserinfoText, "text/plain", true),
        (Defect::UserinfoSubDiffers, "application/json", false),
    ] {
        let mock = Mock::with_defect(defect);
        let launched = mock.launched("app-public").await;
        let bearer = format!("Bearer {}", launched.member("access_token"));
        let answer = mock.get_with("/auth/userinfo", &[("authorization", &bearer)]).await;
        assert_eq!(answer.header("content-type"), media_type);
        assert_eq!(
            answer.json()["sub"] == claims(&launched.member("id_token"))["sub"],
            same
        );
    }
}
