//! The same of every place where records can be kept: in memory, in a file, and shared by two replicas.

use std::sync::Arc;
use std::thread;

use jiff::{SignedDuration, Timestamp};

use super::code::{Code, Spend};
use super::database::{Database, DatabaseError};
use super::delegated::Errand;
use super::grant::{Grant, NewGrant};
use super::pending::{AuthorizationRequest, Pending};
use super::pushed::Pushed;
use super::registered::Added;
use super::rows::Table;
use super::session::{Consent, SignedIn};
use super::spent::Kind;
use super::tokens::{AccessToken, RefreshToken};
use super::*;
use crate::authorize::pkce::Challenge;
use crate::authorize::redirect_uri::RedirectTarget;
use crate::clock::Clock;
use crate::config::{Client, Config};
use crate::form::Parameters;
use crate::scope::grammar::Scope;

#[path = "../../tests/testsuite/state/cluster.rs"]
#[expect(dead_code, reason = "the tests on the wire use more of it")]
mod cluster;

/// Two replicas; in memory they are one.
struct Pair {
    one: Arc<Store>,
    other: Arc<Store>,
}

fn in_memory() -> Pair {
    let one = Arc::new(Store::default());
    Pair {
        other: Arc::clone(&one),
        one,
    }
}

fn at(address: &str) -> Pair {
    // For all replicas it is long past what the tests let expire.
    at_time(address, later(1_000_000))
}

fn at_time(address: &str, time: Timestamp) -> Pair {
    let open = || Database::open_at(address, Arc::new(Standing(time))).unwrap();
    let open = || Arc::new(Store::in_database(Arc::new(open())));
    Pair {
        one: open(),
        other: open(),
    }
}

/// A clock that stands.
#[derive(Debug)]
struct Standing(Timestamp);

impl Clock for Standing {
    fn now(&self) -> Timestamp {
        self.0
    }

    fn advance(&self, _by: SignedDuration) -> bool {
        false
    }
}

fn now() -> Timestamp {
    "2026-11-30T12:00:00Z".parse().unwrap()
}

fn later(seconds: i64) -> Timestamp {
    now() + SignedDuration::from_secs(seconds)
}

fn grant(client: &str, user: &str) -> Arc<Grant> {
    Arc::new(Grant::new(NewGrant {
        client_id: client.to_owned(),
        username: user.to_owned(),
        scopes: Scope::parse_list("patient/Observation.rs?category=laboratory launch/patient openid"),
        patient: Some("patient-a".to_owned()),
        launch: None,
        encounter: None,
        nonce: Some("n".to_owned()),
        auth_time: now(),
        since: now(),
        asked_age: true,
        aud_ok: true,
        faults: crate::launch::fault::Riders::default(),
    }))
}

fn code(grant: &Arc<Grant>) -> Code {
    Code {
        grant: Arc::clone(grant),
        redirect_uri: "https://app.example/cb".to_owned(),
        challenge: Challenge::S256("abc".to_owned()),
        issued: now(),
        spent: false,
    }
}

fn access(grant: &Arc<Grant>, issued: Timestamp) -> AccessToken {
    AccessToken {
        grant: Arc::clone(grant),
        scopes: grant.scopes.clone(),
        patient: grant.patient.clone(),
        issued,
        expires: issued + SignedDuration::from_hours(1),
        revoked: false,
    }
}

fn refresh(grant: &Arc<Grant>, expires: Timestamp) -> RefreshToken {
    RefreshToken {
        grant: Arc::clone(grant),
        scopes: grant.scopes.clone(),
        expires,
        replaced: false,
        revoked: false,
    }
}

/// Does it eight times at the same moment, at both replicas in turn; how often it worked.
fn race(pair: &Pair, work: impl Fn(&Store) -> bool + Sync) -> usize {
    let barrier = std::sync::Barrier::new(8);
    thread::scope(|scope| {
        let racers: Vec<_> = (0..8)
            .map(|at| {
                let store = if at % 2 == 0 { &pair.one } else { &pair.other };
                let (barrier, work) = (&barrier, &work);
                scope.spawn(move || {
                    barrier.wait();
                    work(store)
                })
            })
            .collect();
        racers
            .into_iter()
            .map(|racer| racer.join().unwrap())
            .filter(|won| *won)
            .count()
    })
}

