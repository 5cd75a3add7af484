//! Writes `migration/manifest.toml`: adds the migrations that it does not list yet.
//!
//! Anything else that changed since (an edited file, say) is an error, for databases may have it
//! already; with `--unreleased` the manifest is written from the sources whatever it said. With
//! `--check` nothing is written, and whatever is not as the manifest says is an error.

use std::process::ExitCode;

use migration::manifest::{self, Defect, Manifest};

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let done = match arguments.as_slice() {
        [] => write(false),
        ["--unreleased"] => write(true),
        ["--check"] => manifest::verify().map_err(|defects| all(&defects)),
        _ => Err("arguments: none, --unreleased, or --check".to_owned()),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(refused) => {
            eprintln!("{refused}");
            ExitCode::FAILURE
        }
    }
}

fn write(unreleased: bool) -> Result<(), String> {
    let sources = Manifest::of_sources();
    let mut defects = match Manifest::committed() {
        Ok(committed) => committed.compare(&sources),
        Err(defect) => vec![defect],
    };
    defects.retain(|defect| !matches!(defect, Defect::Unlisted(..)));
    if !defects.is_empty() && !unreleased {
        return Err(format!(
            "{}\nnothing written; if no database has these migrations, add `-- --unreleased`",
            all(&defects)
        ));
    }
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/manifest.toml");
    std::fs::write(path, sources.to_string()).map_err(|error| format!("{path}: {error}"))
}

fn all(defects: &[Defect]) -> String {
    let lines: Vec<String> = defects.iter().map(ToString::to_string).collect();
    lines.join("\n")
}
