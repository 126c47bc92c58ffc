//! The launcher page, the launch API's further choices, the embedded frame, and the faults that ride with one launch.

mod chromium;

use http::StatusCode;
use scraper::{Html, Selector};
use serde_json::{Value, json};

use crate::harness::*;

fn find(page: &Answer, selector: &str) -> Vec<String> {
    let html = Html::parse_document(&page.body);
    let selector = Selector::parse(selector).unwrap();
    let values = html.select(&selector).map(|element| {
        let value = element.value();
        value
            .attr("value")
            .map_or_else(|| element.text().collect(), str::to_owned)
    });
    values.collect()
}

fn key(page: &Answer) -> String {
    find(page, "input[name=csrf]").remove(0)
}

/// The `launch` of an address.
fn launch_of(address: &str) -> String {
    let (_, query) = address.split_once('?').unwrap();
    let mut pairs = pairs(query).into_iter();
    pairs.find(|(name, _)| name == "launch").unwrap().1
}

async fn begun(ehr: &TestEhr, asked: &Value) -> Value {
    let answer = ehr.post_json("/launches", asked).await;
    assert_eq!(answer.status, StatusCode::CREATED, "{answer:?}");
    answer.json()
}

async fn context(ehr: &TestEhr, launch: &str) -> Value {
    let answer = ehr
        .launched_with("app-public", |request| request.add("launch", launch))
        .await;
    answer.json()
}

#[tokio::test]
async fn tenant_style_and_extra_members_come_with_the_token() {
    let ehr = TestEhr::new();
    let asked = json!({
        "client": "app-public",
        "patient": "patient-a",
        "tenant": "north-clinic",
        "smart_style_url": "https://ehr.example/style.json",
        "extra": { "ward": "7b", "beds": [1, 2] },
    });
    let body = context(&ehr, begun(&ehr, &asked).await["launch"].as_str().unwrap()).await;
    assert_eq!(body["tenant"], "north-clinic");
    assert_eq!(body["smart_style_url"], "https://ehr.example/style.json");
    assert_eq!((&body["ward"], &body["beds"]), (&json!("7b"), &json!([1, 2])));
    // The RPC form says the same.
    let ctx = json!({ "patient": "patient-a", "tenant": "north-clinic", "extra": { "ward": "7b" } });
    let asked = json!({ "method": "aidbox.smart/get-launch-uri", "params": { "client": "app-public", "ctx": ctx } });
    let answer = ehr.post_json("/rpc", &asked).await.json();
    let body = context(&ehr, answer["result"]["launch"].as_str().unwrap()).await;
    assert_eq!((&body["tenant"], &body["ward"]), (&json!("north-clinic"), &json!("7b")));
}

#[tokio::test]
async fn nothing_with_a_meaning_of_its_own_can_be_an_extra_member() {
    let ehr = TestEhr::new();
    for name in [
        "access_token",
        "scope",
        "patient",
        "id_token",
        "expires_in",
        "active",
        "sub",
    ] {
        let asked = json!({ "client": "app-public", "extra": { name: "mine" } });
        let answer = ehr.post_json("/launches", &asked).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{name}");
        assert!(answer.error().contains(name), "{answer:?}");
    }
    // Nor by a launch value that nobody checked.
    let ehr = TestEhr::with_defect(mock_ehr::Defect::LaunchAlteredAccepted);
    let launch = ehr.launch("app-public", None).launch;
    let claims = json!({
        "iss": BASE, "client": "app-public", "iat": 0, "exp": 4_000_000_000_i64, "jti": "1",
        "ctx": { "patient": "patient-a", "extra": { "access_token": "mine", "ward": "7b" } },
    });
    let forged = format!(
        "{}.{}.{}",
        launch.split('.').next().unwrap(),
        base64url(&claims.to_string()),
        launch.rsplit('.').next().unwrap()
    );
    let body = context(&ehr, &forged).await;
    assert_eq!(body["ward"], "7b");
    assert_ne!(body["access_token"], "mine");
}

fn base64url(text: &str) -> String {
    use base64::Engine as _;
    base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(text)
}