fn everything(pair: &Pair) {
    sessions(pair);
    codes(pair);
    refresh_tokens(pair);
    granted(pair);
    waiting(pair);
    spent(pair);
    launch_urls(pair);
    registrations(pair);
    swept(pair);
    pair.one.clear();
    for table in Table::ALL {
        assert_eq!(pair.other.rows.count(*table).unwrap(), 0, "{table:?}");
    }
}

fn sessions(pair: &Pair) {
    let begun = pair.one.begin_session("cookie-1".to_owned(), now());
    let seen = pair.other.session("cookie-1", now()).unwrap();
    assert_eq!(seen.key, begun.key);
    let another = pair.other.begin_session("cookie-2".to_owned(), now());
    assert_ne!(another.key, begun.key, "two replicas never name two sessions alike");
    let demo = || SignedIn {
        username: "demo".to_owned(),
        at: now(),
        at_provider: None,
    };
    let signed_in = pair
        .other
        .sign_in("cookie-1", "cookie-3".to_owned(), demo(), now())
        .unwrap();
    assert_eq!(signed_in.key, begun.key);
    assert!(pair.one.session("cookie-1", now()).is_none());
    assert!(
        pair.one
            .sign_in("cookie-1", "cookie-4".to_owned(), demo(), now())
            .is_none()
    );
    pair.one.update_session("cookie-3", |session| {
        let consent = Consent {
            scopes: vec!["openid".to_owned()],
            patient: Some("patient-a".to_owned()),
            kept: true,
        };
        session.consents.insert("app-1".to_owned(), consent);
    });
    let seen = pair.other.session("cookie-3", now()).unwrap();
    assert_eq!(seen.consents["app-1"].patient.as_deref(), Some("patient-a"));
    assert_eq!(seen.signed_in.unwrap().username, "demo");
    pair.other.end_access("demo", "app-1", now());
    assert!(pair.one.session("cookie-3", now()).unwrap().consents.is_empty());
    assert!(
        pair.other.session("cookie-2", later(30 * 60)).is_none(),
        "nobody's session ends early"
    );
    assert!(pair.other.session("cookie-3", later(30 * 60)).is_some());
    pair.other.end_session("cookie-3");
    assert!(pair.one.session("cookie-3", now()).is_none());
}

fn codes(pair: &Pair) {
    let grant = grant("app-1", "demo");
    pair.one.put_code("code-1".to_owned(), code(&grant));
    assert_eq!(pair.other.client_of_code("code-1").as_deref(), Some("app-1"));
    let refused = pair.other.redeem("code-1", Spend::Now, |_| Err::<(), _>("refused"));
    assert_eq!(refused.unwrap().unwrap_err(), "refused");
    let wins = race(pair, |store| {
        let redeemed = store.redeem("code-1", Spend::Now, |code| if code.spent { Err(()) } else { Ok(()) });
        redeemed.unwrap().is_ok()
    });
    assert_eq!(wins, 1, "a code works once");
    let known = pair
        .other
        .redeem("code-1", Spend::Not, |_| Ok::<_, ()>(()))
        .unwrap()
        .unwrap();
    assert!(known.spent);
    assert_eq!(known.redirect_uri, "https://app.example/cb");
    assert_eq!(known.challenge, Challenge::S256("abc".to_owned()));
    assert_eq!(known.grant.scopes, grant.scopes);
    assert!(pair.one.redeem("code-0", Spend::Now, |_| Ok::<_, ()>(())).is_none());
    // What was given for it dies with its grant, wherever that ends, and whenever it was given.
    pair.one.put_access_token("access-1".to_owned(), access(&grant, now()));
    assert!(!pair.other.access_token("access-1").unwrap().grant.is_revoked());
    pair.other.end(&known.grant, now());
    pair.one
        .put_refresh_token("refresh-1".to_owned(), refresh(&grant, later(100)), now());
    for store in [&pair.one, &pair.other] {
        assert!(store.access_token("access-1").unwrap().grant.is_revoked());
        assert!(store.refresh_token("refresh-1").unwrap().grant.is_revoked());
    }
    // What only looks like it lives.
    let alike = self::grant("app-1", "demo");
    pair.one.put_access_token("access-2".to_owned(), access(&alike, now()));
    assert!(!pair.other.access_token("access-2").unwrap().grant.is_revoked());
    // By a defect, at the replica that gave it.
    pair.one.put_code("code-2".to_owned(), code(&alike));
    assert_eq!(
        pair.one.find_code(|text| text.starts_with("code-2")).as_deref(),
        Some("code-2")
    );
    assert_eq!(pair.one.latest_code("app-1", |_| true).as_deref(), Some("code-2"));
    pair.other.spend_code("code-2");
    assert_eq!(pair.one.latest_code("app-1", |_| true), None);
}

