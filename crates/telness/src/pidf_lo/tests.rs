//! What is read of documents as networks send them, and what is refused.

use proptest::prelude::*;

use super::*;

fn presence(within: &str) -> String {
    format!(
        r#"<?xml version="1.0" encoding="UTF-8"?>
<presence xmlns="urn:ietf:params:xml:ns:pidf" xmlns:gp="urn:ietf:params:xml:ns:pidf:geopriv10"
    xmlns:gml="http://www.opengis.net/gml" xmlns:gs="http://www.opengis.net/pidflo/1.0"
    xmlns:ca="urn:ietf:params:xml:ns:pidf:geopriv10:civicAddr" entity="pres:device@operator.example">
  <tuple id="a"><status><gp:geopriv><gp:location-info>{within}</gp:location-info>
    <gp:usage-rules/><gp:method>Cell</gp:method></gp:geopriv></status>
    <timestamp>2026-11-23T08:00:00Z</timestamp></tuple>
</presence>"#
    )
}

fn good(within: &str) -> ReadLocation {
    let (found, wrong) = read(&presence(within));
    assert_eq!(wrong, None);
    found.unwrap()
}

fn position(within: &str) -> (f64, f64, Option<f64>) {
    let found = good(within);
    (found.latitude.unwrap(), found.longitude.unwrap(), found.uncertainty_m)
}

#[test]
fn a_point_and_a_circle_are_read() {
    let point = r#"<gml:Point srsName="urn:ogc:def:crs:EPSG::4326"><gml:pos>59.33 18.06</gml:pos></gml:Point>"#;
    assert_eq!(position(point), (59.33, 18.06, None));
    let circle = r#"<gs:Circle srsName="urn:ogc:def:crs:EPSG::4326"><gml:pos> 59.33
        18.06 </gml:pos><gs:radius uom="urn:ogc:def:uom:EPSG::9001"> 850.5 </gs:radius></gs:Circle>"#;
    assert_eq!(position(circle), (59.33, 18.06, Some(850.5)));
    let sphere = r#"<gs:Sphere srsName="urn:ogc:def:crs:EPSG::4979"><gml:pos>-34.4 150.8 10.5</gml:pos>
        <gs:radius uom="urn:ogc:def:uom:EPSG::9001">50</gs:radius></gs:Sphere>"#;
    assert_eq!(position(sphere), (-34.4, 150.8, Some(50.0)));
    let cell = r#"<gs:ArcBand srsName="urn:ogc:def:crs:EPSG::4326"><gml:pos>59.33 18.06</gml:pos>
        <gs:innerRadius uom="urn:ogc:def:uom:EPSG::9001">500</gs:innerRadius>
        <gs:outerRadius uom="urn:ogc:def:uom:EPSG::9001">1200</gs:outerRadius></gs:ArcBand>"#;
    assert_eq!(position(cell), (59.33, 18.06, Some(1200.0)));
}

#[test]
fn a_polygon_is_its_middle_with_the_farthest_corner() {
    let corners = "<gml:pos>59.2 17.8</gml:pos><gml:pos>59.2 18.2</gml:pos><gml:pos>59.4 18.2</gml:pos>\
                   <gml:pos>59.4 17.8</gml:pos><gml:pos>59.2 17.8</gml:pos>";
    let list = "<gml:posList>59.2 17.8 59.2 18.2 59.4 18.2 59.4 17.8 59.2 17.8</gml:posList>";
    for ring in [corners, list] {
        let (latitude, longitude, uncertainty) = position(&format!(
            "<gml:Polygon><gml:exterior><gml:LinearRing>{ring}</gml:LinearRing></gml:exterior></gml:Polygon>"
        ));
        assert!((latitude - 59.3).abs() < 1e-9 && (longitude - 18.0).abs() < 1e-9);
        assert!((15_800.0..15_900.0).contains(&uncertainty.unwrap()), "{uncertainty:?}");
    }
}

#[test]
fn a_list_of_positions_with_heights_is_read_as_such() {
    // A prism as RFC 5491 has it (5.2.8). Of so many corners the numbers could be pairs as well, of another place.
    let prism = "<gs:Prism srsName='urn:ogc:def:crs:EPSG::4979'><gs:base><gml:Polygon><gml:exterior><gml:LinearRing>
        <gml:posList>42.556844 -73.248157 36.6 <!--A-->42.656844 -73.248157 36.6 42.656844 -73.348157 36.6
        42.606844 -73.398157 36.6 42.556844 -73.348157 36.6 42.556844 -73.248157 36.6</gml:posList>
        </gml:LinearRing></gml:exterior></gml:Polygon></gs:base>
        <gs:height uom='urn:ogc:def:uom:EPSG::9001'>2.4</gs:height></gs:Prism>";
    let (latitude, longitude, uncertainty) = position(prism);
    assert!((latitude - 42.6).abs() < 0.01 && (longitude + 73.3).abs() < 0.02, "{latitude} {longitude}");
    assert!(uncertainty.unwrap() < 10_000.0, "{uncertainty:?}");
}

