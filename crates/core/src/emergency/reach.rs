//! From a region to its emergency numbers: the one that reaches a service, those under a prefix, and those that are something
//! else in another region.

use std::borrow::Cow;

use super::service::Service;
use super::short::{ShortNumber, entry, first_under, numbers_of};
use crate::number::Region;

/// The regions of the North American plan that list 112 beside 911: mobile phones take it there, carriers' fixed
/// networks need not.
const BY_911: [&str; 4] = ["CA", "DO", "JM", "US"];

/// The numbers that reach any service in most regions, the most common first.
const GENERAL: [&str; 5] = ["112", "911", "999", "000", "111"];

/// The number by which a region reaches a service that was asked for by name: the service's own; else the region's
/// general number; else the first of its emergency numbers, one for any service before the others.
#[must_use]
pub fn number_for(service: Service, region: Region) -> Cow<'static, str> {
    let entry = entry(region);
    if let Some((_, own)) = entry.by_name.iter().find(|(reached, _)| *reached == service) {
        return (*own).into();
    }
    if BY_911.contains(&region.as_str()) {
        return "911".into();
    }
    let any = |service: &Service| *service == Service::Any;
    let general = GENERAL.iter().find(|digits| entry.emergency(digits).as_ref().is_some_and(any));
    if let Some(general) = general.or_else(|| GENERAL.iter().find(|digits| entry.emergency(digits).is_some())) {
        return (*general).into();
    }
    let listed = entry.emergency.iter().find(|(_, service)| any(service)).or_else(|| entry.emergency.first());
    // No row of the table is without one, and mobile networks take 112 everywhere.
    listed.and_then(|(pattern, _)| first_under(pattern, "")).map_or("112".into(), Cow::Owned)
}

/// An emergency number of a region, as it is dialled there, that begins with a prefix.
#[must_use]
pub fn number_under(prefix: &str, region: Region) -> Option<String> {
    entry(region).emergency.iter().find_map(|(pattern, _)| first_under(pattern, prefix))
}

/// The emergency numbers of a region that are short numbers for something else in another, as they are dialled.
#[must_use]
pub fn mistakable(region: Region, elsewhere: Region) -> Vec<String> {
    let other = |number: &String| entry(elsewhere).short_number(number) == Some(ShortNumber::Other);
    entry(region).emergency.iter().flat_map(|(pattern, _)| numbers_of(pattern)).filter(other).collect()
}

#[cfg(test)]
mod tests {
    use super::super::{recognise, regions};
    use super::*;
    use crate::class::Place;

    #[test]
    fn e3_the_number_for_a_service_is_an_emergency_number_of_the_region() {
        let unknown = "ZZ".parse().unwrap();
        for region in regions().chain([unknown]) {
            for service in Service::ALL {
                let number = number_for(service, region);
                let found = recognise(&number, &Place::region(region));
                let reached = found.map(|found| found.service);
                assert!(reached.is_some(), "{number} for {service:?} in {region}");
                if entry(region).by_name.iter().any(|(one, _)| *one == service) {
                    assert!(reached == Some(service) || reached == Some(Service::Any), "{number} in {region}");
                }
            }
        }
    }

    #[test]
    fn e3_services_of_japan_and_of_regions_without_a_general_number() {
        let number = |service, region: &str| number_for(service, region.parse().unwrap()).into_owned();
        assert_eq!(number(Service::Police, "JP"), "110");
        assert_eq!(number(Service::Marine, "JP"), "118");
        for service in [Service::Any, Service::Fire, Service::Ambulance, Service::Gas] {
            assert_eq!(number(service, "JP"), "119", "{service:?}");
        }
        for (region, digits) in [("CN", "110"), ("MA", "15"), ("TH", "191"), ("NA", "10111")] {
            assert_eq!(number(Service::Any, region), digits, "{region}");
        }
    }

    #[test]
    fn e6_what_is_an_emergency_number_there_and_another_short_number_here() {
        let told = |region: &str, elsewhere: &str| mistakable(region.parse().unwrap(), elsewhere.parse().unwrap());
        assert_eq!(told("IT", "DE"), ["115"], "the authorities' number in Germany is the fire brigade's in Italy");
        assert_eq!(told("SE", "CH"), ["90000"]);
        assert!(told("NO", "SE").is_empty() && told("SE", "NO").is_empty());
    }

    #[test]
    fn e4_emergency_numbers_of_six_digits_are_under_their_prefixes_too() {
        for (region, number) in [("FM", "320221"), ("NE", "723141")] {
            for prefix in (1..=number.len()).filter_map(|len| number.get(..len)) {
                let found = number_under(prefix, region.parse().unwrap());
                assert!(found.is_some_and(|found| found.starts_with(prefix)), "{region} {prefix}");
            }
            assert_eq!(number_under(&format!("{number}0"), region.parse().unwrap()), None);
        }
        assert_eq!(number_under("+", "SE".parse().unwrap()), None);
    }
}
