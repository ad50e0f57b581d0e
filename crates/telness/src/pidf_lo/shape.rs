//! The shapes of a position (RFC 5491, GML): one point of each, and how far off the caller may be.

use telness_core::call::ReadLocation;

/// Metres of a degree of latitude, on the sphere that has the Earth's mean radius.
const METRES_PER_DEGREE: f64 = 111_195.0;

/// The shapes that hold a position. What has none of these names is no shape.
const SHAPES: [&str; 8] = ["Point", "Circle", "Sphere", "Ellipse", "Ellipsoid", "Polygon", "ArcBand", "Prism"];

/// What is read of a shape so far.
#[derive(Default)]
pub(super) struct Shape {
    positions: Vec<(f64, f64)>,
    radius_m: Option<f64>,
    /// Whether its positions have a height each.
    has_heights: bool,
    /// What is wrong with it: then it is no position, whatever else it holds.
    wrong: Option<&'static str>,
}

impl Shape {
    pub(super) fn is_one(name: &str) -> bool {
        SHAPES.contains(&name)
    }

    /// Takes the reference system: a position in another than WGS 84 would be somewhere else.
    pub(super) fn reference(&mut self, system: &str) {
        let is = |code: &str| system.strip_suffix(code).is_some_and(|before| before.ends_with([':', '#']));
        self.has_heights = is("4979");
        if !self.has_heights && !is("4326") {
            self.refuse("has a position that is not in WGS 84 (EPSG 4326 or 4979)");
        }
    }

    fn refuse(&mut self, why: &'static str) {
        self.wrong = self.wrong.or(Some(why));
    }

    /// Takes the text of an element within it.
    pub(super) fn value(&mut self, name: &str, text: &str) {
        let read = match name {
            // Degrees north come first, in this order alone; the height, if there is one, tells no place.
            "pos" => positions(text, text.split_whitespace().count()),
            "posList" => positions(text, if self.has_heights { 3 } else { 2 }),
            "radius" | "semiMajorAxis" | "outerRadius" => {
                let radius = text.parse().ok().filter(|metres: &f64| metres.is_finite() && *metres >= 0.0);
                self.radius_m = radius.or(self.radius_m);
                return;
            }
            _ => return,
        };
        match read {
            Ok(positions) => self.positions.extend(positions),
            Err(why) => self.refuse(why),
        }
    }

    /// The point that stands for it: its own, or the middle of its corners, with the farthest of them as uncertainty.
    pub(super) fn settle(&self, found: &mut ReadLocation) -> Result<bool, &'static str> {
        if let Some(why) = self.wrong {
            return Err(why);
        }
        let corners = match self.positions.as_slice() {
            [first, .., last] if first == last => self.positions.get(1..).unwrap_or_default(),
            corners => corners,
        };
        let count = f64::from(u32::try_from(corners.len()).unwrap_or(u32::MAX));
        if corners.is_empty() {
            return Ok(false);
        }
        let sum = corners.iter().fold((0.0, 0.0), |sum, corner| (sum.0 + corner.0, sum.1 + corner.1));
        let middle = (sum.0 / count, sum.1 / count);
        let farthest = corners.iter().map(|corner| metres(middle, *corner)).fold(0.0, f64::max);
        found.latitude = Some(middle.0);
        found.longitude = Some(middle.1);
        found.uncertainty_m = self.radius_m.or_else(|| (corners.len() > 1).then_some(farthest));
        Ok(true)
    }
}

/// The positions of a text, each of so many numbers, of which the first two count.
fn positions(text: &str, size: usize) -> Result<Vec<(f64, f64)>, &'static str> {
    const REFUSED: &str = "has a position that is not two or three numbers, degrees north first";
    let numbers: Result<Vec<f64>, _> = text.split_whitespace().map(str::parse).collect();
    let numbers = numbers.map_err(|_| REFUSED)?;
    if !(2..=3).contains(&size) || numbers.is_empty() || numbers.len().checked_rem(size) != Some(0) {
        return Err(REFUSED);
    }
    let each = numbers.chunks_exact(size).map(|one| match one {
        [north, east, ..] if (-90.0..=90.0).contains(north) && (-180.0..=180.0).contains(east) => Ok((*north, *east)),
        _ => Err("has a position that is not on the Earth"),
    });
    each.collect()
}

/// How far two positions near each other are apart.
fn metres(from: (f64, f64), to: (f64, f64)) -> f64 {
    let east = (to.1 - from.1) * from.0.to_radians().cos();
    (to.0 - from.0).hypot(east) * METRES_PER_DEGREE
}
