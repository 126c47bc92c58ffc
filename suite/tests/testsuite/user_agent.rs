//! Walks through the sign-in pages of small servers, ordinary and odd.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::Router;
use axum::extract::{Form, Query};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{Html, IntoResponse as _, Redirect, Response};
use axum::routing::{get, post};
use launchproof::clock::SystemClock;
use launchproof::http::{InProcess, Limits, Network, Request, ReqwestTransport, Transport as _};
use launchproof::target::Profile;
use launchproof::user_agent::{
    HttpAgent, Landing, ManualAgent, ManualOptions, Persona, Session, Setup, UserAgent, Visit, Walk,
};
use url::Url;

pub(crate) const ORIGIN: &str = "http://ehr.localhost:8080";
const CALLBACK: &str = "https://app.example/cb";
const USER: &str = r#"
[users.clinician]
username = "demo"
password = { test_only = "correct horse" }
totp = { test_only = "GEZDGNBVGY3TQOJQ" }
"#;

pub(crate) type Fields = HashMap<String, String>;

fn profile(origin: &str, more: &str) -> Profile {
    let text = format!("fhir_base = \"{origin}/fhir\"\n{USER}{more}");
    Profile::parse(&text, "test.toml", Path::new("")).unwrap()
}

pub(crate) fn setup(origin: &str, more: &str) -> Setup {
    let mut setup = Setup::of_profile(&profile(origin, more), Arc::new(SystemClock), Instant::now());
    setup.limits.step = Duration::from_secs(20);
    setup
}

fn agent(router: Router, more: &str) -> HttpAgent {
    HttpAgent::new(Arc::new(InProcess::new().mount(ORIGIN, router)), setup(ORIGIN, more))
}

pub(crate) fn visit(origin: &str, query: &str) -> Visit {
    Visit {
        start: Request::get(Url::parse(&format!("{origin}/authorize?{query}")).unwrap()),
        callbacks: vec![Url::parse(CALLBACK).unwrap()],
        own_origins: vec![origin.to_owned()],
        persona: Persona {
            user: "clinician".into(),
            patient: Some("pt-1".into()),
            allow: true,
        },
        session: Session::Fresh,
        tamper: None,
        step: "authorize".into(),
    }
}

fn denying(mut visit: Visit) -> Visit {
    visit.persona.allow = false;
    visit
}

fn code(walk: &Walk) -> &str {
    match &walk.landing {
        Landing::Callback(url) => url.as_str(),
        other => panic!("no callback but {other:?}"),
    }
}

fn reason(walk: &Walk) -> &str {
    match &walk.landing {
        Landing::Stuck { reason, .. } => reason,
        other => panic!("not stuck but {other:?}"),
    }
}

fn cookie<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let cookies = headers.get("cookie")?.to_str().ok()?;
    cookies
        .split("; ")
        .find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='))
}

fn callback(query: &str) -> Response {
    Redirect::to(&format!("{CALLBACK}?{query}")).into_response()
}