#[tokio::test]
async fn choices_that_do_not_fit_are_refused_with_the_reason() {
    let ehr = TestEhr::new();
    let long = "x".repeat(5000);
    for (more, said) in [
        (json!({ "encounter": "nothing" }), "no Encounter"),
        (
            json!({ "patient": "patient-a", "encounter": "encounter-c1" }),
            "patient-c",
        ),
        (
            json!({ "fhirContext": [{ "reference": "Location/location-1" }, { "type": "Location" }] }),
            "entry 2",
        ),
        (
            json!({ "fhirContext": [{ "reference": "Patient/patient-a" }] }),
            "another role",
        ),
        (json!({ "smart_style_url": "/style.json" }), "absolute"),
        (json!({ "extra": { "long": long } }), "3072"),
        (json!({ "launch_url": "javascript:alert(1)" }), "http"),
        (json!({ "type": "popup" }), "standalone"),
        (json!({ "type": "standalone", "patient": "nobody" }), "no Patient"),
        (json!({ "type": "standalone", "tenant": "x" }), "standalone"),
        (json!({ "faults": ["no_such_fault"] }), "nearest"),
        (json!({ "faults": ["discovery_404"] }), "--defect"),
    ] {
        let mut asked = json!({ "client": "app-public" });
        asked.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let answer = ehr.post_json("/launches", &asked).await;
        assert!(answer.status.is_client_error(), "{asked}");
        assert!(answer.error().contains(said), "{asked}: {answer:?}");
    }
    let answer = ehr.post_json("/launches", &json!({ "client": "backend" })).await;
    assert!(answer.error().contains("without a user"), "{answer:?}");
}

#[tokio::test]
async fn a_standalone_launch_tells_the_server_alone() {
    let ehr = TestEhr::new();
    let launch = begun(&ehr, &json!({ "client": "app-public", "type": "standalone" })).await;
    assert_eq!(
        launch["uri"],
        "https://app.example/launch?iss=http%3A%2F%2F127.0.0.1%3A8080%2Ffhir"
    );
    assert_eq!(launch.get("launch"), None);
    // The page keeps what was chosen for a launch by the EHR, and does not use it.
    let answer = ehr
        .get("/launch?client=app-public&type=standalone&intent=review&tenant=x")
        .await;
    assert_eq!(answer.header("location"), launch["uri"].as_str().unwrap());
}

#[tokio::test]
async fn what_was_typed_is_shown_again_with_the_field_that_is_wrong() {
    let ehr = TestEhr::new();
    let query = "client=app-public-2&user=nurse&patient=patient-b&intent=%3Cb%3E&tenant=t%22x&context=%5B1%5D&extra=%7B%22a%22%3A1%7D&fault=token_expires_in_missing";
    for (path, status) in [("/", StatusCode::OK), ("/launch", StatusCode::UNPROCESSABLE_ENTITY)] {
        let page = ehr.get(&format!("{path}?{query}")).await;
        assert_eq!(page.status, status);
        assert_eq!(find(&page, "[name=client] option[selected]"), ["app-public-2"]);
        assert_eq!(find(&page, "[name=user] option[selected]"), ["nurse"]);
        assert_eq!(find(&page, "[name=patient][checked]"), ["patient-b"]);
        assert_eq!(find(&page, "[name=intent]"), ["<b>"]);
        assert_eq!(find(&page, "[name=tenant]"), ["t\"x"]);
        assert_eq!(find(&page, "[name=context]"), ["[1]"]);
        assert_eq!(find(&page, "[name=extra]"), ["{\"a\":1}"]);
        let wrong = find(&page, "[aria-invalid]");
        assert_eq!(wrong.len(), usize::from(path == "/launch"), "{wrong:?}");
        assert_eq!(find(&page, "#problem").len(), wrong.len());
        // Both links carry what the page shows.
        let html = Html::parse_document(&page.body);
        for (id, at) in [("page-link", "/"), ("launch-link", "/launch")] {
            let selector = Selector::parse(&format!("#{id}")).unwrap();
            let link = html.select(&selector).next().unwrap().attr("href").unwrap();
            let (before, carried) = link.split_once('?').unwrap();
            assert_eq!(before, format!("{BASE}{at}"));
            assert_eq!(pairs(carried), pairs(query));
        }
    }
}

