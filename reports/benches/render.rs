//! How long each format of a whole run takes: `cargo bench -p reports --bench render [-- RUN.json]`. Prints, judges nothing.
//!
//! The run is the sample of the embedded mock, unless one is named.

use std::io::Read as _;
use std::path::Path;
use std::time::{Duration, Instant};

use flate2::read::GzDecoder;
use reports::render::File;

/// The middle one of so many is shown.
const TIMES: usize = 7;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let named = std::env::args().skip(1).find(|argument| !argument.starts_with("--"));
    let text = if let Some(path) = named {
        std::fs::read_to_string(path)?
    } else {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("samples/mock/run.json.gz");
        let mut text = String::new();
        GzDecoder::new(std::fs::File::open(path)?).read_to_string(&mut text)?;
        text
    };
    let report = reports::render::json::read(&text)?;
    println!(
        "{} verdicts, {} KiB of run.json",
        report.verdicts.len(),
        text.len() / 1024
    );
    middle("reading it", || {
        reports::render::json::read(&text).map_or(0, |report| report.verdicts.len())
    });
    let mut all = Duration::ZERO;
    for file in File::ALL {
        all += middle(file.name(), || file.render(&report, false).len());
    }
    println!("{:<20} {:>8.1} ms", "every format", all.as_secs_f64() * 1e3);
    middle("bundle", || reports::bundle::write(&report, false).len());
    Ok(())
}

fn middle(name: &str, work: impl Fn() -> usize) -> Duration {
    let mut took: Vec<Duration> = (0..TIMES)
        .map(|_| {
            let began = Instant::now();
            std::hint::black_box(work());
            began.elapsed()
        })
        .collect();
    took.sort_unstable();
    let middle = took[TIMES / 2];
    println!("{name:<20} {:>8.1} ms", middle.as_secs_f64() * 1e3);
    middle
}
