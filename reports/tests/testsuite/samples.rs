//! The sample reports of real runs (`reports/samples`) are what this version makes of them, and of this catalogue.

use std::io::Read as _;
use std::path::{Path, PathBuf};

use flate2::read::GzDecoder;
use reports::model::Report;
use reports::render::File;

const ANEW: &str = "make it anew: reports/samples/make";

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("samples")
}

fn unpacked(path: &Path) -> String {
    let packed = std::fs::File::open(path).unwrap_or_else(|error| panic!("{}: {error}; {ANEW}", path.display()));
    let mut text = String::new();
    GzDecoder::new(packed)
        .read_to_string(&mut text)
        .expect("it is packed text");
    text
}

fn sample(name: &str) -> Report {
    let path = folder().join(name).join("run.json.gz");
    reports::render::json::read(&unpacked(&path)).unwrap_or_else(|error| panic!("{name}: {error}; {ANEW}"))
}

#[test]
fn each_sample_is_what_its_run_is_rendered_to() {
    for name in ["mock", "oidc-provider", "keycloak"] {
        let report = sample(name);
        let strict = false;
        let read = |file: &str| std::fs::read_to_string(folder().join(name).join(file)).expect("it is there");
        assert!(
            read("summary.md") == File::Summary.render(&report, strict),
            "{name}: summary.md is old; {ANEW} --render"
        );
        assert!(
            read("badge.svg") == File::BadgeSvg.render(&report, strict),
            "{name}: badge.svg is old; {ANEW} --render"
        );
        let page = unpacked(&folder().join(name).join("report.html.gz"));
        assert!(
            page == File::Html.render(&report, strict),
            "{name}: report.html.gz is old; {ANEW} --render"
        );
    }
}

#[test]
fn the_sample_of_the_mock_is_of_this_catalogue_and_whole() {
    let report = sample("mock");
    assert_eq!(
        report.run.catalogue,
        fixtures::CATALOGUE_SHA256,
        "scenarios or requirements changed; {ANEW} mock"
    );
    assert!(report.run.complete);
    assert_eq!(report.run.exit_code, 0, "{}", report.run.exit_reason);
}