/// Sign-in, picker and consent on three pages, with hidden fields, a base, a relative action and a session cookie.
pub(crate) fn ordinary() -> Router {
    let authorize = |Query(query): Query<Fields>, headers: HeaderMap| async move {
        if query.get("client_id").is_none_or(|id| id != "app-1") {
            return (StatusCode::BAD_REQUEST, Html("<h1>Unknown client</h1>")).into_response();
        }
        let state = query.get("state").cloned().unwrap_or_default();
        if cookie(&headers, "session") == Some("demo") {
            return Redirect::to(&format!("/patients?state={state}")).into_response();
        }
        Html(format!(
            "<title>Sign in</title><base href='/accounts/'><form method=POST action='login'>\
             <input type=hidden name=state value='{state}'><label for=u>User</label><input id=u name=u>\
             <input type=password name=p><input type=checkbox name=remember value=1>\
             <button name=act value=cancel>Cancel</button><button name=act value=go>Sign in</button></form>"
        ))
        .into_response()
    };
    let login = |Form(form): Form<Fields>| async move {
        let right = form["u"] == "demo" && form["p"] == "correct horse" && form["act"] == "go";
        if !right || form.contains_key("remember") {
            return Html("<p>Wrong password</p><form method=post><input name=u><input type=password name=p></form>")
                .into_response();
        }
        let to = format!("/patients?state={}", form["state"]);
        (
            [("set-cookie", "session=demo; Path=/; Secure; HttpOnly")],
            Redirect::to(&to),
        )
            .into_response()
    };
    let patients = |Query(query): Query<Fields>| async move {
        Html(format!(
            "<title>Choose a patient</title><form method=post action=/consent><input type=hidden name=state value='{}'>\
             <input type=radio name=patient value=pt-10 id=a checked><label for=a>Ten</label>\
             <input type=radio name=patient value=pt-1 id=b><label for=b>One</label><button>Continue</button></form>",
            query["state"]
        ))
    };
    let consent = |headers: HeaderMap, Form(form): Form<Fields>| async move {
        if cookie(&headers, "session") != Some("demo") {
            return StatusCode::INTERNAL_SERVER_ERROR.into_response();
        }
        Html(format!(
            "<title>Consent</title><form method=post action=/decide><input type=hidden name=back value='{}.{}'>\
             <input type=checkbox name=scope value=a checked><button name=decision value=deny>Do not allow</button>\
             <button name=decision value=allow>Allow</button></form><form action=/logout><button>Log out</button></form>",
            form["patient"], form["state"]
        ))
        .into_response()
    };
    let decide = |Form(form): Form<Fields>| async move {
        match form["decision"].as_str() {
            "allow" => callback(&format!("code={}", form["back"])),
            _ => callback("error=access_denied"),
        }
    };
    Router::new()
        .route("/authorize", get(authorize))
        .route("/accounts/login", post(login))
        .route("/patients", get(patients))
        .route("/consent", post(consent))
        .route("/decide", post(decide))
}

/// One page at `/authorize`.
fn page(html: &'static str) -> Router {
    Router::new().route("/authorize", get(move || async move { Html(html) }))
}

#[tokio::test]
async fn an_ordinary_target_needs_no_script() {
    let agent = agent(ordinary(), "");
    let walk = agent.walk(&visit(ORIGIN, "client_id=app-1&state=s1")).await;
    assert_eq!(code(&walk), "https://app.example/cb?code=pt-1.s1");
    assert!(walk.signed_in);
    let steps: Vec<(&str, u16)> = walk
        .exchanges
        .iter()
        .map(|e| (e.request.url.path(), e.response().unwrap().status))
        .collect();
    assert_eq!(
        steps,
        [
            ("/authorize", 200),
            ("/accounts/login", 303),
            ("/patients", 200),
            ("/consent", 200),
            ("/decide", 303)
        ]
    );
    let walk = agent.walk(&denying(visit(ORIGIN, "client_id=app-1&state=s1"))).await;
    assert_eq!(code(&walk), "https://app.example/cb?error=access_denied");
}

#[tokio::test]
async fn a_refusal_a_foreign_address_and_trouble_are_told_apart() {
    let router = ordinary()
        .route(
            "/foreign",
            get(|| async { Redirect::to("https://evil.example/cb?code=1") }),
        )
        .route(
            "/other_path",
            get(|| async { Redirect::to("https://app.example/cb/../other?code=1") }),
        )
        .route(
            "/busy",
            get(|| async { (StatusCode::TOO_MANY_REQUESTS, [("retry-after", "30")], "slow down") }),
        )
        .route("/broken", get(|| async { (StatusCode::BAD_GATEWAY, "proxy") }));
    let agent = agent(router, "");
    let walk = agent.walk(&visit(ORIGIN, "client_id=other")).await;
    assert!(
        matches!(&walk.landing, Landing::Refused { status: 400, text, inferred: false } if text == "Unknown client"),
        "{:?}",
        walk.landing
    );
    let at = |path: &str| {
        let mut visit = visit(ORIGIN, "");
        visit.start.url.set_path(path);
        visit
    };
    let walk = agent.walk(&at("/foreign")).await;
    assert!(matches!(&walk.landing, Landing::Foreign(url) if url.host_str() == Some("evil.example")));
    assert!(matches!(
        agent.walk(&at("/other_path")).await.landing,
        Landing::Foreign(_)
    ));
    assert!(matches!(
        agent.walk(&at("/busy")).await.landing,
        Landing::Trouble { status: 429, .. }
    ));
    assert!(matches!(
        agent.walk(&at("/broken")).await.landing,
        Landing::Trouble { status: 502, .. }
    ));
}

