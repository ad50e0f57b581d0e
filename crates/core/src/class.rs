//! The class of a call and the workflow that carries it, found from the digits and the place alone.

use serde::{Deserialize, Serialize};

use crate::emergency::{Emergency, is_ambiguous_outside_line};
use crate::number::{Digits, Region};
use crate::plan::Plan;

/// How much depends on a call, most first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Class {
    /// To an emergency service, as the engine itself recognised.
    Emergency,
    /// To a number that the plan lists as vital: ambulance dispatch, health lines.
    Vital,
    /// Everything else.
    Normal,
    /// Test and campaign traffic that may wait.
    Background,
}

/// The settings under which a call is carried.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Workflow {
    /// Emergency and vital calls.
    High,
    /// Normal and background calls.
    Low,
}

impl Class {
    /// The workflow that carries the class.
    #[must_use]
    pub const fn workflow(self) -> Workflow {
        match self {
            Self::Emergency | Self::Vital => Workflow::High,
            Self::Normal | Self::Background => Workflow::Low,
        }
    }

    /// The word used in answers, records and metrics.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Emergency => "emergency",
            Self::Vital => "vital",
            Self::Normal => "normal",
            Self::Background => "background",
        }
    }
}

impl Workflow {
    /// The word used in answers, records and metrics.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::High => "high",
            Self::Low => "low",
        }
    }
}

/// Where a call was dialled, as the peer tells it: never from the country of a number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The region whose numbering plan the digits are read in.
    pub region: Region,
    /// What is dialled before an outside number at that site.
    pub outside_line_prefix: Option<Digits>,
    /// The outside-line prefixes of the sites that the request may be from, as far as it says; they may raise the
    /// class and nothing else.
    pub claimed_outside_line_prefixes: Vec<Digits>,
    /// Where else the caller may be, as far as anybody knows: what is an emergency number there is one, though nothing
    /// else is read so (E6).
    pub elsewhere: Vec<Region>,
}

impl Place {
    /// A place known by its region alone.
    #[must_use]
    pub const fn region(region: Region) -> Self {
        Self { region, outside_line_prefix: None, claimed_outside_line_prefixes: Vec::new(), elsewhere: Vec::new() }
    }

    /// The same telephone, if it is in another region: with what is dialled before an outside number there, but for prefixes
    /// that make public numbers of that region's emergency numbers (E2).
    #[must_use]
    pub fn if_in(&self, region: Region) -> Self {
        let may_be = |prefix: &Digits| !is_ambiguous_outside_line(region, *prefix);
        let claimed = self.claimed_outside_line_prefixes.iter().copied().filter(may_be);
        Self {
            outside_line_prefix: self.outside_line_prefix.filter(may_be),
            claimed_outside_line_prefixes: claimed.collect(),
            ..Self::region(region)
        }
    }

    /// What may stand before an outside number, the peer's own site first.
    pub(crate) fn outside_line_prefixes(&self) -> impl Iterator<Item = Digits> {
        self.outside_line_prefix.into_iter().chain(self.claimed_outside_line_prefixes.iter().copied())
    }
}

/// How a call from the emergency service is known to be one back to who called it (E15).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Callback {
    /// The called number made an emergency call within the window.
    Known,
    /// Nobody can say that it did not, which counts as if it had.
    Assumed,
}

impl Callback {
    /// The word used in traces and metrics.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Known => "known",
            Self::Assumed => "assumed",
        }
    }
}

/// A call's class, and the emergency service if that is what it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Classified {
    /// The class.
    pub class: Class,
    /// The service asked for, when the class is emergency, or when it is a test of one.
    pub emergency: Option<Emergency>,
    /// That it is the emergency service's call back, and how that is known.
    pub callback: Option<Callback>,
}

impl Classified {
    /// The emergency service's call back to who called it, which is of the same class (E15).
    #[must_use]
    pub const fn called_back(callback: Callback) -> Self {
        Self { class: Class::Emergency, emergency: None, callback: Some(callback) }
    }
}

/// Finds the class of a call from what was dialled, and what was recognised in it, before anything else is known (E1).
#[must_use]
pub fn classify(recognised: Option<Emergency>, dialled: &str, place: &Place, plan: &Plan) -> Classified {
    if let Some(emergency) = recognised {
        let class = if emergency.test { Class::Background } else { Class::Emergency };
        return Classified { class, emergency: Some(emergency), callback: None };
    }
    let class = if plan.is_vital(dialled, place) { Class::Vital } else { Class::Normal };
    Classified { class, emergency: None, callback: None }
}
