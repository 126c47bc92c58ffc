//! Writes a profile as text: what the server says as comments and values, what nobody but its owner knows as gaps.
//!
//! A gap is a line that begins with `#` and no space behind it; prose has the space. Whatever comes from the server is
//! hostile: it must not end a comment or a string.

use std::fmt::Write as _;

use super::InitArguments;
use super::answers::Answers;
use super::client_block;
use super::register::Done;
use crate::step::World;

/// The whole profile.
pub(super) fn render(world: &World, answers: &Answers, done: &Done, arguments: &InitArguments) -> String {
    let mut out = String::new();
    head(world, answers, arguments, &mut out);
    said(answers, &mut out);
    endpoints(answers, &mut out);
    client_block::render(answers, done, &mut out);
    people(answers, &mut out);
    launch(world, answers, &mut out);
    surroundings(world, arguments, &mut out);
    out
}

/// A text of the server's as it may stand in a comment: one line, no control characters, not endless.
pub(super) fn plain(text: &str) -> String {
    const MOST: usize = 300;
    let mut line: String = text
        .chars()
        .map(|one| if one.is_control() { ' ' } else { one })
        .take(MOST)
        .collect();
    if text.chars().nth(MOST).is_some() {
        line.push('…');
    }
    line
}

/// A text as a value of TOML: a basic string on one line.
pub(super) fn quoted(text: &str) -> String {
    let mut out = String::from("\"");
    for one in text.chars() {
        match one {
            '"' | '\\' => {
                out.push('\\');
                out.push(one);
            }
            one if one.is_control() => {
                let _ = write!(out, "\\u{:04X}", u32::from(one));
            }
            one => out.push(one),
        }
    }
    out.push('"');
    out
}

fn head(world: &World, answers: &Answers, arguments: &InitArguments, out: &mut String) {
    let day: String = world.clock.now().to_string().chars().take(10).collect();
    let base = &world.profile.fhir_base;
    let file = if arguments.out.as_os_str() == "-" {
        "FILE".to_owned()
    } else {
        plain(&arguments.out.display().to_string())
    };
    let _ = writeln!(
        out,
        "# A profile of {}, written by launchproof init on {day} from what the server says of itself.",
        plain(base)
    );
    out.push_str(
        "# A line that begins with # and no space behind it is a gap: fill it in and take the # away. What stays a gap is\n\
         # reported as unconfigured, never passed over in silence. Use a test system and synthetic patients. Then\n",
    );
    let _ = writeln!(
        out,
        "#   launchproof doctor --target {file}       says what is still missing"
    );
    let _ = writeln!(out, "#   launchproof test server --target {file}  judges the server\n");
    if let (_, Some(name)) = answers.software() {
        let _ = writeln!(out, "name = {}", quoted(&plain(name)));
    }
    let _ = writeln!(out, "fhir_base = {}", quoted(base));
    let _ = writeln!(
        out,
        "# SMART {} {}. Say it here where that is wrong.",
        answers.smart.as_str(),
        plain(&answers.smart_from)
    );
    let _ = writeln!(out, "#smart = \"{}\"", answers.smart.as_str());
}

/// Everything that the server says and no key of a profile holds.
fn said(answers: &Answers, out: &mut String) {
    out.push_str("\n# What the server says of itself:\n");
    for asked in &answers.asked {
        let what = match &asked.found {
            Ok(()) => "found".to_owned(),
            Err(why) => plain(why),
        };
        let _ = writeln!(out, "#   {}  {what}", plain(&asked.url));
    }
    if let (Some(version), _) = answers.software() {
        let _ = writeln!(out, "#   FHIR {}", plain(version));
    }
    let issuer = answers.facts.issuer.as_deref();
    for (name, value) in [
        ("issuer", issuer),
        (
            "authorization_endpoint",
            answers.facts.authorization_endpoint.as_ref().map(url::Url::as_str),
        ),
        ("token_endpoint", answers.facts.token_endpoint.as_deref()),
        (
            "introspection_endpoint",
            answers.facts.introspection_endpoint.as_deref(),
        ),
        ("revocation_endpoint", answers.facts.revocation_endpoint.as_deref()),
        ("registration_endpoint", crate::step::register::endpoint(&answers.facts)),
        ("jwks_uri", answers.facts.jwks_uri.as_deref()),
    ] {
        let _ = writeln!(
            out,
            "#   {name}  {}",
            value.map_or_else(|| "not listed".to_owned(), plain)
        );
    }
    match &answers.keys {
        Some(Ok(keys)) => {
            let _ = writeln!(out, "#   its keys  {}", plain(&keys.join(", ")));
        }
        Some(Err(why)) => {
            let _ = writeln!(out, "#   its keys could not be fetched: {}", plain(why));
        }
        None => {}
    }
    for name in [
        "grant_types_supported",
        "token_endpoint_auth_methods_supported",
        "token_endpoint_auth_signing_alg_values_supported",
        "code_challenge_methods_supported",
        "scopes_supported",
    ] {
        let list = answers.list(name).map(|list| list.join(" "));
        let _ = writeln!(
            out,
            "#   {name}  {}",
            list.map_or_else(|| "not listed".to_owned(), |list| plain(&list))
        );
    }
    let _ = writeln!(
        out,
        "#   capabilities  {}",
        plain(&answers.facts.capabilities.join(" "))
    );
}

