//! Whether a position lies in an area that is drawn by its corners.

/// A position: degrees north and east, WGS 84.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Position {
    /// Degrees north, from -90 to 90.
    pub latitude: f64,
    /// Degrees east, from -180 to 180.
    pub longitude: f64,
}

/// An area with corners, and the smallest rectangle around it, which most positions are outside of.
///
/// Sides are straight in latitude and longitude. Between corners some kilometres apart that is off from the shortest
/// way on the globe by less than a metre. None crosses the 180th meridian or goes round a pole: the plan's check sees to it.
#[derive(Clone, Debug, PartialEq)]
pub struct Polygon {
    corners: Box<[Position]>,
    south_west: Position,
    north_east: Position,
}

impl Polygon {
    /// The area with these corners, in the order in which one walks round it; nothing of fewer than three.
    #[must_use]
    pub fn new(corners: Box<[Position]>) -> Option<Self> {
        let first = *corners.first().filter(|_| corners.len() >= 3)?;
        let (mut south_west, mut north_east) = (first, first);
        for corner in &corners {
            south_west.latitude = south_west.latitude.min(corner.latitude);
            south_west.longitude = south_west.longitude.min(corner.longitude);
            north_east.latitude = north_east.latitude.max(corner.latitude);
            north_east.longitude = north_east.longitude.max(corner.longitude);
        }
        Some(Self { corners, south_west, north_east })
    }

    /// How many degrees of longitude it spans.
    #[must_use]
    pub const fn width_degrees(&self) -> f64 {
        self.north_east.longitude - self.south_west.longitude
    }

    /// Twice what it encloses, in square degrees: nothing if its corners lie on one line.
    #[must_use]
    pub fn doubled_area(&self) -> f64 {
        let sides = self.sides();
        sides.map(|(a, b)| a.longitude * b.latitude - b.longitude * a.latitude).sum::<f64>().abs()
    }

    /// Whether a position is inside, by the even-odd rule. Two areas that share a side do not both have a position on
    /// it, and none falls between them.
    #[must_use]
    pub fn has(&self, at: Position) -> bool {
        self.is_near(at) && self.sides().filter(|(a, b)| is_west_of(at, *a, *b)).count() % 2 == 1
    }

    /// Whether a position is in the rectangle, which spares those that are not the walk along the sides.
    fn is_near(&self, at: Position) -> bool {
        let (low, high) = (self.south_west, self.north_east);
        (low.latitude..=high.latitude).contains(&at.latitude)
            && (low.longitude..=high.longitude).contains(&at.longitude)
    }

    /// The sides, each from a corner to the next.
    fn sides(&self) -> impl Iterator<Item = (Position, Position)> {
        let next = self.corners.iter().cycle().skip(1);
        self.corners.iter().copied().zip(next.copied())
    }
}

