//! `docs/settings.md`, written from the list.

use std::fmt::Write as _;

use super::list::SETTINGS;
use super::setting::Takes;

/// What stands before the list.
const HEAD: &str = "\
# Settings

Made from the list in `crates/engine/src/config/list.rs`; a test fails when it is stale, and `TELNESS_BLESS=1` before
that test writes it anew.

A value comes from, the later the stronger: the default, the file, the environment, a flag. The file is TOML:
`telness.toml` in the data folder, or the one that `--config FILE` or `TELNESS_CONFIG` names. A path in it is meant
from the file's own folder. On the command line `--set NAME=VALUE` sets any of them, and `--listen`, `--data` and
`--plan` are short for those. A name that is not listed is an error, wherever it stands; all errors are told at once.
`telness config` shows what is in force and where each value comes from.

A number's unit is in its name. Numbers may be written with `_` between digits.
";

/// The whole page.
#[must_use]
pub fn settings_page() -> String {
    let mut page = String::from(HEAD);
    for setting in SETTINGS {
        let default = if setting.default.is_empty() { "nothing".to_owned() } else { format!("`{}`", setting.default) };
        let secret = if setting.secret { " Never shown." } else { "" };
        let variable = match setting.takes {
            Takes::Keys => String::new(),
            _ => format!(" · `{}`", setting.variable()),
        };
        // Writing to a string does not fail.
        let _ = write!(
            page,
            "\n## `{}`\n\n{}{secret}\n\nDefault {default}{variable} · {}\n",
            setting.name,
            setting.meaning,
            setting.form()
        );
    }
    page.push_str("\n## An example\n\n```toml\n");
    page.push_str(EXAMPLE);
    page.push_str("```\n");
    page
}

/// A file that a first deployment could start from.
const EXAMPLE: &str = "\
listen = \"0.0.0.0:8080\"
plan = \"plan.yaml\"

[workflow.low]
calls_in_flight_max = 8_192

[log]
format = \"json\"

[[keys]]
tenant = \"nordic\"
sha256 = \"0000000000000000000000000000000000000000000000000000000000000000\"
";