#[tokio::test]
async fn a_shared_session_signs_in_once_until_it_is_forgotten() {
    let agent = agent(ordinary(), "");
    let mut visit = visit(ORIGIN, "client_id=app-1&state=s");
    visit.session = Session::Shared("clinician".into());
    assert!(agent.walk(&visit).await.signed_in);
    let again = agent.walk(&visit).await;
    assert!(!again.signed_in && matches!(again.landing, Landing::Callback(_)));
    agent.forget();
    assert!(agent.walk(&visit).await.signed_in);
}

#[tokio::test]
async fn with_requests_of_other_sites_go_the_cookies_that_browsers_send_there() {
    let signs_in = |headers: HeaderMap| async move {
        if headers.contains_key("cookie") {
            return Redirect::to(&format!("{CALLBACK}?code=c")).into_response();
        }
        let cookies = [
            "open=1; Path=/",
            "none=2; Path=/; SameSite=None; Secure",
            "lax=3; Path=/; SameSite=Lax",
            "strict=4; Path=/; SameSite=Strict",
            "pages=5; Path=/authorize",
        ];
        let mut answer = Redirect::to("/authorize").into_response();
        for cookie in cookies {
            let value = cookie.parse().unwrap();
            answer.headers_mut().append("set-cookie", value);
        }
        answer
    };
    let agent = agent(Router::new().route("/authorize", get(signs_in)), "");
    let mut visit = visit(ORIGIN, "client_id=app-1");
    visit.session = Session::Shared("reader".into());
    code(&agent.walk(&visit).await);
    let sent = |session: &Session, url: &str| {
        let cookies = agent.cookies_across_sites(session, &Url::parse(url).unwrap()).unwrap();
        let mut cookies: Vec<String> = cookies.split("; ").map(str::to_owned).collect();
        cookies.sort();
        cookies.join(" ")
    };
    let fhir = format!("{ORIGIN}/fhir/Patient/1");
    assert_eq!(sent(&visit.session, &fhir), "none=2 open=1");
    assert_eq!(sent(&visit.session, "http://fhir.localhost:8080/fhir"), "");
    assert_eq!(sent(&Session::Shared("nobody".into()), &fhir), "");
}

#[tokio::test]
async fn interleaved_walks_share_one_browser_and_keep_their_states() {
    let agent = agent(ordinary(), "");
    let visits = [
        visit(ORIGIN, "client_id=app-1&state=one"),
        visit(ORIGIN, "client_id=app-1&state=two"),
    ];
    let walks = agent.walk_interleaved(&visits).await.expect("it can");
    assert_eq!(code(&walks[0]), "https://app.example/cb?code=pt-1.one");
    assert_eq!(code(&walks[1]), "https://app.example/cb?code=pt-1.two");
}

#[tokio::test]
async fn the_wrong_password_is_named_and_not_tried_again() {
    let router = Router::new().route(
        "/authorize",
        get(|| async { Html("<form method=post action=/login><input name=user><input type=password name=pw></form>") }),
    );
    let again = Html(
        "Account is locked.<form method=post action=/authorize><input name=user><input type=password name=pw></form>",
    );
    let router = router.route("/login", post(move || async move { again }));
    let router = router.route("/authorize", post(move || async move { again }));
    let walk = agent(router, "").walk(&visit(ORIGIN, "")).await;
    let reason = reason(&walk);
    assert!(reason.contains("Account is locked"), "{reason}");
    assert!(walk.exchanges.len() == 2, "{}", walk.exchanges.len());
}

