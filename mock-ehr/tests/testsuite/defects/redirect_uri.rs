//! The comparison of redirect addresses.

use mock_ehr::Defect;

use crate::harness::{DOCTOR, Landing, TestEhr, redirect_uri};

const APP: &str = "app-public";

pub(super) async fn probe(ehr: &TestEhr, defect: Defect) -> Option<bool> {
    let takes = async |uri: &str| {
        let landing = ehr.land(APP, |form| form.set("redirect_uri", uri)).await;
        matches!(&landing, Landing::App(_)) && landing.address().contains("code=")
    };
    Some(match defect {
        Defect::RedirectUriAny => takes("https://evil.example/").await,
        Defect::RedirectUriPrefixMatch => takes("https://app.example/cb-evil").await,
        Defect::RedirectUriOriginOnly => takes("https://app.example/other").await,
        Defect::RedirectUriCaseInsensitive => takes("https://app.example/CB").await,
        Defect::RedirectUriIgnoresQuery => takes("https://app.example/cb?next=1").await,
        Defect::RedirectUriIgnoresFragment => takes("https://app.example/cb#x").await,
        Defect::RedirectUriTrailingSlash => takes("https://app.example/cb/").await,
        Defect::RedirectUriDecodesPercent => {
            takes("https://app.example/cb%2f").await && takes("https://app.example/%63b").await
        }
        Defect::RedirectUriNormalisesDots => {
            takes("https://app.example/x/../cb").await && takes("https://app.example/cb/../other").await
        }
        Defect::RedirectUriSchemeIgnored => takes("http://app.example/cb").await,
        Defect::RedirectUriPortIgnored => takes("https://app.example:1/cb").await,
        Defect::RedirectUriUserinfo => takes("https://good.example@app.example/cb").await,
        Defect::RedirectUriHostSuffix => takes("https://app.example.attacker.example/cb").await,
        Defect::RedirectUriSubdomain => takes("https://evil.app.example/cb").await,
        Defect::RedirectUriOtherClient => takes(&redirect_uri("app-symmetric")).await,
        Defect::RedirectUriMissingAccepted => ehr.gives_code(APP, |form| form.omit("redirect_uri")).await,
        Defect::RedirectUriEmptyAccepted => takes("").await,
        Defect::RedirectUriNotComparedAtExchange => exchanges(ehr, Some("https://evil.example/")).await,
        Defect::RedirectUriRegisteredAtExchange => exchanges(ehr, Some("https://app.example/cb2")).await,
        Defect::RedirectUriMissingAtExchangeAccepted => exchanges(ehr, None).await,
        _ => return None,
    })
}

async fn exchanges(ehr: &TestEhr, redirect_uri: Option<&str>) -> bool {
    let flow = ehr.code(APP).await;
    let alter = |form: crate::harness::Form| match redirect_uri {
        Some(uri) => form.set("redirect_uri", uri),
        None => form.omit("redirect_uri"),
    };
    ehr.redeem(&flow, alter).await.gives_token()
}

#[tokio::test]
async fn registered_addresses_and_loopback_ports_are_accepted() {
    let ehr = TestEhr::new();
    for uri in [
        "https://app.example/cb",
        "https://app.example/cb2",
        "http://127.0.0.1:4567/callback",
        "http://127.0.0.1:51234/callback",
        "http://127.0.0.1/callback",
    ] {
        let request = ehr.request(APP).set("redirect_uri", uri);
        let landing = ehr.other_browser().walk(&request, &DOCTOR).await;
        assert!(landing.address().starts_with(&format!("{uri}?code=")), "{landing:?}");
    }
}
