//! Names that thousands of rows share, each kept once and known by its place.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::Arc;

/// Names by their place in the order in which they were first seen. A clone shares them until either learns a new one.
#[derive(Clone, Debug)]
pub(super) struct Interned<T>(Arc<Names<T>>);

#[derive(Clone, Debug)]
struct Names<T> {
    list: Vec<T>,
    places: HashMap<T, u32>,
}

impl<T> Default for Interned<T> {
    fn default() -> Self {
        Self(Arc::new(Names { list: Vec::new(), places: HashMap::new() }))
    }
}

impl<T: Clone + Eq + Hash> Interned<T> {
    /// The place of a name, which gets one if it has none. The system has no memory for 2^32 names.
    pub(super) fn intern(&mut self, name: &T) -> u32 {
        if let Some(at) = self.place(name) {
            return at;
        }
        let names = Arc::make_mut(&mut self.0);
        let at = u32::try_from(names.list.len()).unwrap_or(u32::MAX);
        names.list.push(name.clone());
        names.places.insert(name.clone(), at);
        at
    }

    pub(super) fn place(&self, name: &T) -> Option<u32> {
        self.0.places.get(name).copied()
    }

    pub(super) fn get(&self, at: u32) -> Option<&T> {
        self.0.list.get(usize::try_from(at).ok()?)
    }

    pub(super) fn iter(&self) -> impl ExactSizeIterator<Item = &T> {
        self.0.list.iter()
    }
}