fn refresh_tokens(pair: &Pair) {
    let grant = grant("app-1", "demo");
    pair.one
        .put_refresh_token("refresh-2".to_owned(), refresh(&grant, later(100)), now());
    let wins = race(pair, |store| {
        let used = store.use_refresh_token("refresh-2", true, |token| if token.replaced { Err(()) } else { Ok(()) });
        used.unwrap().is_ok()
    });
    assert_eq!(wins, 1, "a refresh token is rotated once");
    pair.other.revoke_refresh_token("refresh-2");
    assert!(pair.one.refresh_token("refresh-2").unwrap().revoked);
    pair.one.put_access_token("access-3".to_owned(), access(&grant, now()));
    pair.other.revoke_access_token("access-3");
    assert!(pair.one.access_token("access-3").unwrap().revoked);
    assert_eq!(pair.one.latest_refresh_token("app-1").as_deref(), Some("refresh-2"));
}

fn granted(pair: &Pair) {
    let one = grant("app-3", "someone");
    pair.one.put_access_token("access-4".to_owned(), access(&one, now()));
    pair.one
        .put_refresh_token("refresh-4".to_owned(), refresh(&one, later(9_000)), now());
    pair.other
        .put_access_token("access-5".to_owned(), access(&grant("app-4", "someone"), now()));
    let granted = pair.other.granted_by("someone", now());
    assert_eq!(
        granted.iter().map(|app| app.client_id.as_str()).collect::<Vec<_>>(),
        ["app-3", "app-4"]
    );
    assert_eq!(granted[0].grants.len(), 1, "two tokens of one grant");
    assert_eq!(granted[0].until, later(9_000));
    assert!(pair.other.granted_by("nobody", now()).is_empty());
    pair.other.end_access("someone", "app-3", now());
    assert!(pair.one.refresh_token("refresh-4").unwrap().grant.is_revoked());
    assert_eq!(pair.one.granted_by("someone", now()).len(), 1);
    pair.one.revoke_grants_of("app-4", now());
    assert!(pair.other.access_token("access-5").unwrap().grant.is_revoked());
}