/// Whether the line that goes east from a position crosses a side. Of its two ends a side has the southern one only,
/// so that a corner is counted once.
fn is_west_of(at: Position, a: Position, b: Position) -> bool {
    let (a_is_north, b_is_north) = (a.latitude > at.latitude, b.latitude > at.latitude);
    if a_is_north == b_is_north {
        return false;
    }
    // Always worked out from south to north, so that both areas of a shared side find the same.
    let (south, north) = if b_is_north { (a, b) } else { (b, a) };
    let share = (at.latitude - south.latitude) / (north.latitude - south.latitude);
    at.longitude < south.longitude + share * (north.longitude - south.longitude)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(latitude: f64, longitude: f64) -> Position {
        Position { latitude, longitude }
    }

    fn polygon(corners: &[(f64, f64)]) -> Polygon {
        Polygon::new(corners.iter().map(|(latitude, longitude)| at(*latitude, *longitude)).collect()).unwrap()
    }

    #[test]
    fn a_position_is_in_an_area_with_a_bay_or_outside_of_it() {
        // A horseshoe that opens to the north.
        let area = polygon(&[
            (59.0, 18.0),
            (59.0, 18.3),
            (59.3, 18.3),
            (59.3, 18.2),
            (59.1, 18.2),
            (59.1, 18.1),
            (59.3, 18.1),
            (59.3, 18.0),
        ]);
        for inside in [at(59.05, 18.15), at(59.2, 18.05), at(59.2, 18.25)] {
            assert!(area.has(inside), "{inside:?}");
        }
        for outside in [at(59.2, 18.15), at(58.99, 18.1), at(59.2, 17.9), at(59.2, 18.31), at(59.31, 18.05)] {
            assert!(!area.has(outside), "{outside:?}");
        }
    }

    #[test]
    fn fewer_than_three_corners_enclose_nothing() {
        assert_eq!(Polygon::new(Box::new([at(0.0, 0.0), at(1.0, 1.0)])), None);
        assert!(polygon(&[(0.0, 0.0), (1.0, 1.0), (2.0, 2.0)]).doubled_area() < f64::EPSILON);
        assert!(!polygon(&[(0.0, 0.0), (1.0, 1.0), (2.0, 2.0)]).has(at(1.0, 1.0)));
    }

    #[test]
    fn a_position_on_a_side_of_two_areas_is_in_the_one_north_or_east_of_it() {
        let area = polygon(&[(59.0, 18.0), (59.0, 18.3), (59.3, 18.3), (59.3, 18.0)]);
        for (position, inside) in
            [(at(59.0, 18.1), true), (at(59.1, 18.0), true), (at(59.3, 18.1), false), (at(59.1, 18.3), false)]
        {
            assert_eq!(area.has(position), inside, "{position:?}");
        }
    }

    #[test]
    fn a_side_that_runs_aslant_is_where_its_corners_put_it() {
        let area = polygon(&[(1.0, 1.0), (1.0, 4.0), (4.0, 1.0)]);
        for (inside, outside) in [(at(2.0, 2.9), at(2.0, 3.1)), (at(3.0, 1.9), at(3.0, 2.1))] {
            assert!(area.has(inside) && !area.has(outside), "{inside:?} {outside:?}");
        }
    }

    #[test]
    fn what_an_area_spans_and_encloses_is_the_same_whichever_way_one_walks_round_it() {
        let mut corners = [(1.0, 1.0), (1.0, 4.0), (3.0, 4.0), (3.0, 1.0)];
        for _ in 0..2 {
            let area = polygon(&corners);
            assert!((area.width_degrees() - 3.0).abs() < f64::EPSILON);
            assert!((area.doubled_area() - 12.0).abs() < f64::EPSILON);
            corners.reverse();
        }
    }

    #[test]
    fn what_is_no_number_is_nowhere() {
        let area = polygon(&[(-10.0, -10.0), (-10.0, 10.0), (10.0, 10.0), (10.0, -10.0)]);
        assert!(area.has(at(0.0, 0.0)));
        for nowhere in [at(f64::NAN, 0.0), at(0.0, f64::NAN), at(f64::INFINITY, 0.0)] {
            assert!(!area.has(nowhere));
        }
    }

    proptest! {
        #[test]
        fn two_areas_that_share_a_crooked_side_have_each_position_between_them_once(
            bends in prop::collection::vec(-0.4_f64..0.4, 1..8),
            latitude in 0.0_f64..1.0, longitude in -1.0_f64..1.0, on_side in any::<prop::sample::Index>(),
        ) {
            let step = 1.0 / (bends.len() as f64 + 1.0);
            let side: Vec<(f64, f64)> = bends.iter().zip(1_u8..).map(|(bend, at)| (step * f64::from(at), *bend)).collect();
            let west: Vec<_> = [(1.0, -1.0), (0.0, -1.0), (0.0, 0.0)].into_iter().chain(side.clone()).chain([(1.0, 0.0)]).collect();
            let east: Vec<_> =
                [(0.0, 0.0), (0.0, 1.0), (1.0, 1.0), (1.0, 0.0)].into_iter().chain(side.iter().rev().copied()).collect();
            let (west, east) = (polygon(&west), polygon(&east));
            let corner = side[on_side.index(side.len())];
            for position in [at(latitude, longitude), at(corner.0, corner.1)] {
                prop_assert!(west.has(position) != east.has(position), "{position:?}");
            }
        }
    }
}
