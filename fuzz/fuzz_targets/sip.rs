//! SIP as anybody sends it: whatever the bytes, nothing panics, and what is answered is one response and no more.
#![no_main]

use std::net::SocketAddr;

use libfuzzer_sys::fuzz_target;
use telness_engine::Unready;
use telness_engine::sip::read_response;

fuzz_target!(|bytes: &[u8]| {
    let _ = read_response(bytes);
    let from = SocketAddr::from(([198, 51, 100, 7], 40_001));
    for unready in [None, Some(Unready::NoEmergencyRoute)] {
        let Some(answer) = telness::sip::answer_to(bytes, from, unready) else { continue };
        assert!(answer.starts_with("SIP/2.0 ") && answer.ends_with("\r\n\r\n"));
        assert_eq!(answer.matches("\r\n\r\n").count(), 1);
        assert!(!answer.replace("\r\n", "").contains(['\r', '\n', '\0']));
    }
});