#[tokio::test]
async fn patients_are_found_by_name_birth_date_and_problem() {
    let ehr = TestEhr::new();
    for (search, found) in [
        ("SAMPLETON", vec!["patient-a"]),
        ("1966-03-14", vec!["patient-a"]),
        ("patient-b", vec!["patient-b"]),
        ("nobody+here", vec![]),
    ] {
        let page = ehr.get(&format!("/?find={search}")).await;
        let ids = find(&page, ".row input[value^=patient-]");
        assert_eq!(ids, found, "{search}");
    }
    // The chosen one stays on the page, or it would be lost with the next launch.
    let page = ehr.get("/?find=sampleton&patient=patient-c").await;
    assert_eq!(find(&page, "[name=patient][checked]"), ["patient-c"]);
}

#[tokio::test]
async fn the_last_launch_is_remembered() {
    let ehr = TestEhr::new();
    let page = ehr.browse("/").await;
    let form = Form::of(&[
        ("client", "app-public-2"),
        ("patient", "patient-c"),
        ("intent", "a;b, c"),
    ]);
    // A form that another site sent is not what this user chose.
    let other = ehr.submit("/launch", &form.clone().add("csrf", "guessed")).await;
    assert_eq!(other.status, StatusCode::SEE_OTHER);
    assert!(!ehr.browse("/").await.body.contains("last launch"));
    let answer = ehr.submit("/launch", &form.add("csrf", &key(&page))).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER);
    let cookie = answer.header("set-cookie").to_owned();
    assert!(
        cookie.contains("HttpOnly") && cookie.contains("SameSite=Lax"),
        "{cookie}"
    );
    let page = ehr.browse("/").await;
    assert!(page.body.contains("last launch"));
    assert_eq!(find(&page, "[name=patient][checked]"), ["patient-c"]);
    assert_eq!(find(&page, "[name=intent]"), ["a;b, c"]);
    assert_eq!(find(&ehr.browse("/?type=ehr").await, "[name=patient][checked]"), [""]);
}

#[tokio::test]
async fn a_link_of_somebody_else_leads_to_registered_addresses_only() {
    let ehr = TestEhr::new();
    let evil = "client=app-public&launch_url=https%3A%2F%2Fevil.example%2F";
    let page = ehr.browse(&format!("/launch?{evil}")).await;
    assert_eq!((page.status, page.header("location")), (StatusCode::OK, ""));
    assert!(page.body.contains("https://evil.example/"));
    let form = Form(pairs(evil));
    let refused = ehr.submit("/launch", &form.clone().add("csrf", "guessed")).await;
    assert_eq!(
        (refused.status, refused.header("location")),
        (StatusCode::FORBIDDEN, "")
    );
    // The user's own click on the page does it.
    let answer = ehr.submit("/launch", &form.add("csrf", &key(&page))).await;
    assert!(
        answer.header("location").starts_with("https://evil.example/?iss="),
        "{answer:?}"
    );
    // The registered address needs no click, however it is written.
    let same = "client=app-public&launch_url=https%3A%2F%2Fapp.example%2Flaunch";
    assert_eq!(ehr.get(&format!("/launch?{same}")).await.status, StatusCode::SEE_OTHER);
}