/// What the suite would not find by itself.
fn endpoints(answers: &Answers, out: &mut String) {
    let Some(place) = &answers.elsewhere else {
        if answers.facts.authorization_endpoint.is_none() {
            out.push_str(
                "\n# No document names the endpoints. Without them nothing but the FHIR API can be asked:\n#[endpoints]\n\
                 #authorization_endpoint = \"https://ehr.example/authorize\"\n#token_endpoint = \
                 \"https://ehr.example/token\"\n",
            );
        }
        return;
    };
    let _ = writeln!(
        out,
        "\n# There is no smart-configuration that names them: they stand in {}.\n[endpoints]",
        plain(place)
    );
    for name in [
        "authorization_endpoint",
        "token_endpoint",
        "introspection_endpoint",
        "revocation_endpoint",
        "jwks_uri",
    ] {
        if let Some(url) = answers
            .address(name)
            .filter(|url| matches!(url.scheme(), "http" | "https"))
        {
            let _ = writeln!(out, "{name} = {}", quoted(url.as_str()));
        }
    }
}

fn people(answers: &Answers, out: &mut String) {
    out.push_str(
        "\n# Synthetic patients: a is the one of a launch, b one that a user of a must not reach.\n#[patients]\n#a = \
         \"id-1\"\n#b = \"id-2\"\n\n# Who signs in. `patients` are those that the user may pick.\n#[users.clinician]\n\
         #username = \"demo\"\n#password = { env = \"EHR_PASSWORD\" }  # never written down: env, file or command\n\
         #patients = [\"a\", \"b\"]\n\n# An ordinary login form, picker and consent page are recognised. Where yours are \
         not:\n#[sign_in]\n#script = [{ on = { has = \"input[type=password]\" }, fill = { username = \"{username}\", password = \
         \"{password}\" }, click = \"Sign in\" }, { on = \"/consent\", click = \"Allow\" }]\n#deny = [{ on = \"/consent\", click = \"Deny\" }]\n",
    );
    if answers.facts.capabilities.iter().any(|one| one == "client-public") {
        out.push_str(
            "\n# Apps in browsers: give a client `origins = [\"https://app.example\"]` where it is registered with that \
             origin,\n# and CORS is judged with it.\n",
        );
    }
}

fn launch(world: &World, answers: &Answers, out: &mut String) {
    if !answers.facts.capabilities.is_empty() && !answers.facts.capabilities.iter().any(|one| one == "launch-ehr") {
        out.push_str("\n# No [ehr_launch] is needed: the server does not claim the capability launch-ehr.\n");
        return;
    }
    let _ = writeln!(
        out,
        "\n# How the EHR begins a launch: a request of its own interface, whose answer holds the launch URI.\n\
         #[ehr_launch]\n#request = {{ method = \"POST\", url = {}, json = {{ client = \"{{client_id}}\", user = \
         \"{{user}}\", patient = \"{{patient}}\" }}, launch_uri = \"$.uri\" }}",
        quoted(&launches(&world.profile.fhir_base))
    );
}

/// An address at the same origin, for an example.
fn launches(base: &str) -> String {
    let url = url::Url::parse(base).ok().and_then(|url| url.join("/launches").ok());
    url.map_or_else(|| "https://ehr.example/launches".to_owned(), url::Url::into)
}

fn surroundings(world: &World, arguments: &InitArguments, out: &mut String) {
    if let Some(path) = &arguments.ca_file {
        let path = std::path::absolute(path).unwrap_or_else(|_| path.clone());
        let _ = writeln!(out, "\n[network]\nca_file = {}", quoted(&path.display().to_string()));
    } else {
        out.push_str(
            "\n# The way to it: proxies of the environment are not used.\n#[network]\n#proxy = \
             \"http://proxy.example:3128\"\n#ca_file = \"authorities.pem\"\n",
        );
    }
    if !world.profile.is_loopback() {
        out.push_str(
            "\n# Where the server reaches this machine, for clients that are registered by jwks_uri.\n#[listen]\n\
             #public_url = \"https://tunnel.example\"\n#bind = \"127.0.0.1:4568\"\n",
        );
    }
    out.push_str(
        "\n# What cannot be had here may be missing without making the run incomplete, with your reason:\n\
         #[accept_missing]\n#\"@backend\" = \"this server has no backend services\"\n",
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_server_says_stays_in_its_line() {
        let hostile = "x\"\n[users.me]\r\npassword = { command = \"true\" }\u{85}\u{0}";
        let line = plain(hostile);
        assert!(!line.contains(char::is_control), "{line}");
        let text = format!("# {line}\nname = {}\n", quoted(hostile));
        let table: toml::Table = text.parse().expect("it is TOML");
        assert_eq!(table.len(), 1);
        assert_eq!(table["name"].as_str(), Some(hostile));
        assert!(plain(&"a".repeat(5000)).chars().count() < 400);
    }
}
