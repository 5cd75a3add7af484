//! The operators' page about every setting, written from the settings themselves.

use std::fmt::Write;

use super::Settings;
use super::section::{Key, SectionDescription};

/// `docs/operators/configuration.md`.
pub fn reference() -> String {
    let sections = Settings::describe();
    let mut page = INTRODUCTION.to_owned();
    page.push_str(&secrets(&sections));
    for section in &sections {
        page.push_str(&table(section));
    }
    page
}

const INTRODUCTION: &str = "\
<!-- Written from crates/app/src/settings by its tests: UPDATE_DOCS=1 cargo test -p app settings -->
# Configuration

Every program of the platform reads the same settings, once, when it starts. `hrms-bootstrap config`
prints those in force, each with where it came from, secrets as `***`.

A value comes from the first of these that gives one:

1. the environment: `HRMS_SECTION__KEY`, lists separated by commas; for a secret also
   `HRMS_SECTION__KEY_FILE`, which names a file that holds it (both at once is an error);
2. for a secret, a systemd credential (`LoadCredential=`), named `section-key`;
3. the settings file, in TOML: the one that `--config` names, else the one that `HRMS_CONFIG_FILE`
   names, else `/etc/hrms/hrms.toml` if it exists;
4. the default below.

A program does not start with settings that are wrong, and says everything that is wrong with them
at once. Wrong is also a key, a section, a credential that begins like a section, or a variable
beginning with `HRMS_` that does not exist; the only such variables that set nothing are
`HRMS_CONFIG_FILE` and those of the test suite, `HRMS_TEST_…`.

Times are written as `500ms`, `5s`, `10m`, `12h` or `7d`, sizes in bytes.
";

fn secrets(sections: &[SectionDescription]) -> String {
    let mut table =
        "\n## Secrets\n\n| key | variable | variable that names a file | credential |\n\
                     | --- | --- | --- | --- |\n"
            .to_owned();
    for key in sections
        .iter()
        .flat_map(|section| &section.keys)
        .filter(|key| key.secret)
    {
        let (variable, credential) = (key.variable(), key.credential());
        // Writing to a string can't fail; here and below.
        let _ = writeln!(
            table,
            "| `{}` | `{variable}` | `{variable}_FILE` | `{credential}` |",
            key.path
        );
    }
    table
}

fn table(section: &SectionDescription) -> String {
    let mut table = format!(
        "\n## `[{}]`\n\n{}\n\n| key | default | variable | meaning |\n| --- | --- | --- | --- |\n",
        section.path, section.about
    );
    for key in &section.keys {
        let _ = writeln!(
            table,
            "| `{}` | {} | `{}` | {} Allowed: {}. |",
            key.name,
            default(key),
            key.variable(),
            key.meaning,
            key.allowed
        );
    }
    table
}

fn default(key: &Key) -> String {
    match key.default {
        Some("") => "empty".to_owned(),
        Some(default) => format!("`{default}`"),
        None if key.optional => "not set".to_owned(),
        None => "**required**".to_owned(),
    }
}
