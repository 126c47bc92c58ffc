//! Profiles: what is read, and how a wrong one is refused.

use std::path::Path;

use launchproof::http::{InProcess, Limits};
use launchproof::target::ehr_launch::{EhrLaunch, LaunchFor};
use launchproof::target::{ClientKind, Credentials, Profile, SecretMethod};

fn parse(text: &str) -> Result<Profile, String> {
    let env = |name: &str| match name {
        "SECRET" => Some("from-the-environment\n".to_owned()),
        _ => None,
    };
    Profile::parse_with_env(text, "ehr.toml", Path::new("."), &env).map_err(|error| error.to_string())
}

fn refused(text: &str) -> String {
    parse(text)
        .map(|profile| format!("{profile:?}"))
        .expect_err("the profile is wrong")
}

const BASE: &str = "fhir_base = \"https://ehr.example/fhir\"\n";

#[test]
fn the_whole_profile_of_the_design_is_read() {
    let profile = parse(
        r##"
name = "An EHR"
fhir_base = "http://127.0.0.1:8080/fhir"
smart = "2.2"
[clients.app_1]
kind = "public"
client_id = "app-1"
redirect_uris = ["https://app.example/cb", "http://127.0.0.1:4567/callback"]
launch_url = "http://127.0.0.1:4567/launch"
scopes = "launch/patient openid"
origins = ["https://app.example"]
[clients.app_2]
kind = "symmetric"
client_id = "app-2"
client_secret = { env = "SECRET" }
auth = "post"
redirect_uris = ["https://app.example/cb"]
[clients.app_3]
kind = "asymmetric"
client_id = "app-3"
key = { test_only = '{"keys":[{"kty":"EC","x":"public"},{"kty":"EC","d":"private","kid":"one"}]}' }
redirect_uris = ["https://app.example/cb"]
[patients]
a = "id-1"
[users.clinician]
username = "demo"
password = { command = "printf secret-by-command" }
[sign_in]
script = [
  { on = { has = "input[type=password]" }, fill = { username = "{username}", password = "{password}" }, click = "Sign in" },
  { on = "/patients", choose = "{patient}", optional = true },
]
deny = [ { on = { text = "wants access" }, click = "Deny" } ]
error = { has = "#kc-error-message" }
[session]
reuse = true
consent = "remembered"
[network]
headers = { X-Tenant = "t1", Authorization = { env = "SECRET" } }
resolve = { "ehr.example" = "127.0.0.1:8080" }
[listen]
public_url = "https://tunnel.example"
[ehr_launch]
request = { method = "POST", url = "http://127.0.0.1:8080/rpc", json = { user = "{user}" }, launch_uri = "$.result.uri" }
[endpoints]
token_endpoint = "http://127.0.0.1:8080/token"
[adapt]
send_client_id = true
authorize = { prompt = "consent" }
[claims]
not_claimed = ["permission-v1"]
[accept_missing]
"cors/" = "no browser apps here"
[limits]
request_seconds = 3
"##,
    )
    .expect("it is right");
    assert_eq!(profile.clients_of(ClientKind::Public).count(), 1);
    let Credentials::Secret { value, method } = &profile.client("app_2").expect("it is there").credentials else {
        panic!("app_2 has a secret")
    };
    assert_eq!((value.expose(), *method), ("from-the-environment", SecretMethod::Post));
    let Credentials::Key(key) = &profile.client("app_3").expect("it is there").credentials else {
        panic!("app_3 has a key")
    };
    assert!(key.jwk.expose().contains("private"));
    let password = profile.users["clinician"].password.as_ref().expect("it is there");
    assert_eq!(password.expose(), "secret-by-command");
    assert!(profile.is_loopback() && profile.session.reuse && profile.session.sign_ins_per_minute.is_none());
    assert_eq!(profile.own_origins(), ["http://127.0.0.1:8080"]);
    assert_eq!(profile.limits.request.as_secs(), 3);
    assert!(!format!("{profile:?}").contains("from-the-environment"));
    assert_eq!(profile.secrets().count(), 4);
}

#[test]
fn a_misspelt_key_is_named_with_its_line_and_the_nearest_word() {
    let text = format!("{BASE}\n[clients.app]\nkind = \"public\"\nclientid = \"x\"\n");
    assert_eq!(
        refused(&text),
        "ehr.toml:5:1: unknown key `clientid`; did you mean `client_id`?"
    );
    let text = format!("{BASE}[clients.app]\nkind = \"confidential\"\nclient_id = \"x\"\n");
    assert!(refused(&text).starts_with("ehr.toml:3:8: unknown value `confidential`; known here: public"));
    assert!(refused("fhir_base = 'ehr.example'").starts_with("ehr.toml:1:13: `ehr.example` is not an absolute URL"));
    assert!(refused("name = 'x").starts_with("ehr.toml:1:"));
    assert!(refused("").contains("fhir_base"), "{}", refused(""));
}