#[tokio::test]
async fn odd_pages_end_in_a_message_that_teaches() {
    let stuck = |html: &'static str| async move {
        let walk = agent(page(html), "").walk(&visit(ORIGIN, "")).await;
        reason(&walk).to_owned()
    };
    let react = stuck("<title>EHR</title><div id=root></div><noscript>You need to enable JavaScript</noscript><script src=/app.js></script>").await;
    assert!(react.contains("--agent chrome"), "{react}");
    let odd = stuck(
        "<title>Quiz</title><form action=/quiz method=post><input name=answer required><button>Guess</button></form>",
    )
    .await;
    assert!(
        odd.contains("“Quiz”") && odd.contains("answer") && odd.contains("click = \"Guess\""),
        "{odd}"
    );
    let no_patient = stuck("<form method=post><select name=patient_id><option value=x>X<option value=y>Y</select><button>Go</button></form>").await;
    assert!(
        no_patient.contains("`pt-1`") && no_patient.contains("x, y"),
        "{no_patient}"
    );
    let by_script =
        stuck("<title>T</title><form><input name=user><input type=password><button type=button>Log in</button></form>")
            .await;
    assert!(!by_script.is_empty());

    let walk = agent(page("<h1>Something went wrong</h1><p>invalid redirect</p>"), "")
        .walk(&visit(ORIGIN, ""))
        .await;
    assert!(
        matches!(&walk.landing, Landing::Refused { inferred: true, .. }),
        "{:?}",
        walk.landing
    );
    let error = "[sign_in]\nerror = { text = \"went wrong\" }";
    let html = "<h1>Something WENT wrong</h1><form><input name=q><button>Search</button></form>";
    let walk = agent(page(html), error).walk(&visit(ORIGIN, "")).await;
    assert!(
        matches!(&walk.landing, Landing::Refused { inferred: false, .. }),
        "{:?}",
        walk.landing
    );

    let unknown = "<form method=post><input name=login><input type=password name=p></form>";
    let mut nobody = visit(ORIGIN, "");
    nobody.persona.user = "stranger".into();
    let walk = agent(page(unknown), "").walk(&nobody).await;
    assert!(reason(&walk).contains("[users.stranger]"), "{}", reason(&walk));
}

#[tokio::test]
async fn a_redirect_loop_ends_with_what_was_seen() {
    let router = Router::new()
        .route("/authorize", get(|| async { Redirect::to("/b") }))
        .route("/b", get(|| async { Redirect::to("/authorize") }));
    let walk = agent(router, "").walk(&visit(ORIGIN, "")).await;
    let reason = reason(&walk);
    assert!(
        reason.contains("redirect loop") && reason.contains("/b → 303"),
        "{reason}"
    );
    assert!(walk.exchanges.len() <= 21);
}

#[tokio::test]
async fn pages_that_go_on_by_themselves_are_followed() {
    let refresh = page("<meta http-equiv=refresh content=\"0; url='https://app.example/cb?code=1'\">");
    assert!(code(&agent(refresh, "").walk(&visit(ORIGIN, "")).await).ends_with("?code=1"));
    let by_script = page("<script>window.location.replace(\"https:\\/\\/app.example\\/cb?code=2\")</script>");
    assert!(code(&agent(by_script, "").walk(&visit(ORIGIN, "")).await).ends_with("?code=2"));
    let form_post = page(
        "<body onload='document.forms[0].submit()'><form method=post action='https://app.example/cb'>\
         <input type=hidden name=code value='a b'><input type=hidden name=state value=s><noscript><button>Go</button></noscript></form>",
    );
    assert!(code(&agent(form_post, "").walk(&visit(ORIGIN, "")).await).ends_with("?code=a+b&state=s"));
}

#[tokio::test]
async fn redirects_keep_or_change_the_method_as_browsers_do() {
    let router = Router::new()
        .route(
            "/authorize",
            get(|| async { "never" }).post(|| async { Redirect::temporary("/kept") }),
        )
        .route(
            "/kept",
            post(|Form(form): Form<Fields>| async move {
                (StatusCode::FOUND, [("location", format!("/changed?x={}", form["x"]))])
            }),
        )
        .route(
            "/changed",
            get(|Query(query): Query<Fields>| async move { callback(&format!("code={}", query["x"])) }),
        );
    let mut visit = visit(ORIGIN, "");
    visit.start = Request::form(visit.start.url, vec![("x".into(), "42".into())]);
    assert!(code(&agent(router, "").walk(&visit).await).ends_with("?code=42"));
}

