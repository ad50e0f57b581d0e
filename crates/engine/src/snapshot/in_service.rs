//! The world that calls are decided on, swapped whole: a call keeps the one it began with.

use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use telness_core::world::World;

/// How often a retired world is looked at until no call reads it.
const RETIRE_EVERY: Duration = Duration::from_millis(50);

/// The current world. Reading it takes no lock.
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

    /// Puts another in its place. Millions of prefixes take long to free, so that is done on a thread of its own,
    /// when the last call that reads them has let go, and never on a call's.
    ///
    /// # Errors
    /// When the system gives no thread; the new world is in service all the same.
    pub fn publish(&self, world: World) -> std::io::Result<()> {
        let retired = self.0.swap(Arc::new(world));
        crate::supervise::thread("retire-world", move || {
            while Arc::strong_count(&retired) > 1 {
                std::thread::park_timeout(RETIRE_EVERY);
            }
            drop(retired);
        })
        .map(drop)
    }
}
