//! `telness config`, and where settings come from.

use super::{folder, run, run_in, telness};

#[test]
fn the_settings_in_force_are_shown_with_where_they_come_from() {
    let folder = folder();
    std::fs::create_dir(folder.path().join("telness-data")).unwrap();
    std::fs::write(
        folder.path().join("telness-data/telness.toml"),
        "threads = 1\n[log]\nfilter = 'warn'\nformat = 'json'\n",
    )
    .unwrap();
    let output = telness(&folder, &["config", "--json", "--set", "log.filter=debug"])
        .env("TELNESS_LOG_FORMAT", "text")
        .output()
        .unwrap();
    let json: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let settings = &json["settings"];
    assert_eq!((&settings["threads"]["value"], &settings["threads"]["source"]["line"]), (&"1".into(), &1.into()));
    assert_eq!(settings["log.format"]["value"], "text");
    assert_eq!(settings["log.format"]["source"]["variable"], "TELNESS_LOG_FORMAT");
    assert_eq!(settings["log.filter"]["value"], "debug");
    assert_eq!(settings["listen"]["source"]["from"], "default");
    for setting in telness_engine::config::SETTINGS {
        assert!(run(&["config"]).out().contains(setting.name), "{}", setting.name);
    }
}

#[test]
fn wrong_settings_are_code_2_all_at_once_for_every_command_that_reads_them() {
    for command in ["config", "serve", "records"] {
        let ran = run(&[command, "--set", "threads=x", "--set", "http.body_bytes=1", "--data", ""]);
        assert_eq!(ran.code(), 2, "{command}");
        let told = ran.err();
        assert!(told.contains("threads: `x`") && told.contains("did you mean `http.body_bytes_max`?"), "{told}");
        assert!(told.contains("--data: data: it is empty"), "{told}");
    }
    let doctor = run(&["doctor", "--set", "threads=x", "--json"]);
    assert_eq!((doctor.code(), &doctor.json()["verdict"]), (1, &"fail".into()));
    assert_eq!(run(&["config", "--config", "nowhere.toml"]).code(), 2);
    assert_eq!(run(&["config", "--set", "threads"]).code(), 2);
}

#[test]
fn a_failure_in_json_is_an_object_on_standard_error() {
    let ran = run(&["config", "--json", "--set", "threads=x"]);
    let error: serde_json::Value = serde_json::from_str(&ran.err()).unwrap();
    assert_eq!(error["error"]["exit_code"], 2);
    assert!(ran.out().is_empty());
}

#[test]
fn the_doctor_finds_a_fresh_folder_well() {
    let folder = folder();
    let ran = run_in(&folder, &["doctor", "--listen", "127.0.0.1:0", "--json"]);
    assert_eq!(ran.code(), 0, "{}", ran.out());
    let json = ran.json();
    let names: Vec<&str> =
        json["checks"].as_array().unwrap().iter().map(|check| check["name"].as_str().unwrap()).collect();
    for name in ["settings", "plan", "keys", "data", "address", "files", "zones", "clock"] {
        assert!(names.contains(&name), "{name} is not among {names:?}");
    }
}

#[test]
fn the_doctor_fails_a_port_that_another_program_has_and_a_broken_secret() {
    let folder = folder();
    std::fs::create_dir(folder.path().join("telness-data")).unwrap();
    std::fs::write(folder.path().join("telness-data/server.key"), "short").unwrap();
    let other = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = other.local_addr().unwrap().to_string();
    // Whoever asks is sent away at once, as by a program that speaks no HTTP.
    std::thread::spawn(move || while other.accept().is_ok() {});
    let ran = run_in(&folder, &["doctor", "--listen", &address, "--json"]);
    assert_eq!(ran.code(), 1);
    let json = ran.json();
    let failed = json["checks"].as_array().unwrap().iter().filter(|check| check["verdict"] == "fail");
    let failed: Vec<&str> = failed.map(|check| check["name"].as_str().unwrap()).collect();
    assert_eq!(failed, ["secret", "address"], "{}", ran.out());
    assert!(run_in(&folder, &["doctor", "--listen", &address]).out().contains("to do: "));
}

#[test]
fn the_doctor_sees_a_key_of_a_tenant_that_the_plan_does_not_have() {
    let folder = folder();
    let hash = "0".repeat(64);
    std::fs::write(folder.path().join("t.toml"), format!("[[keys]]\ntenant = 'stranger'\nsha256 = '{hash}'\n"))
        .unwrap();
    let ran = run_in(&folder, &["doctor", "--config", "t.toml", "--listen", "127.0.0.1:0"]);
    assert!(ran.out().contains("warn  keys       one is for the tenant `stranger`"), "{}", ran.out());
}