fn waiting(pair: &Pair) {
    let session = pair.one.begin_session("cookie-5".to_owned(), now()).key;
    let stranger = pair.one.begin_session("cookie-6".to_owned(), now()).key;
    let target: RedirectTarget =
        serde_json::from_str(r#"{"address":"https://app.example/cb","mode":"Query"}"#).unwrap();
    let request = AuthorizationRequest {
        client_id: "app-1".to_owned(),
        target,
        state: Some("s".to_owned()),
        scopes: Scope::parse_list("openid"),
        challenge: Challenge::NotRequired,
        aud_ok: true,
        launch: None,
        nonce: None,
        prompt: vec!["login".to_owned()],
        max_age: Some(3),
        login_hint: None,
        implicit: false,
    };
    let pending = Pending {
        id: "pending-1".to_owned(),
        session,
        csrf: "c".to_owned(),
        request,
        username: None,
        typed_username: None,
        auth_time: None,
        patient: None,
        began: now(),
    };
    pair.one.put_pending(pending);
    assert!(pair.other.pending("pending-1", stranger, now()).is_none());
    assert!(pair.other.pending("pending-1", session, later(1_800)).is_none());
    let seen = pair.other.pending("pending-1", session, now()).unwrap();
    assert_eq!(
        (seen.request.prompt, seen.csrf),
        (vec!["login".to_owned()], "c".to_owned())
    );
    assert_eq!(race(pair, |store| store.end_pending("pending-1")), 1);

    let pushed = Pushed {
        client_id: "app-1".to_owned(),
        parameters: Parameters::from_pairs(vec![("launch".to_owned(), "l".to_owned())]),
        expires: later(60),
        spent: false,
    };
    pair.one.put_pushed("urn:1".to_owned(), pushed, now());
    assert_eq!(pair.other.parameter_of_pushed("urn:1", "launch").as_deref(), Some("l"));
    assert!(pair.other.latest_pushed("app-1").is_some() && pair.other.latest_pushed("app-2").is_none());
    let wins = race(pair, |store| {
        let taken = store.take_pushed("urn:1", |pushed| if pushed.spent { Err(()) } else { Ok(()) });
        taken.unwrap().is_ok()
    });
    assert_eq!(wins, 1, "a pushed request works once");

    let provider = serde_json::json!({
        "authorization_endpoint": "https://sso.example/a", "token_endpoint": "https://sso.example/t",
        "jwks_uri": "https://sso.example/k", "userinfo_endpoint": null, "secret_in_body": false, "names_itself": true,
    });
    let delegated = delegated::Delegated {
        session,
        errand: Errand::Request("pending-1".to_owned()),
        provider: serde_json::from_value(provider).unwrap(),
        nonce: "n".to_owned(),
        verifier: "v".to_owned(),
        anew: true,
        max_age: None,
        began: now(),
        sent: now(),
    };
    pair.one.put_delegated("state-1".to_owned(), delegated);
    assert!(pair.other.take_delegated("state-1", stranger, now()).is_none());
    let wins = race(pair, |store| store.take_delegated("state-1", session, now()).is_some());
    assert_eq!(wins, 1, "an answer of the provider works once");
}

fn spent(pair: &Pair) {
    for round in 0..20 {
        let id = format!("jti-{round}");
        let wins = race(pair, |store| store.spend(Kind::Assertion, &id, later(60), now()));
        assert_eq!(wins, 1, "{id} works once");
    }
    assert!(pair.one.spend(Kind::Launch, "jti-0", later(60), now()), "another kind");
    assert!(!pair.other.spend(Kind::Assertion, "jti-0", later(60), later(60)));
    let wins = race(pair, |store| {
        store.spend(Kind::Assertion, "jti-0", later(200), later(61))
    });
    assert_eq!(wins, 1, "it is forgotten after its time, and then works once");
}

fn launch_urls(pair: &Pair) {
    pair.one.put_launch_url("https://first.example/launch", now());
    pair.one.put_launch_url("https://first.example/launch", now());
    for number in 0..200 {
        let address = format!("https://app.example/launch/{number}");
        pair.one.put_launch_url(&address, later(1 + number));
    }
    assert!(pair.other.is_launch_url("https://app.example/launch/0"));
    assert!(
        !pair.other.is_launch_url("https://first.example/launch"),
        "the first is forgotten"
    );
    assert_eq!(pair.other.rows.count(Table::LaunchUrl).unwrap(), 200);
}

fn registrations(pair: &Pair) {
    let embedded = Config::embedded();
    let mut client: Client = embedded.client("app-asymmetric").unwrap().clone();
    client.client_id = "registered-1".to_owned();
    assert_eq!(
        pair.one.register(client.clone(), "token-1".to_owned(), now()),
        Added::Yes
    );
    assert_eq!(
        pair.other.register(client.clone(), "token-0".to_owned(), now()),
        Added::Taken
    );
    let seen = pair.other.registration("registered-1").unwrap();
    assert_eq!(seen.client.keys.len(), client.keys.len(), "its keys are ready");
    assert_eq!(seen.client.scopes, client.scopes);
    assert!(seen.is_managed_by("token-1") && !seen.is_managed_by("token-0"));
    client.name = "Another name".to_owned();
    assert!(pair.other.reregister(&client));
    assert_eq!(
        pair.one.registration("registered-1").unwrap().client.name,
        "Another name"
    );
    assert!(pair.one.any_registration(|known| known.is_managed_by("token-1")));
    assert_eq!(pair.one.registrations().len(), 1);
    pair.one.unregister("registered-1");
    assert!(pair.other.registration("registered-1").is_none());
    assert!(!pair.other.reregister(&client), "what is gone does not come back");
    // For a first try: what was agreed to stays, unless the app is another one.
    pair.one.register_first(&client, "token-2", now());
    client.redirect_uris.push("https://app.example/another".to_owned());
    assert!(pair.one.reregister(&client));
    client.redirect_uris.pop();
    pair.other.register_first(&client, "token-3", now());
    let kept = pair.one.registration("registered-1").unwrap();
    assert!(kept.is_managed_by("token-2"));
    assert!(
        kept.client
            .redirect_uris
            .contains(&"https://app.example/another".to_owned())
    );
    client.launch_url = Some("https://elsewhere.example/launch".to_owned());
    pair.other.register_first(&client, "token-4", now());
    assert!(pair.one.registration("registered-1").unwrap().is_managed_by("token-4"));
}

/// What has expired goes, and nothing else.
fn swept(pair: &Pair) {
    let grant = grant("app-5", "demo");
    let count = || pair.other.rows.count(Table::AccessToken).unwrap();
    let before = count();
    pair.one
        .put_access_token("long".to_owned(), access(&grant, later(100_000)));
    for number in 0..1_100 {
        pair.one
            .put_access_token(format!("short-{number}"), access(&grant, now()));
    }
    assert!(count() > before + 1_000);
    // Once more as long as it can be used, a token is known for what it was.
    assert!(pair.other.access_token("short-7").is_some());
    for number in 0..1_100 {
        pair.one
            .put_access_token(format!("later-{number}"), access(&grant, later(10_000)));
    }
    assert!(pair.other.access_token("short-7").is_none());
    assert!(pair.other.access_token("long").is_some());
}

/// A replica whose clock was advanced takes nothing from the others, for whom it has not expired.
#[test]
fn an_advanced_clock_sweeps_nothing_of_other_replicas() {
    let folder = tempfile::tempdir().unwrap();
    let address = format!("sqlite:{}", folder.path().join("state.db").display());
    let pair = at_time(&address, now());
    let grant = grant("app-5", "demo");
    pair.one
        .put_access_token("theirs".to_owned(), access(&grant, later(60)));
    for number in 0..1_100 {
        pair.other
            .put_access_token(format!("ahead-{number}"), access(&grant, later(100_000)));
    }
    assert!(pair.one.access_token("theirs").is_some());
}

#[test]
fn in_memory_it_is_kept() {
    everything(&in_memory());
}

#[test]
fn in_a_file_it_is_kept() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("state.db");
    let address = format!("sqlite:{}", file.display());
    everything(&at(&address));
    // The process ends, and another begins.
    let grant = grant("app-1", "demo");
    at(&address)
        .one
        .put_refresh_token("refresh-9".to_owned(), refresh(&grant, later(100)), now());
    assert_eq!(
        at(&address).one.refresh_token("refresh-9").unwrap().grant.scopes,
        grant.scopes
    );
    // Whoever gets a copy of it gets nothing that opens anything.
    let store = at(&address).one;
    store.put_code("secret-code".to_owned(), code(&grant));
    store.put_access_token("secret-access".to_owned(), access(&grant, now()));
    store.begin_session("secret-cookie".to_owned(), now());
    let client = Config::embedded().client("app-public").unwrap().clone();
    assert_eq!(
        store.register(client, "secret-registration".to_owned(), now()),
        Added::Yes
    );
    let mut held = Vec::new();
    for entry in std::fs::read_dir(folder.path()).unwrap() {
        held.extend(std::fs::read(entry.unwrap().path()).unwrap());
    }
    let holds = |text: &str| held.windows(text.len()).any(|window| window == text.as_bytes());
    assert!(holds("app-1"), "the records are there");
    for secret in [
        "secret-code",
        "secret-access",
        "secret-cookie",
        "secret-registration",
        "refresh-9",
    ] {
        assert!(!holds(secret), "{secret}");
    }
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    }
}

