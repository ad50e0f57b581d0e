//! Where decoder and compiler put what they find, so that everything wrong is told at once.

use std::collections::HashSet;

use super::fault::{FAULTS_SHOWN_MAX, Fault, FaultCode, Mark, PlanFaults};
use super::nearest::nearest;
use super::path::Path;
use super::read::Node;

/// The faults found so far in one document.
pub(crate) struct Faults<'d> {
    root: &'d Node,
    found: Vec<Fault>,
    warnings: Vec<Fault>,
    not_shown: usize,
    /// Names of things that could not be read whole. They are declared, so references to them are no faults.
    broken: HashSet<String>,
}

impl<'d> Faults<'d> {
    pub(crate) fn new(root: &'d Node) -> Self {
        Self { root, found: Vec::new(), warnings: Vec::new(), not_shown: 0, broken: HashSet::new() }
    }

    /// Tells of a fault at what the path leads to.
    pub(crate) fn tell(&mut self, code: FaultCode, path: &Path<'_>, message: String, help: impl Into<String>) {
        if self.is_one_too_many() {
            return;
        }
        self.tell_at(self.root.mark_of(path), code, path, message, help);
    }

    /// Tells of what a plan is not refused for.
    pub(crate) fn warn(&mut self, code: FaultCode, path: &Path<'_>, message: String, help: impl Into<String>) {
        if self.warnings.len() < FAULTS_SHOWN_MAX {
            let mark = self.root.mark_of(path);
            self.warnings.push(Fault::new(code, path.pointer(), mark, message, help.into()));
        }
    }

    /// What the plan is not refused for, in the order of the document.
    pub(crate) fn into_warnings(mut self) -> Box<[Fault]> {
        self.warnings.sort_by_key(|fault| (fault.line, fault.column));
        self.warnings.into()
    }

    /// Whether a fault that was found is counted and no more. Where it stands and what was meant is then not asked
    /// for: both are searches through the document, and a document may be wrong in as many places as it has.
    fn is_one_too_many(&mut self) -> bool {
        let full = self.found.len() >= FAULTS_SHOWN_MAX;
        self.not_shown = self.not_shown.saturating_add(usize::from(full));
        full
    }

    /// Tells of a fault at a place of its own, such as a field's name.
    pub(crate) fn tell_at(
        &mut self,
        mark: Mark,
        code: FaultCode,
        path: &Path<'_>,
        message: String,
        help: impl Into<String>,
    ) {
        if self.is_one_too_many() {
            return;
        }
        self.found.push(Fault::new(code, path.pointer(), mark, message, help.into()));
    }

    /// Tells of a name that is declared nowhere, with the one that was perhaps meant.
    pub(crate) fn unknown_name<'n>(
        &mut self,
        path: &Path<'_>,
        what: &str,
        name: &str,
        known: impl IntoIterator<Item = &'n str>,
    ) {
        if self.broken.contains(name) || self.is_one_too_many() {
            return;
        }
        let help = match nearest(name, known) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("declare the {what} in the plan, or name one that is"),
        };
        self.tell(FaultCode::UnknownName, path, format!("there is no {what} `{name}`"), help);
    }

    /// Remembers the name of something that could not be read whole.
    pub(crate) fn broken(&mut self, node: &Node) {
        if let Some(super::read::Value::Scalar(name, _)) = node.field("name").map(|name| &name.value) {
            self.broken.insert(name.clone());
        }
    }

    /// Whether nothing is wrong so far.
    pub(crate) fn is_empty(&self) -> bool {
        self.found.is_empty()
    }

    /// Whether nothing is wrong so far within these sections of the document.
    pub(crate) fn none_in(&self, sections: &[&str]) -> bool {
        let within = |fault: &Fault| sections.iter().any(|section| fault.path.split('/').nth(1) == Some(*section));
        self.not_shown == 0 && !self.found.iter().any(within)
    }

    /// All that was found, in the order of the document.
    pub(crate) fn into_plan_faults(mut self) -> PlanFaults {
        self.found.sort_by_key(|fault| (fault.line, fault.column));
        PlanFaults { faults: self.found, not_shown: self.not_shown }
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;
    use crate::plan::read::Value;

    #[test]
    fn s3_names_are_compared_for_the_faults_that_are_shown_alone() {
        let root = Node { mark: Mark::default(), value: Value::Nothing };
        let mut faults = Faults::new(&root);
        let compared = Cell::new(0);
        let told = FAULTS_SHOWN_MAX.saturating_mul(4);
        for _ in 0..told {
            let known = ["north", "south"].into_iter().inspect(|_| compared.set(compared.get() + 1_usize));
            faults.unknown_name(&Path::ROOT.field("trunk"), "trunk", "nrth", known);
        }
        assert_eq!(compared.get(), FAULTS_SHOWN_MAX * 2);
        let told_of = faults.into_plan_faults();
        assert_eq!((told_of.faults.len(), told_of.not_shown), (FAULTS_SHOWN_MAX, told - FAULTS_SHOWN_MAX));
    }
}
