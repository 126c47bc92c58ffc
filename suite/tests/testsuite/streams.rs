//! What happens to what is written: a reader that goes away, a full disk, a folder that takes no files.

use std::process::{Command, Stdio};

use reports::exit;

use crate::program::{self, Ran, Written, judge, run};

/// A command line of the shell, with the program as `$L`.
fn shell(line: &str, folder: &std::path::Path) -> std::process::Output {
    let program = program::launchproof();
    Command::new("bash")
        .args(["-c", line])
        .env("L", program.get_program())
        .env("NO_COLOR", "1")
        .current_dir(folder)
        .stdin(Stdio::null())
        .output()
        .expect("there is a shell")
}

fn code_of_the_first(line: &str, folder: &std::path::Path) -> (i32, String) {
    let output = shell(&format!("{line}; echo \"code=${{PIPESTATUS[0]}}\""), folder);
    let said = format!(
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    let code = said
        .rsplit("code=")
        .next()
        .and_then(|rest| rest.trim().lines().next()?.parse().ok());
    (code.unwrap_or(-1), said)
}

#[test]
fn a_reader_that_goes_away_ends_nothing_and_breaks_nothing() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    for command in [
        "list requirements",
        "list scenarios",
        "explain pkce/verifier_wrong",
        "schema run",
        "completions bash",
        "man",
        "--help",
    ] {
        let (code, said) = code_of_the_first(&format!("$L {command} | head -c 1 >/dev/null"), folder.path());
        assert_eq!(code, 0, "{command}: {said}");
        assert!(!said.contains("panic") && !said.contains("bug"), "{command}: {said}");
    }
}

#[test]
fn a_run_goes_on_where_nobody_reads_what_it_says() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let line = "$L test server --seed 7 --only state/ --out report 2>&1 | head -c 1 >/dev/null";
    let (code, said) = code_of_the_first(line, folder.path());
    assert_eq!(code, 0, "{said}");
    for file in ["run.json", "report.html", "junit.xml"] {
        assert!(folder.path().join("report").join(file).exists(), "{file}");
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_behind_standard_output_is_said() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let (code, said) = code_of_the_first("$L list scenarios >/dev/full", folder.path());
    assert_eq!(code, i32::from(exit::USAGE), "{said}");
    assert!(said.contains("standard output could not be written"), "{said}");
    assert!(said.contains("No space left"), "{said}");
    // A run has its report, and its own code.
    let line = "$L test server --seed 7 --only state/ --out report >/dev/full";
    let (code, said) = code_of_the_first(line, folder.path());
    assert_eq!(code, 0, "{said}");
    assert!(said.contains("standard output could not be written"), "{said}");
    assert!(folder.path().join("report/run.json").exists());
}

/// A tiny file system, for as long as this value lives; `None` where this user may not mount one.
struct TinyDisk(tempfile::TempDir);

impl TinyDisk {
    fn of(kibibytes: usize) -> Option<Self> {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", &format!("size={kibibytes}k"), "tmpfs"])
            .arg(folder.path())
            .stderr(Stdio::null())
            .status();
        mounted.is_ok_and(|status| status.success()).then_some(Self(folder))
    }
}

impl Drop for TinyDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg(self.0.path()).status();
    }
}

fn names(folder: &std::path::Path) -> Vec<String> {
    let mut names: Vec<String> = std::fs::read_dir(folder)
        .expect("the folder is there")
        .flatten()
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .collect();
    names.sort();
    names
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_leaves_nothing_half_written() {
    let Some(disk) = TinyDisk::of(64) else {
        crate::skipped(&"a tiny file system could not be mounted");
        return;
    };
    let out = disk.0.path().to_str().expect("temporary paths are text");
    let ran = run(&["test", "server", "--seed", "7", "--only", "state/", "--out", out]).await;
    ran.assert(exit::USAGE, &["No space left", "run.json", "--out"]);
    // What was found is said all the same.
    assert!(ran.stdout.contains("SHALL"), "{}", ran.shown());
    let left = names(disk.0.path());
    assert!(
        left.iter().all(|name| name == "events.jsonl"),
        "half of something was left: {left:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn where_only_a_part_fits_what_is_there_is_whole() {
    let whole = judge(&["--only", "state/returned@public"]).await;
    let size = |name: &str| std::fs::metadata(whole.folder().join(name)).map_or(0, |file| file.len());
    let fits = (size("run.json") + size("events.jsonl") + size("junit.xml")) / 1024 + 24;
    assert!(
        fits * 1024 < size("run.json") + size("report.html"),
        "the page is what does not fit"
    );
    let Some(disk) = TinyDisk::of(usize::try_from(fits).expect("it is small")) else {
        crate::skipped(&"a tiny file system could not be mounted");
        return;
    };
    let out = disk.0.path().to_str().expect("temporary paths are text");
    let ran = run(&[
        "test",
        "server",
        "--seed",
        "7",
        "--only",
        "state/returned@public",
        "--out",
        out,
    ])
    .await;
    ran.assert(exit::USAGE, &["report.html", "No space left"]);
    assert_eq!(names(disk.0.path()), ["events.jsonl", "junit.xml", "run.json"]);
    let text = std::fs::read_to_string(disk.0.path().join("run.json")).expect("it is there");
    let _: reports::model::Report = serde_json::from_str(&text).expect("it is whole");
}

fn assert_nothing_was_sent(ran: &Ran) {
    assert!(!ran.stderr.contains("verdicts, --seed"), "it ran: {}", ran.shown());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_that_takes_no_files_is_said_before_anything_is_sent() {
    let file = Written::new("taken", "a file, not a folder");
    let ran = run(&["test", "server", "--only", "state/returned", "--out", file.path()]).await;
    ran.assert(exit::USAGE, &["taken", "cannot be written", "--out"]);
    assert_nothing_was_sent(&ran);

    let in_the_way = Written::new("report/run.json/inside", "x");
    let out = in_the_way.folder().join("report");
    let out = out.to_str().expect("temporary paths are text");
    let ran = run(&["test", "server", "--only", "state/returned", "--out", out]).await;
    ran.assert(exit::USAGE, &["a folder stands in its place"]);
    assert_nothing_was_sent(&ran);

    let Some(disk) = TinyDisk::of(64) else {
        crate::skipped(&"a tiny file system could not be mounted");
        return;
    };
    let remounted = Command::new("mount")
        .args(["-o", "remount,ro"])
        .arg(disk.0.path())
        .status();
    assert!(
        remounted.is_ok_and(|status| status.success()),
        "it could be mounted, but not again"
    );
    let out = disk.0.path().to_str().expect("temporary paths are text");
    let ran = run(&["test", "server", "--only", "state/returned", "--out", out]).await;
    ran.assert(exit::USAGE, &["Read-only file system", "--out"]);
    assert_nothing_was_sent(&ran);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_older_report_is_not_taken_for_the_new_one() {
    let old = judge(&["--only", "state/returned@public"]).await;
    let folder = old.folder().to_str().expect("temporary paths are text");
    let ran = run(&[
        "test",
        "server",
        "http://127.0.0.1:9/fhir",
        "--out",
        folder,
        "--report",
        "json",
    ])
    .await;
    ran.assert(exit::UNREACHABLE, &[]);
    assert_eq!(names(old.folder()), ["run.json"], "the page of the run before is gone");
    // A plan sends nothing and takes nothing away.
    run(&["test", "server", "--only", "state/", "--dry-run", "--out", folder])
        .await
        .assert(exit::NOTHING_UNEXPECTED, &[]);
    assert_eq!(names(old.folder()), ["run.json"]);
}
