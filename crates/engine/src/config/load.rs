//! Lays the file over the defaults, the environment over the file and the flags over all, and tells every fault.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::environment::{CONFIG_VARIABLE, Environment};
use super::fault::{ConfigFault, ConfigFaults, Source};
use super::list::SETTINGS;
use super::nearest::nearest;
use super::setting::{Setting, Takes};
use super::{Settings, file};

/// The settings file in the data folder, read when none is named.
const FILE_NAME: &str = "telness.toml";

/// The largest settings file, in bytes.
const FILE_BYTES_MAX: u64 = 4 << 20;

/// A setting of the command line.
#[derive(Clone, Debug)]
pub struct Flag {
    /// The flag, such as `--listen` or `--set`.
    pub flag: String,
    /// The setting.
    pub name: String,
    /// The value.
    pub text: String,
}

/// Everything that settings come from.
#[derive(Clone, Debug, Default)]
pub struct Inputs {
    /// The file that the command line names.
    pub file: Option<PathBuf>,
    /// The environment.
    pub environment: Environment,
    /// The flags, the last of which counts.
    pub flags: Vec<Flag>,
}

/// One setting as it is in force.
#[derive(Clone, Debug)]
pub struct Effective {
    /// The setting.
    pub setting: &'static Setting,
    /// Its value as text; what is secret is not shown.
    pub shown: String,
    /// Where it comes from.
    pub source: Source,
}

/// The settings in force, and where each comes from.
#[derive(Clone, Debug)]
pub struct Loaded {
    /// The settings.
    pub settings: Settings,
    /// Each setting, in the order of the list.
    pub effective: Vec<Effective>,
    /// The file that was read.
    pub file: Option<PathBuf>,
}

/// Finds, reads, checks and overlays the settings.
///
/// # Errors
/// Everything that is wrong with them.
pub fn load(inputs: &Inputs) -> Result<Loaded, ConfigFaults> {
    let mut overlay = Overlay { settings: Settings::defaults(), given: BTreeMap::new(), faults: Vec::new() };
    let file = overlay.file(inputs);
    overlay.environment(&inputs.environment);
    overlay.flags(&inputs.flags);
    overlay.together();
    if !overlay.faults.is_empty() {
        return Err(ConfigFaults(overlay.faults));
    }
    Ok(Loaded { effective: overlay.effective(), settings: overlay.settings, file })
}

struct Overlay {
    settings: Settings,
    given: BTreeMap<&'static str, (String, Source)>,
    faults: Vec<ConfigFault>,
}

impl Overlay {
    /// Reads the file, if one is named or the data folder has one.
    fn file(&mut self, inputs: &Inputs) -> Option<PathBuf> {
        let (path, source) = match (&inputs.file, inputs.environment.get(CONFIG_VARIABLE)) {
            (Some(path), _) => (path.clone(), Some(Source::Flag { flag: "--config".to_owned() })),
            (None, Some(path)) => {
                (PathBuf::from(path), Some(Source::Environment { variable: CONFIG_VARIABLE.to_owned() }))
            }
            (None, None) => (data_folder(inputs).join(FILE_NAME), None),
        };
        let text = match read_text(&path) {
            Ok(text) => text,
            Err(why) if source.is_none() && why.kind() == std::io::ErrorKind::NotFound => return None,
            Err(why) => {
                let source = source.unwrap_or(Source::File { path: path.clone(), line: 0 });
                self.fault(source, "", format!("the settings file {} cannot be read: {why}", path.display()), None);
                return None;
            }
        };
        let found = file::read(&path, &text);
        self.faults.extend(found.faults);
        let folder = path.parent();
        for value in found.values {
            let source = Source::File { path: path.clone(), line: value.line };
            if value.name == "data" && inputs.file.is_none() && inputs.environment.get(CONFIG_VARIABLE).is_none() {
                let what = "this file was found in the data folder, so it cannot name another".to_owned();
                self.fault(source, "data", what, Some("name the file with --config, or the folder with --data".into()));
                continue;
            }
            self.set(&value.name, &value.text, source, folder);
        }
        if !found.keys.is_empty() {
            let shown = format!("{} hidden", found.keys.len());
            self.given.insert("keys", (shown, Source::File { path: path.clone(), line: found.keys_line }));
            self.settings.keys = found.keys;
        }
        Some(path)
    }

