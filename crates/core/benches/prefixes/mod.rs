//! The real prefixes of `data/prefixes.txt`, and numbers that have them.

use telness_core::number::Digits;

/// The 316,652 prefixes.
pub(crate) fn real() -> Vec<Digits> {
    let mut prefix = String::new();
    let read = |line: &str| {
        let shared: usize = line[..1].parse().unwrap();
        prefix.truncate(shared);
        prefix.push_str(&line[1..]);
        prefix.parse().unwrap()
    };
    include_str!("../data/prefixes.txt").lines().map(read).collect()
}

/// Numbers of 11 digits of which nine in ten have one of the prefixes, the same in every run.
pub(crate) fn numbers(prefixes: &[Digits], count: usize) -> Vec<Digits> {
    let mut draw: u64 = 0x5EED;
    let mut next = move || {
        draw = draw.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        draw >> 33
    };
    let mut number = || {
        let tail = format!("{:011}", next() * 47);
        let known = prefixes[next() as usize % prefixes.len()].to_string();
        let text = if next() % 10 == 0 { tail } else { format!("{known}{tail}") };
        text[..11].parse().unwrap()
    };
    (0..count).map(|_| number()).collect()
}
