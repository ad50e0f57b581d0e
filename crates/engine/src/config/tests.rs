//! The settings under test: where values come from, what is refused, and that the list is whole.

use std::path::{Path, PathBuf};

use super::*;

fn flag(name: &str, text: &str) -> Flag {
    Flag { flag: "--set".to_owned(), name: name.to_owned(), text: text.to_owned() }
}

fn environment(variables: &[(&str, &str)]) -> Environment {
    Environment::of_variables(variables.iter().map(|(name, value)| ((*name).to_owned(), Some((*value).to_owned()))))
}

/// A folder of one test, taken away when it ends.
struct Folder(PathBuf);

impl Folder {
    fn new(test: &str) -> Self {
        let path = std::env::temp_dir().join(format!("telness-config-{test}-{}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    fn file(&self, text: &str) -> PathBuf {
        let path = self.0.join("telness.toml");
        std::fs::write(&path, text).unwrap();
        path
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        std::fs::remove_dir_all(&self.0).unwrap();
    }
}

fn faults(inputs: &Inputs) -> Vec<String> {
    load(inputs).unwrap_err().0.iter().map(ToString::to_string).collect()
}

#[test]
fn every_default_can_be_read_and_every_name_is_one_of_its_own() {
    let mut settings = Settings::defaults();
    let mut variables = std::collections::BTreeSet::new();
    for setting in SETTINGS {
        if !matches!(setting.takes, Takes::Keys) {
            assert_eq!(setting.apply(&mut settings, setting.default, None), Ok(()), "{}", setting.name);
        }
        assert!(variables.insert(setting.variable()), "{} has another's variable", setting.name);
        assert!(setting.meaning.ends_with('.'), "{} is not explained in a sentence", setting.name);
        let read = environment(&[(&setting.variable(), "x")]);
        assert_eq!(read.settings().count(), 1, "{} would be taken for another's variable", setting.variable());
    }
    assert!(load(&Inputs::default()).is_ok());
}

#[test]
fn a_number_has_its_unit_in_its_name() {
    let units = [
        "_ms_max",
        "_ms",
        "bytes_max",
        "records_max",
        "lines_max",
        "_s",
        "_s_max",
        "_days",
        "connections_max",
        "calls_in_flight_max",
        "calls_max",
        "_percent",
        "_multiple",
        "threads",
    ];
    for setting in SETTINGS.iter().filter(|setting| matches!(setting.takes, Takes::Whole { .. })) {
        assert!(units.iter().any(|unit| setting.name.ends_with(unit)), "{}", setting.name);
    }
}

#[test]
fn a_number_outside_its_range_is_refused_at_both_ends() {
    for setting in SETTINGS {
        let Takes::Whole { min, max, .. } = setting.takes else { continue };
        let mut settings = Settings::defaults();
        let mut taken = |number: Option<u64>| {
            number.is_some_and(|number| setting.apply(&mut settings, &number.to_string(), None).is_ok())
        };
        assert!(taken(Some(min)) && taken(Some(max)), "{}", setting.name);
        assert!(!taken(min.checked_sub(1)) && !taken(max.checked_add(1)), "{}", setting.name);
        assert!(setting.apply(&mut settings, "-1", None).is_err() && setting.apply(&mut settings, "", None).is_err());
    }
}

#[test]
fn a_flag_outranks_the_environment_that_outranks_the_file() {
    let folder = Folder::new("precedence");
    let file =
        folder.file("threads = 1\n[http]\nbody_bytes_max = 2_048\nconnections_max = 2\n[log]\nformat = 'json'\n");
    let inputs = Inputs {
        file: Some(file.clone()),
        environment: environment(&[("TELNESS_HTTP_BODY_BYTES_MAX", "3072"), ("TELNESS_HTTP_CONNECTIONS_MAX", "3")]),
        flags: vec![flag("http.body_bytes_max", "4096")],
    };
    let loaded = load(&inputs).unwrap();
    assert_eq!((loaded.settings.threads, loaded.settings.log.json), (1, true));
    assert_eq!((loaded.settings.http.connections_max, loaded.settings.http.body_bytes_max), (3, 4096));
    let source = |name: &str| loaded.effective.iter().find(|one| one.setting.name == name).unwrap().source.clone();
    assert_eq!(source("threads"), Source::File { path: file, line: 1 });
    assert_eq!(source("http.connections_max").to_string(), "TELNESS_HTTP_CONNECTIONS_MAX");
    assert_eq!(source("http.body_bytes_max").to_string(), "--set");
    assert_eq!(source("listen"), Source::Default);
}

#[test]
fn the_file_of_the_data_folder_is_found_and_its_paths_are_meant_from_there() {
    let folder = Folder::new("found");
    folder.file("plan = 'plan.yaml'\n");
    let inputs = Inputs { flags: vec![flag("data", folder.0.to_str().unwrap())], ..Inputs::default() };
    assert_eq!(load(&inputs).unwrap().settings.plan, Some(folder.0.join("plan.yaml")));
    folder.file("data = 'elsewhere'\n");
    assert!(faults(&inputs)[0].contains("telness.toml:1: data: this file was found in the data folder"));
}

#[test]
fn every_fault_is_told_at_once_with_its_place_and_the_nearest_name() {
    let folder = Folder::new("faults");
    let file = folder.file(
        "lisen = '127.0.0.1:1'\n[http]\nbody_bytes_max = 1\nrequest_ms_max = 1.5\n[htpp]\nx = 1\n[log]\nformat = 'xml'\n\
         [[keys]]\ntenant = 'A B'\nsha256 = 'SECRETSECRET'\nnote = 1\n",
    );
    let at = |line: u32| format!("{}:{line}: ", file.display());
    let inputs = Inputs {
        file: Some(file.clone()),
        environment: environment(&[("TELNESS_THREADS", "many"), ("TELNESS_LOG_FORMT", "json")]),
        flags: vec![flag("journal.segment_bytes", "65536"), flag("keys", "x")],
    };
    let told = faults(&inputs);
    let expected = [
        format!("{}lisen: there is no such setting; did you mean `listen`?", at(1)),
        format!("{}http.body_bytes_max: `1` is not a whole number from 1024 to 16777216", at(3)),
        format!("{}http.request_ms_max: a float is no value of any setting", at(4)),
        format!("{}htpp: there is no such group of settings; did you mean [http]?", at(5)),
        format!("{}log.format: `xml` is not one of text, json", at(8)),
        format!("{}keys: a key has no `note`; it has `tenant` or `operator`, and `sha256`", at(12)),
        "TELNESS_THREADS: `many` is not a whole number from 0 to 1024".to_owned(),
        "TELNESS_LOG_FORMT: there is no such setting; did you mean TELNESS_LOG_FORMAT?".to_owned(),
        "--set: journal.segment_bytes: there is no such setting; did you mean `journal.segment_bytes_max`?".to_owned(),
        "--set: keys: keys are set in the file alone, as [[keys]] tables".to_owned(),
    ];
    for fault in expected {
        assert!(told.contains(&fault), "{fault}\nis not among\n{}", told.join("\n"));
    }
    assert!(!told.concat().contains("SECRET"), "what stands for a key's hash is not repeated");
}

#[test]
fn what_is_no_toml_is_told_with_its_line() {
    let folder = Folder::new("syntax");
    let inputs = Inputs { file: Some(folder.file("threads = 1\nlisten = \n")), ..Inputs::default() };
    assert!(faults(&inputs)[0].contains("telness.toml:2: "), "{:?}", faults(&inputs));
    let missing = Inputs { file: Some(folder.0.join("nowhere.toml")), ..Inputs::default() };
    assert!(faults(&missing)[0].starts_with("--config: the settings file "), "{:?}", faults(&missing));
}

#[test]
fn keys_are_read_and_never_shown() {
    let folder = Folder::new("keys");
    let hash = "0be1a258d1c3db642a2f12a2c58fc40f57bd15a52e685bfc465384c1089da6AB";
    let file = folder.file(&format!("[[keys]]\ntenant = 'nordic'\nsha256 = '{hash}'\n"));
    let loaded = load(&Inputs { file: Some(file), ..Inputs::default() }).unwrap();
    assert_eq!(loaded.settings.keys[0].holder, KeyHolder::Tenant("nordic".parse().unwrap()));
    assert_eq!(loaded.settings.keys[0].sha256[..2], [0x0b, 0xe1]);
    assert_eq!(loaded.settings.keys[0].sha256[31], 0xab);
    let shown = format!("{:?}", loaded.effective.iter().map(|one| one.shown.clone()).collect::<Vec<_>>());
    assert!(shown.contains("1 hidden") && !shown.contains("0be1"), "{shown}");
}

#[test]
fn a_key_is_a_tenants_or_the_operators_and_never_both() {
    let folder = Folder::new("operator");
    let hash = "0".repeat(64);
    let file = folder.file(&format!("[[keys]]\noperator = 'anna'\nsha256 = '{hash}'\n"));
    let loaded = load(&Inputs { file: Some(file), ..Inputs::default() }).unwrap();
    assert_eq!(loaded.settings.keys[0].holder, KeyHolder::Operator("anna".parse().unwrap()));
    for (wrong, told) in [
        ("operator = 'anna'\ntenant = 'nordic'", "keys: a key has either `tenant` or `operator`"),
        ("operator = true", "keys: a key lacks `tenant` or `operator`, a text"),
        ("operator = ''", "keys.operator: not a key name"),
        ("", "keys: a key lacks `tenant` or `operator`, a text"),
    ] {
        let file = folder.file(&format!("[[keys]]\n{wrong}\nsha256 = '{hash}'\n"));
        let found = faults(&Inputs { file: Some(file), ..Inputs::default() });
        assert!(found.len() == 1 && found[0].contains(told), "{wrong}: {found:?}");
    }
}

#[test]
fn variables_that_kubernetes_sets_for_a_service_of_our_name_are_not_ours() {
    let others = [
        ("TELNESS_SERVICE_HOST", "10.0.0.1"),
        ("TELNESS_SERVICE_PORT_HTTP", "80"),
        ("TELNESS_PORT", "tcp://10.0.0.1:80"),
        ("TELNESS_LOW_PORT_80_TCP_ADDR", "10.0.0.1"),
    ];
    assert!(load(&Inputs { environment: environment(&others), ..Inputs::default() }).is_ok());
    let ours = environment(&[("TELNESS_PORTAL", "x")]);
    assert_eq!(load(&Inputs { environment: ours, ..Inputs::default() }).unwrap_err().0.len(), 1);
}

#[test]
fn a_journal_that_could_never_give_space_back_is_refused() {
    let flags = vec![flag("journal.bytes_max", "1048576")];
    assert!(faults(&Inputs { flags, ..Inputs::default() })[0].contains("two segments"));
}

#[test]
fn the_settings_page_is_what_the_list_makes() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/settings.md");
    if std::env::var_os("TELNESS_BLESS").is_some() {
        std::fs::write(&path, settings_page()).unwrap();
    }
    let page = std::fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(page, settings_page(), "docs/settings.md is stale; run this test with TELNESS_BLESS=1");
}

#[test]
fn the_example_of_the_settings_page_is_good() {
    let page = settings_page();
    let example = page.split("```toml\n").nth(1).unwrap().split("```").next().unwrap();
    let folder = Folder::new("example");
    let inputs = Inputs { file: Some(folder.file(example)), ..Inputs::default() };
    assert_eq!(load(&inputs).unwrap().settings.keys.len(), 1);
}