#[tokio::test]
async fn only_a_launch_of_this_server_is_framed() {
    let ehr = TestEhr::new();
    let asked = json!({ "client": "app-public", "type": "embedded", "patient": "patient-a" });
    let launch = begun(&ehr, &asked).await;
    let uri = launch["uri"].as_str().unwrap().to_owned();
    assert!(uri.starts_with(&format!("{BASE}/embedded?launch=")));
    let path = uri.strip_prefix(BASE).unwrap();
    let page = ehr.get(path).await;
    assert_eq!(page.status, StatusCode::OK);
    assert!(page.body.contains("Amara Louise Sampleton"));
    let html = Html::parse_document(&page.body);
    let selector = Selector::parse("iframe").unwrap();
    let source = html.select(&selector).next().unwrap().attr("src").unwrap().to_owned();
    assert!(source.starts_with("https://app.example/launch?iss="), "{source}");
    assert_eq!(launch_of(&source), launch["launch"]);
    let policy = page.header("content-security-policy");
    assert!(
        policy.contains("frame-src") && policy.contains("frame-ancestors 'self'"),
        "{policy}"
    );
    for other in ["/embedded", "/embedded?launch=x", &format!("{path}x")] {
        let page = ehr.get(other).await;
        assert_eq!(page.status, StatusCode::BAD_REQUEST, "{other}");
        assert!(!page.body.contains("<iframe"));
    }
    ehr.mock.advance(jiff::SignedDuration::from_mins(6));
    assert_eq!(ehr.get(path).await.status, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn a_fault_rides_with_its_launch_and_with_no_other() {
    let ehr = TestEhr::new();
    let plain = begun(&ehr, &json!({ "client": "app-public", "patient": "patient-a" })).await;
    let asked = json!({
        "client": "app-public",
        "patient": "patient-a",
        "faults": ["token_expires_in_missing", "response_iss_missing", "refresh_loses_context"],
    });
    let faulty = begun(&ehr, &asked).await;
    let walked = |launch: &Value| {
        let request = ehr
            .request("app-public")
            .add("launch", launch["launch"].as_str().unwrap());
        let ehr = ehr.other_browser();
        async move { ehr.walk(&request, &DOCTOR).await }
    };
    let right = walked(&plain).await;
    let wrong = walked(&faulty).await;
    assert!(
        right.parameter("iss").is_some() && wrong.parameter("iss").is_none(),
        "{wrong:?}"
    );
    let redeem = async |landing: &Landing| {
        let flow = Flow {
            client: "app-public",
            code: landing.parameter("code").unwrap(),
            redirect_uri: redirect_uri("app-public"),
        };
        ehr.redeem(&flow, |form| form).await
    };
    let (right, wrong) = (redeem(&right).await, redeem(&wrong).await);
    assert_eq!(right.json()["expires_in"], 3600);
    assert_eq!(right.header("x-mock-defect"), "");
    assert_eq!(wrong.json().get("expires_in"), None);
    assert_eq!(wrong.header("x-mock-defect"), "token_expires_in_missing");
    // What came of the launch has the fault too.
    let refreshed = ehr
        .refresh("app-public", &wrong.member("refresh_token"), |form| form)
        .await;
    assert_eq!(refreshed.json().get("patient"), None);
    assert!(refreshed.header("x-mock-defect").contains("refresh_loses_context"));
    let refreshed = ehr
        .refresh("app-public", &right.member("refresh_token"), |form| form)
        .await;
    assert_eq!(refreshed.json()["patient"], "patient-a");
    assert!(ehr.mock.state().defects().armed().is_empty());
}

#[tokio::test]
async fn a_fault_shows_in_data_and_in_pushed_requests() {
    let ehr = TestEhr::new();
    let asked = json!({ "client": "app-public", "patient": "patient-a", "faults": ["response_iss_missing", "fhir_compartment_read_leak"] });
    let answer = ehr.post_json("/launches", &asked).await;
    assert_eq!(answer.status, StatusCode::CREATED, "{answer:?}");
    let launch = answer.json()["launch"].as_str().unwrap().to_owned();
    let request = ehr.request("app-public").add("launch", &launch);
    let pushed = ehr.call("/auth/par", "app-public", request).await;
    let request = Form::of(&[
        ("client_id", "app-public"),
        ("request_uri", &pushed.member("request_uri")),
    ]);
    let landing = ehr.other_browser().walk(&request, &DOCTOR).await;
    assert!(
        landing.parameter("code").is_some() && landing.parameter("iss").is_none(),
        "{landing:?}"
    );
    let flow = Flow {
        client: "app-public",
        code: landing.parameter("code").unwrap(),
        redirect_uri: redirect_uri("app-public"),
    };
    let token = ehr.redeem(&flow, |form| form).await.member("access_token");
    let other = ehr.fhir("Patient/patient-b", &token).await;
    assert_eq!(other.status, StatusCode::OK, "{other:?}");
    assert!(other.header("x-mock-defect").contains("fhir_compartment_read_leak"));
}

#[tokio::test]
async fn an_app_that_registered_itself_can_be_launched() {
    let ehr = TestEhr::new();
    let metadata = json!({
        "client_name": "Mine",
        "redirect_uris": ["http://localhost:3000/app.html"],
        "token_endpoint_auth_method": "none",
        "initiate_login_uri": "http://localhost:3000/launch.html",
    });
    let told = ehr.post_json("/auth/register", &metadata).await.json();
    assert_eq!(told["initiate_login_uri"], metadata["initiate_login_uri"]);
    let id = told["client_id"].as_str().unwrap().to_owned();
    assert!(find(&ehr.get("/").await, "[name=client] option").contains(&id));
    let launch = begun(&ehr, &json!({ "client": id, "patient": "patient-a" })).await;
    assert!(
        launch["uri"]
            .as_str()
            .unwrap()
            .starts_with("http://localhost:3000/launch.html?iss=")
    );
    // Without one, the launch URL is typed in.
    let mut metadata = metadata;
    metadata.as_object_mut().unwrap().shift_remove("initiate_login_uri");
    let told = ehr.post_json("/auth/register", &metadata).await.json();
    let id = told["client_id"].as_str().unwrap();
    let refused = ehr.post_json("/launches", &json!({ "client": id })).await;
    assert!(refused.error().contains("launch URL"), "{refused:?}");
    let launch = begun(
        &ehr,
        &json!({ "client": id, "launch_url": "http://localhost:3000/other?a=b" }),
    )
    .await;
    let uri = launch["uri"].as_str().unwrap();
    assert!(uri.starts_with("http://localhost:3000/other?a=b&iss="), "{uri}");
    let wrong = json!({ "redirect_uris": ["https://app.example/cb"], "initiate_login_uri": "javascript:alert(1)" });
    assert_eq!(
        ehr.post_json("/auth/register", &wrong).await.error(),
        "invalid_client_metadata"
    );
}

const MINE: &str = "http://localhost:3000";

fn first_try() -> TestEhr {
    let mock = mock_ehr::MockEhr::builder().public_url(BASE);
    TestEhr::around(mock.app("my-app", format!("{MINE}/launch.html")).build().unwrap())
}

#[tokio::test]
async fn the_redirect_uri_of_the_first_app_is_asked_once() {
    let ehr = first_try();
    let launch = begun(&ehr, &json!({ "client": "my-app", "patient": "patient-a" })).await;
    let request = ehr
        .request("my-app")
        .set("redirect_uri", &format!("{MINE}/app.html"))
        .add("launch", launch["launch"].as_str().unwrap());
    let path = format!("/auth/authorize?{}", request.encode());
    let page = ehr.browse(&path).await;
    assert_eq!(page.status, StatusCode::OK);
    assert_eq!(find(&page, "#redirect-uri"), [format!("{MINE}/app.html")]);
    let (_, form) = fill(&page.body, &DOCTOR).unwrap();
    // Another site can make the question up, since the keys of a mock are public, but not this browser's answer.
    let forged = ehr
        .submit("/auth/first-try", &form.clone().set("csrf", "guessed"))
        .await;
    assert_eq!(forged.status, StatusCode::BAD_REQUEST);
    let foreign = ehr.other_browser().submit("/auth/first-try", &form).await;
    assert_eq!(foreign.status, StatusCode::BAD_REQUEST);
    let answer = ehr.submit("/auth/first-try", &form).await;
    assert_eq!(answer.header("location"), path);
    let journal = ehr.get("/inspect/journal.json").await.body;
    assert!(
        journal.contains("/auth/first-try") && !journal.contains(launch["launch"].as_str().unwrap()),
        "the launch is still good, and nothing to keep"
    );
    let landing = ehr.walk_on(answer, &DOCTOR).await;
    assert!(
        landing.address().starts_with(&format!("{MINE}/app.html?")),
        "{landing:?}"
    );
    // The second time nobody is asked, and the app's pages may read the tokens.
    assert!(ehr.browse(&path).await.status.is_redirection());
    let form = Form::of(&[
        ("grant_type", "authorization_code"),
        ("code", &landing.parameter("code").unwrap()),
        ("redirect_uri", &format!("{MINE}/app.html")),
        ("code_verifier", VERIFIER),
        ("client_id", "my-app"),
    ]);
    let token = ehr.post("/auth/token", &[("origin", MINE)], &form).await;
    assert_eq!(token.json()["patient"], "patient-a", "{token:?}");
    assert_eq!(token.header("access-control-allow-origin"), MINE);
    // After a reset it is there again, as it was.
    ehr.mock.reset();
    assert_eq!(ehr.browse(&path).await.status, StatusCode::OK);
}

#[tokio::test]
async fn an_id_that_the_first_app_brings_along_is_asked_too() {
    let ehr = first_try();
    let request = ehr.request("growth-chart").set("redirect_uri", &format!("{MINE}/"));
    let page = ehr.browse(&format!("/auth/authorize?{}", request.encode())).await;
    assert_eq!(page.status, StatusCode::OK);
    let (_, form) = fill(&page.body, &DOCTOR).unwrap();
    let answer = ehr.submit("/auth/first-try", &form).await;
    let landing = ehr.walk_on(answer, &DOCTOR).await;
    assert!(landing.parameter("code").is_some(), "{landing:?}");
    begun(&ehr, &json!({ "client": "growth-chart" })).await;
}

#[tokio::test]
async fn nobody_else_is_let_in_by_the_first_app() {
    let ehr = first_try();
    for (client, uri) in [
        ("my-app", "https://evil.example/app.html"),
        ("my-app", "http://localhost:3001/app.html"),
        ("my-app", "http://localhost:3000@evil.example/"),
        ("my-app", "http://localhost:3000/app.html#x"),
        ("unknown", "https://evil.example/"),
        ("app-public", "http://localhost:3000/app.html"),
    ] {
        let request = ehr.request(client).set("redirect_uri", uri);
        let page = ehr.browse(&format!("/auth/authorize?{}", request.encode())).await;
        assert_eq!(page.status, StatusCode::BAD_REQUEST, "{client} {uri}");
    }
    let request = ehr.request("my-app").set("redirect_uri", &format!("{MINE}/app.html"));
    let page = ehr.browse(&format!("/auth/authorize?{}", request.encode())).await;
    let (_, form) = fill(&page.body, &DOCTOR).unwrap();
    for forged in ["", "a.b.c"] {
        let answer = ehr
            .submit("/auth/first-try", &form.clone().set("request", forged))
            .await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST);
    }
    // Without --app nothing is asked.
    let request = TestEhr::new()
        .request("my-app")
        .set("redirect_uri", &format!("{MINE}/app.html"));
    let page = TestEhr::new()
        .browse(&format!("/auth/authorize?{}", request.encode()))
        .await;
    assert_eq!(page.status, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn a_frame_that_another_site_sends_here_comes_once_more_from_here() {
    let ehr = TestEhr::new();
    let query = ehr.request("app-public").set("state", "a\"><b>&c").encode();
    let path = format!("/auth/authorize?{query}");
    let from = |site: &'static str, dest: &'static str| [("sec-fetch-site", site), ("sec-fetch-dest", dest)];
    let detour = ehr.get_with(&path, &from("cross-site", "iframe")).await;
    assert_eq!(detour.status, StatusCode::OK);
    assert!(detour.headers.get("set-cookie").is_none());
    assert!(
        detour
            .header("content-security-policy")
            .contains("frame-ancestors 'self'")
    );
    let html = Html::parse_document(&detour.body);
    let selector = Selector::parse("meta[http-equiv=refresh]").unwrap();
    let refresh = html.select(&selector).next().unwrap().attr("content").unwrap();
    assert_eq!(refresh, format!("0;url=?{query}"));
    for (site, dest) in [("same-origin", "iframe"), ("cross-site", "document")] {
        let answer = ehr.get_with(&path, &from(site, dest)).await;
        assert!(answer.status.is_redirection(), "{site} {dest}");
    }
}

#[tokio::test]
async fn of_very_many_people_a_page_shows_some_and_the_server_finds_the_others() {
    let mut store = mock_ehr::fhir::store::Store::unsealed();
    mock_ehr::fhir::population::fill(&mut store, 600, 7).unwrap();
    let last = store.all("Patient").last().unwrap().id.clone();
    let mock = mock_ehr::MockEhr::builder()
        .public_url(BASE)
        .data(store)
        .build()
        .unwrap();
    let ehr = TestEhr::around(mock);
    let page = ehr.get("/").await;
    assert_eq!(find(&page, ".row input").len(), 51);
    assert!(page.body.contains("more fit") && page.body.contains("data-whole=\"false\""));
    let page = ehr.get(&format!("/?find={last}")).await;
    assert!(find(&page, ".row input").contains(&last));
    let launch = begun(
        &ehr,
        &json!({ "client": "app-public", "patient": last, "type": "embedded" }),
    )
    .await;
    let path = launch["uri"].as_str().unwrap().strip_prefix(BASE).unwrap();
    assert!(ehr.get(path).await.body.contains(&last));
}
