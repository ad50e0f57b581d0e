//! Where a value stands in the document, as a chain on the stack that costs nothing until it is told.

/// A step from a value to one inside it.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Step<'a> {
    Field(&'a str),
    Item(usize),
}

/// The way from the document to a value.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Path<'a> {
    to: Option<(&'a Path<'a>, Step<'a>)>,
}

impl<'a> Path<'a> {
    /// The document itself.
    pub(crate) const ROOT: Path<'static> = Path { to: None };

    pub(crate) const fn field(&'a self, name: &'a str) -> Self {
        Self { to: Some((self, Step::Field(name))) }
    }

    pub(crate) const fn item(&'a self, at: usize) -> Self {
        Self { to: Some((self, Step::Item(at))) }
    }

    /// The steps from the document on.
    pub(crate) fn steps(&self) -> Vec<Step<'a>> {
        let mut steps = Vec::new();
        let mut here = self.to;
        while let Some((parent, step)) = here {
            steps.push(step);
            here = parent.to;
        }
        steps.reverse();
        steps
    }

    /// The JSON pointer (RFC 6901).
    pub(crate) fn pointer(&self) -> String {
        let mut out = String::new();
        for step in self.steps() {
            out.push('/');
            match step {
                Step::Field(name) => out.push_str(&name.replace('~', "~0").replace('/', "~1")),
                Step::Item(at) => out.push_str(&at.to_string()),
            }
        }
        out
    }
}