#[test]
fn e10_what_can_be_read_beside_a_fault_counts_and_the_fault_is_told() {
    const CIVIC: &str = "<ca:civicAddress><ca:A3>Solna</ca:A3></ca:civicAddress>";
    let elsewhere =
        "<gs:Prism srsName='urn:ogc:def:crs:EPSG::3006'><gs:base><gml:Polygon><gml:posList>59 18 60 19</gml:posList>
        </gml:Polygon></gs:base></gs:Prism>";
    for (position, why) in
        [("<gml:Point><gml:pos>59,33 18,06</gml:pos></gml:Point>", "two or three"), (elsewhere, "WGS 84")]
    {
        for within in [format!("{position}{CIVIC}"), format!("{CIVIC}{position}")] {
            let (found, wrong) = read(&presence(&within));
            let found = found.unwrap();
            assert_eq!((found.latitude, &*found.names), (None, &[Arc::from("Solna")][..]), "{within}");
            assert!(wrong.unwrap().contains(why), "{within}");
        }
    }
    let whole = presence(&format!("<gml:Point><gml:pos>59.33 18.06</gml:pos></gml:Point>{CIVIC}"));
    let cut = whole.get(..whole.find("<ca:civic").unwrap()).unwrap();
    let (found, wrong) = read(cut);
    assert_eq!(found.and_then(|found| found.latitude), Some(59.33));
    assert!(wrong.unwrap().contains("breaks off"));
}

#[test]
fn a_civic_address_gives_its_names_from_the_smallest_on() {
    let found = good(
        "<ca:civicAddress xml:lang='sv'><ca:country>se</ca:country><ca:A1>Stockholms l&#xe4;n</ca:A1>
         <ca:A3>Solna &amp; Sundbyberg</ca:A3><ca:RD><![CDATA[Exempelgatan]]></ca:RD><ca:HNO>1</ca:HNO><ca:A4/></ca:civicAddress>",
    );
    assert_eq!(found.country, "SE".parse().ok());
    let names: Vec<&str> = found.names.iter().map(|name| &**name).collect();
    assert_eq!(names, ["Solna & Sundbyberg", "Stockholms län"]);
    assert_eq!(found.latitude, None);
}

#[test]
fn of_two_locations_the_first_counts_and_a_civic_address_stands_beside_a_position() {
    let both = "<gml:Point><gml:pos>59.33 18.06</gml:pos></gml:Point><gml:Point><gml:pos>1 2</gml:pos></gml:Point>
        <ca:civicAddress><ca:A3>Solna</ca:A3></ca:civicAddress><ca:civicAddress><ca:A3>Malmö</ca:A3></ca:civicAddress>";
    let found = good(both);
    assert_eq!((found.latitude, found.longitude), (Some(59.33), Some(18.06)));
    assert_eq!(found.names, [Arc::from("Solna")]);
}

#[test]
fn e10_what_gives_no_place_is_told_and_costs_neither_time_nor_memory() {
    let deep = format!("{}{}", "<a>".repeat(1_000), "</a>".repeat(1_000));
    let many = format!("<a>{}</a>", "<b/>".repeat(3_000));
    let bomb = r#"<!DOCTYPE p [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]><p>&b;</p>"#;
    let entity = presence("<ca:civicAddress><ca:A3>&file;</ca:A3></ca:civicAddress>");
    let elsewhere =
        presence("<gml:Point srsName='urn:ogc:def:crs:EPSG::3006'><gml:pos>6580822 674032</gml:pos></gml:Point>");
    let off_earth = presence("<gml:Point><gml:pos>91 18</gml:pos></gml:Point>");
    let one_number = presence("<gml:Point><gml:pos>59.33</gml:pos></gml:Point>");
    let no_number = presence("<gml:Point><gml:pos>59,33 18,06</gml:pos></gml:Point>");
    let cases = [
        (presence(""), "neither a position"),
        (String::new(), "neither a position"),
        ("no xml".to_owned(), "neither a position"),
        ("<a><b></a>".to_owned(), "is not XML"),
        ("<a>".to_owned(), "breaks off"),
        ("<a".to_owned(), "is not XML"),
        (deep, "nested deeper"),
        (many, "more than 1024 elements"),
        (bomb.to_owned(), "document type"),
        (entity, "an entity"),
        (elsewhere, "not in WGS 84"),
        (off_earth, "not on the Earth"),
        (one_number, "not two or three numbers"),
        (no_number, "not two or three numbers"),
        ("x".repeat(PIDF_LO_BYTES_MAX + 1), "the limit is"),
    ];
    for (text, why) in cases {
        let (found, wrong) = read(&text);
        let refused = wrong.unwrap();
        assert_eq!(found, None, "{refused}");
        assert!(refused.contains(why), "{refused}: {}", text.get(..80).unwrap_or(&text));
    }
}

proptest! {
    #[test]
    fn e10_no_document_makes_the_reader_panic(
        cuts in proptest::collection::vec((any::<prop::sample::Index>(), 0_usize..20, "[ -~]{0,8}"), 0..6),
    ) {
        let mut text = presence("<gs:Circle srsName='urn:ogc:def:crs:EPSG::4326'><gml:pos>59.33 18.06</gml:pos>\
            <gs:radius>85</gs:radius></gs:Circle><ca:civicAddress><ca:country>SE</ca:country><ca:A3>Solna</ca:A3></ca:civicAddress>");
        for (at, gone, put) in cuts {
            let from = at.index(text.len());
            let to = from.saturating_add(gone).min(text.len());
            if text.is_char_boundary(from) && text.is_char_boundary(to) {
                text.replace_range(from..to, &put);
            }
        }
        let (found, wrong) = read(&text);
        prop_assert!(found.is_some() || wrong.is_some());
        if let Some(found) = found {
            prop_assert!(found.latitude.is_some() || !found.names.is_empty());
            prop_assert!(found.latitude.is_none_or(|north| (-90.0..=90.0).contains(&north)));
        }
    }
}
