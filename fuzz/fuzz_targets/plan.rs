//! Reads any bytes as a plan: `cargo fuzz run plan`.
#![no_main]

use libfuzzer_sys::fuzz_target;
use telness_core::plan::read_plan;

fuzz_target!(|bytes: &[u8]| {
    if let Err(faults) = read_plan(bytes, 0) {
        assert!(!faults.faults.is_empty());
        let text = String::from_utf8_lossy(bytes);
        assert!(!faults.render("plan", &text).is_empty());
        let lines = text.lines().count() + 1;
        assert!(faults.faults.iter().all(|fault| fault.line as usize <= lines));
    }
});
