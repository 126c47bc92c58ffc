//! Walks by a real Chromium. Skipped with a loud line where none is installed, unless LAUNCHPROOF_REQUIRE_CHROMIUM is
//! set, as CI does.

use std::time::{Duration, Instant};

use axum::extract::Query;
use axum::response::{Html, Redirect};
use axum::routing::get;
use launchproof::http::{Failure, Request};
use launchproof::user_agent::{ChromeAgent, ChromeOptions, Landing, Session, Setup, UserAgent, Walk};
use url::Url;

use crate::transport::serve;
use crate::user_agent::{Fields, ordinary, setup, visit};

fn chromium(setup: Setup) -> Option<ChromeAgent> {
    match ChromeAgent::new(setup, ChromeOptions::default()) {
        Ok(agent) => Some(agent),
        Err(reason) => {
            assert!(std::env::var_os("LAUNCHPROOF_REQUIRE_CHROMIUM").is_none(), "{reason}");
            crate::skipped(&reason);
            None
        }
    }
}

fn landed(walk: &Walk) -> String {
    match &walk.landing {
        Landing::Callback(url) => url.to_string(),
        Landing::Stuck { reason, .. } => panic!("stuck: {reason}"),
        other => panic!("no callback but {other:?}"),
    }
}

/// A sign-in page that a script makes, with fields that ignore a value set without events, as React's do.
const REACT: &str = r#"<title>App</title><div id=root></div><noscript>Enable JavaScript</noscript><script>
setTimeout(() => {
  document.getElementById("root").innerHTML = '<label>User<input id=x1 name=user></label><input id=x2 type=password><div><button type=button id=go>Log in</button></div>';
  const state = {};
  for (const id of ["x1", "x2"]) document.getElementById(id).addEventListener("input", e => { state[id] = e.target.value; });
  document.getElementById("go").onclick = async () => {
    const right = state.x1 === "demo" && state.x2 === "correct horse";
    document.getElementById("root").innerHTML = "Please wait";
    await new Promise(done => setTimeout(done, 200));
    if (right) location.assign("https://app.example/cb?code=react#frag"); else document.getElementById("root").innerHTML = "No";
  };
}, 300);
</script>"#;