#[tokio::test]
async fn a_script_leads_through_pages_that_nobody_would_recognise() {
    let script = r##"
[sign_in]
script = [
  { on = { has = "input[name=a1]" }, fill = { a1 = "{username}", "#secret" = "{password}" }, totp = "otp", click = "#go" },
  { on = "/tenants", choose = "West" },
  { on = { text = "which record" }, frame = "iframe.picker", choose = "{patient}" },
]
"##;
    let router = Router::new()
        .route("/authorize", get(|| async {
            Html("<form method=post action=/tenants><input name=a1><input id=secret name=a2><input name=otp><a href=/wrong>Go</a><button id=go name=b value=c>→</button></form>")
        }))
        .route("/tenants", post(|Form(form): Form<Fields>| async move {
            let right = form["a1"] == "demo" && form["a2"] == "correct horse" && form["otp"].len() == 6 && form["b"] == "c";
            if right { Html("<form action=/records><select name=t><option value=1>East<option value=2>West</select><input type=submit></form>").into_response() }
            else { StatusCode::FORBIDDEN.into_response() }
        }))
        .route("/records", get(|Query(query): Query<Fields>| async move {
            assert_eq!(query["t"], "2");
            Html("<p>Which record?</p><iframe class=picker src=/frame></iframe>")
        }))
        .route("/frame", get(|| async { Html("<ul><li><a href='/pick?id=pt-10'>Ten</a><li><a href='/pick?id=pt-1'>One</a></ul>") }))
        .route("/pick", get(|Query(query): Query<Fields>| async move { callback(&format!("code={}", query["id"])) }));
    let walk = agent(router, script).walk(&visit(ORIGIN, "")).await;
    assert!(code(&walk).ends_with("?code=pt-1"));
}

#[tokio::test]
async fn a_script_that_does_not_fit_says_what_the_page_has() {
    let script = "[sign_in]\nscript = [ { on = \"/authorize\", fill = { usrname = \"{username}\" } } ]";
    let walk = agent(ordinary(), script).walk(&visit(ORIGIN, "client_id=app-1")).await;
    let reason = reason(&walk);
    assert!(
        reason.contains("rule 1") && reason.contains("`usrname`") && reason.contains("[u, p, remember]"),
        "{reason}"
    );
}

#[tokio::test]
async fn the_user_name_may_come_first() {
    let router = Router::new()
        .route(
            "/authorize",
            get(|| async {
                Html("<form method=post action=/next><input type=email name=identifier><button>Next</button></form>")
            }),
        )
        .route(
            "/next",
            post(|| async {
                Html("<form method=post action=/in><input type=password name=pw><button>Log in</button></form>")
            }),
        )
        .route("/in", post(|| async { callback("code=1") }));
    let walk = agent(router, "").walk(&visit(ORIGIN, "")).await;
    assert!(walk.signed_in && code(&walk).ends_with("?code=1"));
}

#[tokio::test]
async fn a_walk_that_takes_too_long_ends() {
    let router = Router::new().route(
        "/authorize",
        get(|| async {
            tokio::time::sleep(Duration::from_millis(40)).await;
            Redirect::to("/authorize")
        }),
    );
    let mut setup = setup(ORIGIN, "");
    setup.limits.step = Duration::from_millis(150);
    let agent = HttpAgent::new(Arc::new(InProcess::new().mount(ORIGIN, router)), setup);
    let walk = agent.walk(&visit(ORIGIN, "")).await;
    assert!(matches!(walk.landing, Landing::Failed(_)), "{:?}", walk.landing);
    assert!(!walk.exchanges.is_empty());
}

#[tokio::test]
async fn a_person_comes_back_to_the_loopback_callback() {
    let port = std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port();
    let options = ManualOptions {
        max_sign_ins: Some(1),
        ..ManualOptions::default()
    };
    let agent = ManualAgent::new(setup(ORIGIN, ""), options);
    assert!(agent.announce(2, 5).is_err() && agent.announce(1, 5).is_ok());
    let mut visit = visit(ORIGIN, "client_id=app-1");
    visit
        .callbacks
        .push(Url::parse(&format!("http://127.0.0.1:{port}/callback")).unwrap());
    let browser = async {
        let transport = ReqwestTransport::new(&Network::default()).unwrap();
        for path in ["favicon.ico", "callback?code=by-hand&state=s"] {
            let request = Request::get(Url::parse(&format!("http://127.0.0.1:{port}/{path}")).unwrap());
            while transport.send(&request, &Limits::default()).await.is_err() {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        }
    };
    let (walk, ()) = tokio::join!(agent.walk(&visit), browser);
    assert!(code(&walk).ends_with("/callback?code=by-hand&state=s"));
    assert!(reason(&agent.walk(&visit).await).contains("--max-sign-ins"));
}