    fn environment(&mut self, environment: &Environment) {
        for (variable, value) in environment.settings() {
            let source = Source::Environment { variable: variable.to_owned() };
            let Some(setting) = SETTINGS.iter().find(|setting| setting.variable() == variable) else {
                let near =
                    nearest(variable, SETTINGS.iter().map(Setting::variable).chain([CONFIG_VARIABLE.to_owned()]));
                let what = "there is no such setting".to_owned();
                self.fault(source, variable, what, near.map(|near| format!("did you mean {near}?")));
                continue;
            };
            match value {
                Ok(text) => self.set(setting.name, text, source, None),
                Err(fault) => self.faults.push(fault),
            }
        }
    }

    fn flags(&mut self, flags: &[Flag]) {
        for flag in flags {
            self.set(&flag.name, &flag.text, Source::Flag { flag: flag.flag.clone() }, None);
        }
    }

    fn set(&mut self, name: &str, text: &str, source: Source, from: Option<&Path>) {
        let Some(setting) = SETTINGS.iter().find(|setting| setting.name == name) else {
            let near = nearest(name, SETTINGS.iter().map(|setting| setting.name.to_owned()));
            let help = match near {
                Some(near) => format!("did you mean `{near}`?"),
                None => "`telness config` lists them".to_owned(),
            };
            return self.fault(source, name, "there is no such setting".to_owned(), Some(help));
        };
        match setting.apply(&mut self.settings, text, from) {
            Ok(()) => drop(self.given.insert(setting.name, (text.to_owned(), source))),
            Err(what) => self.fault(source, name, what, None),
        }
    }

    /// What no single setting can know.
    fn together(&mut self) {
        let journal = &self.settings.journal;
        if journal.bytes_max < journal.segment_bytes_max.saturating_mul(2) {
            let what = format!(
                "{} is less than two segments of {}, so nothing could be given back before it is full",
                journal.bytes_max, journal.segment_bytes_max
            );
            let help = Some("raise it, or lower journal.segment_bytes_max".to_owned());
            let given = |name: &str| self.given.get(name).map(|(_, source)| source.clone());
            let source = given("journal.bytes_max").or_else(|| given("journal.segment_bytes_max"));
            self.fault(source.unwrap_or(Source::Default), "journal.bytes_max", what, help);
        }
        self.retention_outlives_billing();
    }

    /// What is removed of a call before its last leg is final is never billed.
    fn retention_outlives_billing(&mut self) {
        let (kept, open_max) = (self.settings.retention, self.settings.billing.open_max);
        for (class, days) in kept.over_within(open_max) {
            let (name, open_max) = (format!("retention.{class}"), open_max.as_secs());
            let what = format!(
                "{days} days are no longer than billing.open_s_max ({open_max} s), so calls would be removed that are \
                 yet to be billed"
            );
            let help = Some("raise it, or lower billing.open_s_max".to_owned());
            let given = |name: &str| self.given.get(name).map(|(_, source)| source.clone());
            let source = given(&name).or_else(|| given("billing.open_s_max")).unwrap_or(Source::Default);
            self.fault(source, &name, what, help);
        }
    }

    fn fault(&mut self, source: Source, name: &str, what: String, help: Option<String>) {
        self.faults.push(ConfigFault { source, name: name.to_owned(), what, help });
    }

    fn effective(&self) -> Vec<Effective> {
        let one = |setting: &'static Setting| {
            let given = self.given.get(setting.name).cloned();
            let (text, source) = given.unwrap_or_else(|| (setting.default.to_owned(), Source::Default));
            let is_keys = matches!(setting.takes, Takes::Keys);
            let shown = if setting.secret && !is_keys && !text.is_empty() { "hidden".to_owned() } else { text };
            Effective { setting, shown, source }
        };
        SETTINGS.iter().map(one).collect()
    }
}

/// The data folder, as far as it is known before the file is read.
fn data_folder(inputs: &Inputs) -> PathBuf {
    let flag = inputs.flags.iter().rev().find(|flag| flag.name == "data").map(|flag| flag.text.as_str());
    let variable = inputs.environment.get("TELNESS_DATA");
    flag.or(variable).map_or_else(|| Settings::defaults().data, PathBuf::from)
}

fn read_text(path: &Path) -> std::io::Result<String> {
    let size = std::fs::metadata(path)?.len();
    if size > FILE_BYTES_MAX {
        return Err(std::io::Error::other(format!("it has {size} bytes, of {FILE_BYTES_MAX} allowed")));
    }
    std::fs::read_to_string(path)
}

impl Settings {
    /// The settings when nobody says otherwise, from the list alone.
    #[must_use]
    pub fn defaults() -> Self {
        let mut settings = Self::blank();
        for setting in SETTINGS.iter().filter(|setting| !matches!(setting.takes, Takes::Keys)) {
            // That every default can be read is held by a test over the list.
            let _ = setting.apply(&mut settings, setting.default, None);
        }
        settings
    }
}
