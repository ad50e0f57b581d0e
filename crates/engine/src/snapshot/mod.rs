//! The world that calls are decided on, swapped whole: a call keeps the one it began with.

use std::sync::Arc;

use arc_swap::ArcSwap;
use telness_core::world::World;

/// The current world. Reading takes no lock; the one before is freed by whoever lets go of it last, which is
/// the publishing thread, since it waits for the calls that still read it.
#[derive(Debug)]
pub struct Snapshot(ArcSwap<World>);

impl Snapshot {
    /// Begins with a world.
    #[must_use]
    pub fn new(world: World) -> Self {
        Self(ArcSwap::from_pointee(world))
    }

    /// The world now.
    #[must_use]
    pub fn current(&self) -> Arc<World> {
        self.0.load_full()
    }

    /// Puts another in its place and gives back the one before, for the caller to drop off the request threads.
    pub fn publish(&self, world: World) -> Arc<World> {
        self.0.swap(Arc::new(world))
    }
}