#[test]
fn two_replicas_share_one_postgresql() {
    let Some(cluster) = cluster::shared() else { return };
    everything(&at(&cluster.database("battery")));
}

#[test]
fn memory_stays_flat_over_200_000_tokens() {
    let store = Store::default();
    let grant = grant("app-1", "demo");
    let mut most = 0;
    let mut moment = now();
    for number in 0..200_000_u32 {
        // 10,000 an hour, each of them known for two.
        moment += SignedDuration::from_millis(360);
        store.put_access_token(format!("access-{number}"), access(&grant, moment));
        store.put_refresh_token(
            format!("refresh-{number}"),
            refresh(&grant, moment + SignedDuration::from_hours(2)),
            moment,
        );
        assert!(store.spend(
            Kind::Assertion,
            &format!("jti-{number}"),
            moment + SignedDuration::from_mins(5),
            moment
        ));
        most = most.max(store.rows.count(Table::AccessToken).unwrap());
    }
    assert!((20_000..20_000 + 2 * 1_024).contains(&most), "{most}");
    assert!(store.rows.count(Table::RefreshToken).unwrap() < 20_000 + 2 * 1_024);
    assert!(store.rows.count(Table::Spent).unwrap() < 834 + 2 * 1_024);
}

#[test]
fn a_file_stays_flat_too() {
    let folder = tempfile::tempdir().unwrap();
    let store = at(&format!("sqlite:{}", folder.path().join("state.db").display())).one;
    let mut moment = now();
    for number in 0..10_000_u32 {
        moment += SignedDuration::from_secs(10);
        store.put_access_token(format!("access-{number}"), access(&grant("app-1", "demo"), moment));
    }
    // Two hours of them, and what came since it was last swept.
    let kept = store.rows.count(Table::AccessToken).unwrap();
    assert!((720..720 + 1_024).contains(&kept), "{kept}");
}