#[tokio::test(flavor = "multi_thread")]
async fn chromium_goes_the_same_way_as_the_http_agent() {
    let router = ordinary()
        .route("/react", get(|| async { Html(REACT) }))
        .route("/app", get(|| async { Redirect::to("com.example.app:/cb?code=native") }))
        .route("/foreign", get(|| async { Html("<script>location = 'http://evil.localhost:1/x'</script>") }))
        .route(
            "/form_post",
            get(|| async {
                Html("<body onload='document.forms[0].submit()'><form method=post action='https://app.example/cb'><input name=code value='a b'></form>")
            }),
        )
        .route("/odd", get(|| async { Html("<title>Quiz</title><form action=/quiz><input name=answer required><button>Guess</button></form>") }))
        .route("/plain", get(|| async { Html("<h1>This client is unknown</h1>") }))
        .route("/loop", get(|| async { Redirect::to("/loop?again") }));
    let origin = serve(router).await;
    let Some(agent) = chromium(setup(&origin, "")) else {
        return;
    };
    let at = |path: &str| {
        let mut visit = visit(&origin, "client_id=app-1&state=s1");
        visit.callbacks.push(Url::parse("com.example.app:/cb").unwrap());
        if path != "/authorize" {
            visit.start.url = Url::parse(&format!("{origin}{path}")).unwrap();
        }
        visit
    };

    let walk = agent.walk(&at("/authorize")).await;
    assert_eq!(landed(&walk), "https://app.example/cb?code=pt-1.s1");
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
    let sign_in = walk.exchanges[1].response().unwrap();
    assert!(
        sign_in
            .header("set-cookie")
            .is_some_and(|cookie| cookie.starts_with("session=demo")),
        "{sign_in:?}"
    );
    assert!(walk.exchanges[0].response().unwrap().text().contains("Sign in"));

    let began = Instant::now();
    for _ in 0..3 {
        agent.walk(&at("/authorize")).await;
    }
    eprintln!("a flow of four pages takes {:?}", began.elapsed() / 3);

    let mut deny = at("/authorize");
    deny.persona.allow = false;
    assert_eq!(
        landed(&agent.walk(&deny).await),
        "https://app.example/cb?error=access_denied"
    );
    let mut post = at("/authorize");
    post.start = Request::form(
        Url::parse(&format!("{origin}/authorize?client_id=none")).unwrap(),
        vec![("a".into(), "b".into())],
    );
    assert!(matches!(
        agent.walk(&post).await.landing,
        Landing::Refused { status: 405, .. }
    ));

    let react = agent.walk(&at("/react")).await;
    assert_eq!(landed(&react), "https://app.example/cb?code=react#frag");
    assert_eq!(
        landed(&agent.walk(&at("/app")).await),
        "com.example.app:/cb?code=native"
    );
    assert_eq!(
        landed(&agent.walk(&at("/form_post")).await),
        "https://app.example/cb?code=a+b"
    );
    let foreign = agent.walk(&at("/foreign")).await.landing;
    assert!(
        matches!(&foreign, Landing::Foreign(url) if url.host_str() == Some("evil.localhost")),
        "{foreign:?}"
    );
    let plain = agent.walk(&at("/plain")).await.landing;
    assert!(
        matches!(&plain, Landing::Refused { inferred: true, text, .. } if text == "This client is unknown"),
        "{plain:?}"
    );
    let odd = agent.walk(&at("/odd")).await.landing;
    let Landing::Stuck { reason, screenshot } = odd else {
        panic!("{odd:?}")
    };
    assert!(
        reason.contains("Guess") && screenshot.is_some_and(|png| png.starts_with(b"\x89PNG")),
        "{reason}"
    );
    let began = Instant::now();
    let circles = agent.walk(&at("/loop")).await.landing;
    assert!(
        matches!(&circles, Landing::Stuck { reason, .. } if reason.contains("REDIRECT") && reason.contains("/loop")),
        "{circles:?}"
    );
    assert!(
        began.elapsed() < Duration::from_secs(10),
        "{circles:?} took {:?}",
        began.elapsed()
    );
    agent.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn chromium_keeps_sessions_apart_and_interleaves_within_one() {
    let origin = serve(ordinary()).await;
    let Some(agent) = chromium(setup(&origin, "")) else {
        return;
    };
    let mut shared = visit(&origin, "client_id=app-1&state=a");
    shared.session = Session::Shared("clinician".into());
    assert!(agent.walk(&shared).await.signed_in);
    let again = agent.walk(&shared).await;
    assert!(!again.signed_in && landed(&again).ends_with("code=pt-1.a"));
    assert!(agent.walk(&visit(&origin, "client_id=app-1&state=b")).await.signed_in);
    agent.forget();
    assert!(agent.walk(&shared).await.signed_in);
    let visits = [
        visit(&origin, "client_id=app-1&state=one"),
        visit(&origin, "client_id=app-1&state=two"),
    ];
    let walks = agent.walk_interleaved(&visits).await.unwrap();
    assert!(landed(&walks[0]).ends_with("pt-1.one") && landed(&walks[1]).ends_with("pt-1.two"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_target_that_hangs_or_is_not_there_does_not_stop_chromium() {
    let router = ordinary().route(
        "/hang",
        get(|Query(query): Query<Fields>| async move {
            tokio::time::sleep(Duration::from_mins(1)).await;
            format!("{query:?}")
        }),
    );
    let origin = serve(router).await;
    let mut setup = setup(&origin, "");
    setup.limits.step = Duration::from_secs(4);
    let Some(agent) = chromium(setup) else { return };
    let mut hang = visit(&origin, "");
    hang.start.url.set_path("/hang");
    let landing = agent.walk(&hang).await.landing;
    assert!(matches!(landing, Landing::Failed(Failure::Timeout(_))), "{landing:?}");
    let landing = agent.walk(&visit("http://127.0.0.1:9999", "")).await.landing;
    assert!(matches!(landing, Landing::Failed(Failure::Connect(_))), "{landing:?}");
    assert!(landed(&agent.walk(&visit(&origin, "client_id=app-1&state=s")).await).contains("code="));
    agent.close().await;
    // A closed browser is started again by the next walk.
    assert!(landed(&agent.walk(&visit(&origin, "client_id=app-1&state=s")).await).contains("code="));
}

#[test]
fn a_missing_chromium_is_said_before_the_run() {
    let options = ChromeOptions {
        executable: Some("no/such/chromium".into()),
        ..ChromeOptions::default()
    };
    let message = ChromeAgent::new(setup("http://127.0.0.1:1", ""), options)
        .err()
        .expect("there is none");
    assert!(message.contains("no/such/chromium"), "{message}");
}
