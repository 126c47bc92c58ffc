//! What the program is shipped by: linted by tools that are not ours, and run as far as a machine without Docker and GitHub can.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("..")
        .canonicalize()
        .expect("the workspace")
}

fn text(name: &str) -> String {
    std::fs::read_to_string(root().join(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// A linter that `suite/tests/distribution/install` installed; nothing, loudly, where it did not.
fn linted(tool: &str, arguments: &[&str]) -> Option<Output> {
    let path = root().join(".peers/lint").join(tool);
    if !path.exists() {
        let required = std::env::var_os("LAUNCHPROOF_REQUIRE_PEERS").is_some();
        assert!(!required, "{tool} is not installed: suite/tests/distribution/install");
        crate::skipped(&format_args!("{tool} is not installed"));
        return None;
    }
    let output = Command::new(path).args(arguments).current_dir(root()).output();
    Some(output.expect("it starts"))
}

fn shown(output: &Output) -> String {
    format!(
        "{}\n{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    )
}

#[test]
fn hadolint_finds_nothing_in_the_dockerfile() {
    let Some(output) = linted("venv/bin/hadolint", &["Dockerfile"]) else {
        return;
    };
    assert!(output.status.success(), "{}", shown(&output));
    let wrong = tempfile::tempdir().expect("a temporary folder");
    let path = wrong.path().join("Dockerfile");
    std::fs::write(&path, text("Dockerfile").replace("WORKDIR /source", "WORKDIR source")).expect("written");
    let output = linted("venv/bin/hadolint", &[path.to_str().expect("text")]).expect("it is installed");
    assert!(!output.status.success(), "a mistake is found: {}", shown(&output));
}

#[test]
fn the_image_holds_one_binary_and_runs_as_nobody() {
    let dockerfile = text("Dockerfile");
    let last = dockerfile.rsplit("\nFROM ").next().expect("a last stage");
    assert!(last.starts_with("scratch\n"), "{last}");
    let user = last
        .lines()
        .find_map(|line| line.strip_prefix("USER "))
        .expect("a user");
    let id: u32 = user
        .split(':')
        .next()
        .and_then(|id| id.parse().ok())
        .expect("a number, since scratch has no names");
    assert_ne!(id, 0);
    let ignored = text(".dockerignore");
    for folder in ["target", ".git", ".peers"] {
        assert!(
            ignored.lines().any(|line| line == folder),
            "{folder} would be sent to the builder"
        );
    }
    let minimum =
        text("Cargo.toml").parse::<toml::Table>().expect("TOML")["workspace"]["package"]["rust-version"].clone();
    let minimum = minimum.as_str().expect("text").to_owned();
    assert!(
        dockerfile.contains(&format!("FROM rust:{minimum}")),
        "the image builds with Rust {minimum}"
    );
}

#[test]
fn action_validator_finds_nothing_in_the_action() {
    let Some(output) = linted("npm/node_modules/.bin/action-validator", &["action.yml"]) else {
        return;
    };
    assert!(
        output.status.success() && !shown(&output).contains("errors"),
        "{}",
        shown(&output)
    );
    let wrong = tempfile::tempdir().expect("a temporary folder");
    let path = wrong.path().join("action.yml");
    std::fs::write(&path, text("action.yml").replace("using: composite", "using: compsite")).expect("written");
    let tool = "npm/node_modules/.bin/action-validator";
    let output = linted(tool, &[path.to_str().expect("text")]).expect("it is installed");
    assert!(
        shown(&output).contains("errors"),
        "a mistake is found: {}",
        shown(&output)
    );
}

#[test]
fn shellcheck_finds_nothing_in_the_scripts() {
    let scripts = ["packaging/musl", "test", ".ci/run", "suite/tests/distribution/install"];
    let Some(output) = linted("venv/bin/shellcheck", &scripts) else {
        return;
    };
    assert!(output.status.success(), "{}", shown(&output));
}

/// The script of a step of the action, as GitHub would give it to bash.
fn step(name: &str) -> String {
    let action = text("action.yml");
    let from = action.find(&format!("- name: {name}")).expect("the step");
    let script = action[from..].split("run: |\n").nth(1).expect("a script");
    let lines = script
        .lines()
        .take_while(|line| line.is_empty() || line.starts_with("        "));
    lines.map(str::trim_start).collect::<Vec<_>>().join("\n")
}

#[test]
fn the_action_judges_and_hands_on_the_exit_code() {
    let runner = tempfile::tempdir().expect("a temporary folder");
    let bin = runner.path().join("launchproof/bin");
    std::fs::create_dir_all(&bin).expect("it can be made");
    std::fs::copy(env!("CARGO_BIN_EXE_launchproof"), bin.join("launchproof")).expect("it can be copied");
    let script = runner.path().join("step.sh");
    std::fs::write(&script, step("Judge the server")).expect("written");
    let judge = |base: &str, further: &str| {
        let output = runner.path().join("output");
        let _ = std::fs::remove_file(&output);
        let run = crate::program::launchproof().get_program().to_owned();
        assert!(Path::new(&run).exists());
        // As GitHub runs a step whose shell is bash.
        let done = Command::new("bash")
            .args(["--noprofile", "--norc", "-eo", "pipefail"])
            .arg(&script)
            .current_dir(runner.path())
            .env("RUNNER_TEMP", runner.path())
            .env("GITHUB_OUTPUT", &output)
            .env_remove("GITHUB_STEP_SUMMARY")
            .envs([("TARGET", ""), ("BASELINE", ""), ("OUT", "report")])
            .env("FHIR_BASE", base)
            .env("ARGUMENTS", further)
            .output()
            .expect("bash starts");
        let told = std::fs::read_to_string(&output).unwrap_or_else(|error| panic!("{error}: {}", shown(&done)));
        (done.status.code(), told.trim().to_owned())
    };
    let passed = judge("", "--only state/ --seed 7");
    assert_eq!(passed, (Some(0), "exit-code=0".to_owned()));
    assert!(runner.path().join("report/report.html").exists());
    let dead = judge("http://127.0.0.1:9/fhir", "");
    assert_eq!(dead, (Some(8), "exit-code=8".to_owned()));
    // What an input holds is never read as shell.
    let hostile = judge("$(touch pwned)", "--only state/ ; touch pwned");
    assert_eq!(hostile.0, Some(2));
    assert!(!runner.path().join("pwned").exists());
}

#[test]
fn a_release_is_stripped_and_optimised_over_crates() {
    let manifest: toml::Table = text("Cargo.toml").parse().expect("TOML");
    let release = &manifest["profile"]["release"];
    assert_eq!(release["strip"].as_bool(), Some(true));
    assert!(
        release
            .get("lto")
            .is_some_and(|lto| lto.as_str() == Some("thin") || lto.as_bool() == Some(true))
    );
    assert!(
        release.get("panic").is_none(),
        "a panic is caught and has an exit code: it must unwind"
    );
}