#[test]
fn a_secret_in_the_text_is_refused_and_not_repeated() {
    let head = format!(
        "{BASE}[clients.app]\nkind = \"symmetric\"\nclient_id = \"x\"\nredirect_uris = [\"https://a.example/\"]\n"
    );
    for written in ["'hunter2hunter2'", "12345678", "{ test_only = 'hunter2hunter2' }"] {
        let message = refused(&format!("{head}client_secret = {written}\n"));
        assert!(message.starts_with("ehr.toml:6:17: "), "{message}");
        assert!(
            message.contains("{ env = ") && !message.contains("hunter2") && !message.contains("1234"),
            "{message}"
        );
    }
    let message = refused(&format!("{head}client_secret = {{ env = 'UNSET_VARIABLE' }}\n"));
    assert!(
        message.contains("client_secret of client app") && message.contains("UNSET_VARIABLE"),
        "{message}"
    );
    let message = refused(&format!("{head}client_secret = {{ file = 'no/such/file' }}\n"));
    assert!(
        message.contains("client app") && message.contains("no/such/file"),
        "{message}"
    );
    let message = refused(&format!("{head}client_secret = {{ comand = 'x' }}\n"));
    assert!(message.contains("did you mean `command`?"), "{message}");
    assert!(refused(&head).contains("needs `client_secret"));
}

#[test]
fn a_client_whose_parts_contradict_each_other_is_refused() {
    let public = format!("{BASE}[clients.app]\nkind = \"public\"\nclient_id = \"x\"\n");
    assert!(refused(&public).contains("redirect_uris needs at least one"));
    let message = refused(&format!("{public}redirect_uris = ['/cb']\n"));
    assert!(
        message.starts_with("ehr.toml:5:18: ") && message.contains("not an absolute URI"),
        "{message}"
    );
    let message = refused(&format!(
        "{public}redirect_uris = ['https://a.example/']\nclient_secret = {{ env = 'SECRET' }}\n"
    ));
    assert!(message.contains("a public client has no `client_secret`"), "{message}");
    let pem = "fhir_base = 'http://localhost/'\n[clients.app]\nkind = 'backend'\nclient_id = 'x'\nkey = { test_only = '-----BEGIN PRIVATE KEY-----' }";
    assert!(refused(pem).contains("is PEM"), "{}", refused(pem));
}

#[test]
fn a_bare_url_is_a_profile_and_nonsense_is_not() {
    let profile = Profile::for_url("https://ehr.example/fhir").expect("it is a URL");
    assert_eq!(
        (profile.name.as_str(), profile.clients.len()),
        ("https://ehr.example/fhir", 0)
    );
    assert_eq!(profile.session.sign_ins_per_minute, Some(6));
    assert!(Profile::for_url("ehr").is_err() && Profile::for_url("mailto:x@example.org").is_err());
}

#[test]
fn every_profile_of_the_project_is_read() {
    let env = |_: &str| Some(r#"{"kty":"EC","d":"x"}"#.to_owned());
    let profiles = fixtures::below("targets").filter(|file| !file.path.ends_with(".baseline.toml"));
    for file in profiles {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fixtures/targets");
        let profile = Profile::parse_with_env(file.text, file.path, &folder, &env);
        assert!(profile.is_ok(), "{}", profile.expect_err("just seen"));
    }
}

#[tokio::test]
async fn an_ehr_launch_is_asked_for_by_rpc() {
    let rpc = |axum::Json(call): axum::Json<serde_json::Value>| async move {
        let params = &call["params"];
        let uri = format!(
            "https://app.example/launch?iss=https%3A%2F%2Fehr.example%2Ffhir&launch={}-{}",
            params["user"].as_str().unwrap(),
            params["ctx"]["patient"].as_str().unwrap()
        );
        axum::Json(serde_json::json!({ "result": { "uri": uri } }))
    };
    let router = axum::Router::new().route("/rpc", axum::routing::post(rpc));
    let transport = InProcess::new().mount("https://aidbox.example", router);
    let env = |_: &str| Some("Basic eDp5".to_owned());
    let file = fixtures::file("targets/aidbox.toml").expect("it is embedded");
    let profile = Profile::parse_with_env(file.text, file.path, Path::new(""), &env).expect("it is right");
    let Some(EhrLaunch::Request(request)) = &profile.ehr_launch else {
        panic!("it is a request")
    };
    let whom = LaunchFor {
        client_id: "growth-chart",
        user: "dr-1",
        patient: "pt-1",
        encounter: "",
        iss: &profile.fhir_base,
    };
    let (exchange, launched) = request.begin(&transport, &Limits::default(), &whom).await;
    let launched = launched.expect("it is launched");
    assert_eq!(
        (launched.iss.as_str(), launched.launch.as_str()),
        ("https://ehr.example/fhir", "dr-1-pt-1")
    );
    assert_eq!(
        exchange
            .expect("it was sent")
            .response()
            .expect("it was answered")
            .status,
        200
    );

    let nothing = InProcess::new().mount("https://aidbox.example", axum::Router::new());
    let (_, failed) = request.begin(&nothing, &Limits::default(), &whom).await;
    let message = failed.expect_err("there is no such route").to_string();
    assert!(
        message.contains("https://aidbox.example/rpc") && message.contains("404"),
        "{message}"
    );
}

#[test]
fn clients_and_users_stand_in_the_order_of_the_file() {
    let client = |name: &str| {
        format!("[clients.{name}]\nkind = \"public\"\nclient_id = \"{name}\"\nredirect_uris = [\"a:b\"]\n")
    };
    let user = |name: &str| format!("[users.{name}]\nusername = \"{name}\"\n");
    let text = [client("zoe"), client("adam"), user("zoe"), user("adam")].concat();
    let profile = parse(&format!("{BASE}{text}")).expect("it can be read");
    let clients: Vec<&str> = profile.clients.iter().map(|client| client.name.as_str()).collect();
    assert_eq!(
        clients,
        ["zoe", "adam"],
        "the first client of a kind is the one that is tried"
    );
    let users: Vec<&str> = profile.users.keys().map(String::as_str).collect();
    assert_eq!(users, ["zoe", "adam"], "the first user is the one that signs in");
}
