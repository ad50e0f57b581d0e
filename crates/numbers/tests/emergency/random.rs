//! Random valid numbers of all regions, ten million in the long form (`TELNESS_VALID_NUMBERS`): none is an emergency
//! (E2). Half of them have an emergency number of their region within.

use std::hash::{BuildHasher as _, RandomState};

use proptest::prelude::Rng as _;
use proptest::test_runner::{RngAlgorithm, TestRng};

use super::*;

/// Numbers of the short form.
const NUMBERS: u64 = 10_000;

fn from_environment(name: &str, otherwise: impl FnOnce() -> u64) -> u64 {
    std::env::var(name).map_or_else(|_| otherwise(), |text| text.parse().unwrap())
}

/// What a region's numbers are made of.
struct Stock {
    region: Region,
    country_code: String,
    /// National digits of a valid number of each type.
    national: Vec<String>,
    emergency: Vec<String>,
    /// Outside-line prefixes that a site of the region may have.
    prefixes: Vec<Digits>,
}

impl Stock {
    fn of(region: Region) -> Self {
        let country_code = PHONE_NUMBER_UTIL.get_country_code_for_region(theirs(region)).unwrap().to_string();
        let after = 1 + country_code.len();
        let national =
            examples(region).into_iter().map(|one| one.format_as(PhoneNumberFormat::E164)[after..].to_owned());
        let may_be = |prefix: &Digits| !is_ambiguous_outside_line(region, *prefix);
        Self {
            region,
            country_code,
            national: national.collect(),
            emergency: emergency_patterns(region).iter().flat_map(|(pattern, _)| expanded(pattern)).collect(),
            prefixes: (0..10).map(|digit| digit.to_string().parse().unwrap()).filter(may_be).collect(),
        }
    }

    /// National digits that may be a number: as many first digits of one that is as chance will have, the rest at random.
    fn digits(&self, random: &mut TestRng) -> String {
        let example = &self.national[below(random, self.national.len())];
        let kept = below(random, example.len());
        let fresh = (kept..example.len()).map(|_| char::from(b'0' + u8::try_from(below(random, 10)).unwrap()));
        let mut digits: String = example.chars().take(kept).chain(fresh).collect();
        let within = &self.emergency[below(random, self.emergency.len())];
        if random.next_u32() & 1 == 0 && within.len() <= digits.len() {
            let at = below(random, digits.len() - within.len() + 1);
            digits.replace_range(at..at + within.len(), within);
        }
        digits
    }
}

fn below(random: &mut TestRng, limit: usize) -> usize {
    usize::try_from(random.next_u64() % u64::try_from(limit).unwrap()).unwrap()
}

/// Regions that a caller whom nobody has placed may be in besides.
fn regions_of(all: &[Stock], random: &mut TestRng) -> Vec<Region> {
    (0..3).map(|_| all[below(random, all.len())].region).collect()
}

/// Makes one number and holds it to the promise; says whether it was valid.
fn tried(home: &Stock, all: &[Stock], random: &mut TestRng) -> bool {
    let digits = home.digits(random);
    let e164 = format!("+{}{digits}", home.country_code);
    let Some(number) = PHONE_NUMBER_UTIL.parse(&e164, None).ok().filter(|number| number.is_valid()) else {
        return false;
    };
    let away = &all[below(random, all.len())];
    for dialled_in in [home, away] {
        let prefix = dialled_in.prefixes[below(random, dialled_in.prefixes.len())];
        let elsewhere = regions_of(all, random);
        let place = Place { outside_line_prefix: Some(prefix), elsewhere, ..Place::region(dialled_in.region) };
        assert_eq!(recognise(&e164, &place), None, "{e164} in {place:?}");
    }
    let prefix = home.prefixes[below(random, home.prefixes.len())];
    let elsewhere = regions_of(all, random);
    let office = Place { outside_line_prefix: Some(prefix), elsewhere, ..Place::region(home.region) };
    let national = number.format_as(PhoneNumberFormat::National);
    for text in [national.to_string(), format!("{prefix}{national}")] {
        assert_eq!(recognise(&text, &office), None, "{text} ({e164}) in {office:?}");
    }
    true
}

#[test]
fn e2_random_valid_numbers_of_all_regions_are_no_emergency() {
    let seed = from_environment("TELNESS_SEED", || RandomState::new().hash_one(0_u8));
    let wanted = from_environment("TELNESS_VALID_NUMBERS", || NUMBERS);
    println!("TELNESS_SEED={seed} TELNESS_VALID_NUMBERS={wanted}");
    let all: Vec<Stock> = regions().map(Stock::of).collect();
    let each = wanted.div_ceil(u64::try_from(all.len()).unwrap());
    // Each region has a seed of its own, so that what is found does not depend on the number of threads.
    let run = |at: usize| {
        let bytes: Vec<u8> = [seed, at as u64, 0, 0].iter().flat_map(|word| word.to_le_bytes()).collect();
        let mut random = TestRng::from_seed(RngAlgorithm::ChaCha, &bytes);
        let (mut valid, mut made) = (0, 0_u64);
        while valid < each {
            made += 1;
            valid += u64::from(tried(&all[at], &all, &mut random));
            assert!(made < 1_000 * (each + 10), "{}: {valid} of {made} are valid", all[at].region);
        }
        valid
    };
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let valid: u64 = std::thread::scope(|scope| {
        let share = |thread: usize| (thread..all.len()).step_by(threads).map(&run).sum::<u64>();
        let shares: Vec<_> = (0..threads).map(|thread| scope.spawn(move || share(thread))).collect();
        shares.into_iter().map(|share| share.join().unwrap()).sum()
    });
    assert!(valid >= wanted, "{valid}");
}
