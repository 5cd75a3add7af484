//! Writes `migration/manifest.toml`: adds the migrations that it does not list yet.
//!
//! Anything else that changed since (an edited file, say) is an error, for databases may have it
//! already; with `--unreleased` the manifest is written from the sources whatever it said.

use std::process::ExitCode;

use migration::manifest::{Defect, Manifest};

fn main() -> ExitCode {
    let unreleased = std::env::args().any(|argument| argument == "--unreleased");
    let sources = Manifest::of_sources();
    let defects = match Manifest::committed() {
        Ok(committed) => committed.compare(&sources),
        Err(defect) => vec![defect],
    };
    let refused: Vec<&Defect> = defects
        .iter()
        .filter(|defect| !matches!(defect, Defect::Unlisted(..)))
        .collect();
    if !refused.is_empty() && !unreleased {
        for defect in refused {
            eprintln!("{defect}");
        }
        eprintln!("nothing written; if no database has these migrations, add `-- --unreleased`");
        return ExitCode::FAILURE;
    }
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/manifest.toml");
    match std::fs::write(path, sources.to_string()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{path}: {error}");
            ExitCode::FAILURE
        }
    }
}
