//! What was dialled, after the inward translations of the carrier that handed it in: classed, then read.

use std::borrow::Cow;
use std::sync::Arc;

use telness_core::call::{CallType, Draft, FieldFault};
use telness_core::class::{Class, Classified, Place, classify};
use telness_core::emergency::{self, Spelled};
use telness_core::number::Number;
use telness_core::plan::{Plan, Translation};
use telness_core::reason::Reason;
use telness_core::standing::{ReadNumbers, Standing};
use telness_numbers::{DialledIn, NumberFault};

/// What switches write for a caller that is withheld or not known.
const NOBODY: [&str; 6] = ["anonymous", "restricted", "unavailable", "unknown", "withheld", "private"];

/// The called and calling numbers as they are to be read; what was sent stays in the draft.
#[derive(Debug)]
pub(crate) struct Dialled {
    sent_to: Arc<str>,
    to: Arc<str>,
    from: Option<Arc<str>>,
}

impl Dialled {
    /// What a draft dials, and its class. Of a destination that was sent more than once the first counts, unless
    /// another is an emergency call: the draft is then of that (E8).
    pub(crate) fn of(draft: &mut Draft, standing: &Standing, plan: &Plan) -> (Self, Classified) {
        // Taken out whatever comes of them, so that what is ignored makes no other request of it.
        let again = std::mem::take(&mut draft.to_again);
        let first = Self::classed(draft, standing, plan);
        if first.1.class == Class::Emergency {
            return first;
        }
        let sent = Arc::clone(&draft.to);
        for to in again {
            draft.to = to;
            let other = Self::classed(draft, standing, plan);
            if other.1.class == Class::Emergency {
                return other;
            }
        }
        draft.to = sent;
        first
    }

    fn classed(draft: &Draft, standing: &Standing, plan: &Plan) -> (Self, Classified) {
        let dialled = Self::new(draft, standing, plan);
        let mut classified = dialled.classify(&standing.place, plan);
        if standing.background && classified.class == Class::Normal {
            classified.class = Class::Background;
        }
        (dialled, classified)
    }

    fn new(draft: &Draft, standing: &Standing, plan: &Plan) -> Self {
        let inward = standing.trunk.and_then(|at| plan.trunk(at)).map(|trunk| &trunk.translations);
        let called = inward.map_or(&[][..], |all| &all.in_called);
        let caller = inward.map_or(&[][..], |all| &all.in_caller);
        Self {
            sent_to: Arc::clone(&draft.to),
            to: translated(&draft.to, called),
            from: draft.from.as_ref().filter(|from| !is_nobody(from)).map(|from| translated(from, caller)),
        }
    }

    /// The class: by the raw digits first, so that no translation hides an emergency number, then by what the
    /// translations made of them (E4). A class that the raw digits gave never drops (E5).
    fn classify(&self, place: &Place, plan: &Plan) -> Classified {
        let class_of = |dialled| classify(telness_numbers::recognise(dialled, place), dialled, place, plan);
        let raw = class_of(&self.sent_to);
        if self.to == self.sent_to {
            return raw;
        }
        // The most important class is the least, and of the same class it is what was dialled.
        [raw, class_of(&self.to)].into_iter().min_by_key(|found| found.class).unwrap_or(raw)
    }

    /// Reads both numbers where they were dialled.
    pub(crate) fn read(&self, draft: &Draft, standing: &Standing) -> ReadNumbers {
        let within = DialledIn { place: &standing.place, extension_digits: standing.extension_digits };
        let to = telness_numbers::read(&self.to, within).map_err(|fault| field_fault("to", fault));
        let from = self.from.as_ref().map(|from| self.read_caller(from, within));
        // An application's caller is its own to put right; a switch passes on what it was given.
        let tolerant = draft.kind.unwrap_or(standing.kind) != CallType::Api;
        match from {
            Some(Err(fault)) if tolerant => ReadNumbers { to, from: None, notes: vec![fault] },
            from => ReadNumbers { to, from, notes: Vec::new() },
        }
    }

    /// A caller is a subscriber: an outside line is dialled to a number, never before one's own.
    #[allow(clippy::unused_self, reason = "it reads as one of the pair")]
    fn read_caller(&self, from: &str, within: DialledIn<'_>) -> Result<Number, FieldFault> {
        let place = Place::region(within.place.region);
        let within = DialledIn { place: &place, extension_digits: within.extension_digits };
        telness_numbers::read(from, within).map_err(|fault| field_fault("from", fault))
    }
}

/// What the first translation that matches makes of a number; as it was sent if none does.
///
/// A translation is of the number and not of how a switch wraps it, so it is tried on the plus and digits alone. What
/// has other signs in it, such as `88+46…` and `1234#46…`, is taken as the user part has it.
fn translated(sent: &Arc<str>, list: &[Translation]) -> Arc<str> {
    if list.is_empty() {
        return Arc::clone(sent);
    }
    let translated = match emergency::spell(sent) {
        Ok(Spelled::Number(number)) => changed(list, number.as_str()),
        Ok(Spelled::Service { .. }) => None,
        Err(_) => changed(list, &emergency::user_part(sent)),
    };
    translated.unwrap_or_else(|| Arc::clone(sent))
}

fn changed(list: &[Translation], number: &str) -> Option<Arc<str>> {
    match Translation::first_of(list, number) {
        Cow::Borrowed(_) => None,
        Cow::Owned(changed) => Some(Arc::from(changed)),
    }
}

/// Whether a calling number says that there is none to be shown.
fn is_nobody(from: &str) -> bool {
    let user = emergency::user_part(from);
    NOBODY.iter().any(|word| word.eq_ignore_ascii_case(&user))
}

fn field_fault(field: &str, fault: NumberFault) -> FieldFault {
    FieldFault { field: Arc::from(field), reason: Reason::NumberInvalid, detail: Arc::from(fault.to_string()) }
}
