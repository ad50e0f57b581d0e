//! The settings of the environment: variables that begin with `TELNESS_`.

use super::fault::{ConfigFault, Source};

/// The variable that names the settings file.
pub const CONFIG_VARIABLE: &str = "TELNESS_CONFIG";

/// What all our variables begin with.
const MARK: &str = "TELNESS_";

/// The variables that are for us, read once at the start.
#[derive(Clone, Debug, Default)]
pub struct Environment {
    variables: Vec<(String, Option<String>)>,
}

impl Environment {
    /// The process's own.
    #[must_use]
    pub fn of_process() -> Self {
        let ours = |(name, value): (std::ffi::OsString, std::ffi::OsString)| {
            let name = name.into_string().ok().filter(|name| name.starts_with(MARK))?;
            Some((name, value.into_string().ok()))
        };
        Self::of_variables(std::env::vars_os().filter_map(ours))
    }

    /// Of these variables; a value of none is one that is not UTF-8.
    #[must_use]
    pub fn of_variables(variables: impl IntoIterator<Item = (String, Option<String>)>) -> Self {
        let mut variables: Vec<_> = variables.into_iter().filter(|(name, _)| !is_of_others(name)).collect();
        variables.sort();
        Self { variables }
    }

    /// The value of a variable, if it is set and not empty.
    #[must_use]
    pub(super) fn get(&self, variable: &str) -> Option<&str> {
        let found = self.variables.iter().find(|(name, _)| name == variable)?;
        found.1.as_deref().filter(|value| !value.is_empty())
    }

    /// The variables that should be settings. An empty one counts as not set.
    pub(super) fn settings(&self) -> impl Iterator<Item = (&str, Result<&str, ConfigFault>)> {
        self.variables.iter().filter(|(name, value)| name != CONFIG_VARIABLE && value.as_deref() != Some("")).map(
            |(name, value)| {
                let not_text = || ConfigFault {
                    source: Source::Environment { variable: name.clone() },
                    name: name.clone(),
                    what: "its value is not UTF-8".to_owned(),
                    help: None,
                };
                (name.as_str(), value.as_deref().ok_or_else(not_text))
            },
        )
    }
}

/// Variables with our mark that others set: Kubernetes names the address of each service in every pod, so that a
/// service called `telness` gives `TELNESS_PORT` and `TELNESS_SERVICE_HOST`; and the tests have one of their own.
fn is_of_others(name: &str) -> bool {
    let port = |rest: &str| rest.is_empty() || rest.trim_start_matches('_').starts_with(|c: char| c.is_ascii_digit());
    name == "TELNESS_BLESS"
        || name.ends_with("_SERVICE_HOST")
        || name.contains("_SERVICE_PORT")
        || name.split_once("_PORT").is_some_and(|(_, rest)| port(rest))
}