#[test]
fn what_a_newer_program_made_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("state.db");
    let address = format!("sqlite:{}", file.display());
    drop(Database::open(&address).unwrap());
    let connection = rusqlite::Connection::open(&file).unwrap();
    connection
        .execute("UPDATE launchproof_schema SET version = 2", [])
        .unwrap();
    assert_eq!(
        Database::open(&address).unwrap_err(),
        DatabaseError::Newer { found: 2, known: 1 }
    );
}

#[test]
fn a_database_that_cannot_be_used_is_told_by_name_and_without_its_password() {
    let folder = tempfile::tempdir().unwrap();
    let told = |address: &str| Database::open(address).unwrap_err().to_string();
    let absent = format!("sqlite:{}", folder.path().join("nowhere/state.db").display());
    assert!(
        told(&absent).contains("nowhere/state.db cannot be used"),
        "{}",
        told(&absent)
    );
    let junk = folder.path().join("junk");
    std::fs::write(
        &junk,
        "this is no database, and it is long enough to be looked at as one: ".repeat(20),
    )
    .unwrap();
    let junk = told(&format!("sqlite:{}", junk.display()));
    assert!(junk.contains("not a database"), "{junk}");
    let port = std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port();
    let nobody = told(&format!("postgres://me:loud-secret@127.0.0.1:{port}/x"));
    assert!(
        nobody.contains(&format!("127.0.0.1:{port}/x cannot be reached")),
        "{nobody}"
    );
    for (address, why) in [
        ("mysql://me:loud-secret@localhost/x".to_owned(), "not of a kind"),
        (
            "postgres://me:loud-secret@127.0.0.1/x?sslmode=require".to_owned(),
            "sslmode=require is not supported",
        ),
        (
            "postgres://me:loud-secret@127.0.0.1:port/x".to_owned(),
            "expected sqlite:FILE or postgres://",
        ),
        ("postgres:///x".to_owned(), "names no host"),
        ("sqlite:".to_owned(), "sqlite:launchproof.db"),
    ] {
        assert!(told(&address).contains(why), "{}", told(&address));
    }
    let Some(cluster) = cluster::shared() else { return };
    let wrong = told(&cluster.address("ready", "loud-secret"));
    assert!(wrong.contains("refuses: password authentication failed"), "{wrong}");
    let absent = cluster.database("present").replace("present", "absent");
    assert!(
        told(&absent).contains("database \"absent\" does not exist"),
        "{}",
        told(&absent)
    );
    for told in [nobody, wrong, told(&absent)] {
        assert!(!told.contains("loud-secret"), "{told}");
    }
}
