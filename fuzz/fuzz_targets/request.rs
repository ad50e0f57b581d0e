//! Bodies of requests: whatever the bytes, they are read or refused, and nothing panics.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|body: &[u8]| telness::http::read_bodies(body));
