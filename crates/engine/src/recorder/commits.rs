//! Who waits for the store's commit: each is woken once, when its own record is there or the store fails, and nobody
//! for another's.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use telness_store::Position;
use tokio::sync::oneshot;

/// Those who wait, by what they wait for.
#[derive(Debug, Default)]
pub(super) struct Commits(Mutex<Waiting>);

#[derive(Debug, Default)]
struct Waiting {
    /// How far the store has come.
    stored: Position,
    /// Whether it takes nothing now, so that nobody is to wait.
    failing: bool,
    /// Whoever went away meanwhile stands here until the store has come so far, or fails.
    by_position: BTreeMap<Position, Vec<oneshot::Sender<bool>>>,
}

impl Commits {
    /// Whoever waits is told as soon as the store has what stands up to `position`: true. False when it fails instead.
    pub(super) fn await_at(&self, position: Position, tell: Vec<oneshot::Sender<bool>>) {
        let (there, tell) = {
            let mut waiting = self.lock();
            let there = waiting.stored >= position;
            if !there && !waiting.failing {
                waiting.by_position.entry(position).or_default().extend(tell);
                return;
            }
            (there, tell)
        };
        for tell in tell {
            // Whoever went away needs no answer.
            let _ = tell.send(there);
        }
    }

    /// The store has come so far, and takes records or fails. What was told last holds until more is told.
    pub(super) fn tell(&self, stored: Position, failing: bool) {
        let (reached, given_up) = {
            let mut waiting = self.lock();
            (waiting.stored, waiting.failing) = (stored, failing);
            let later = waiting.by_position.split_off(&Position(stored.0.saturating_add(1)));
            let reached = std::mem::replace(&mut waiting.by_position, later);
            let given_up = if failing { std::mem::take(&mut waiting.by_position) } else { BTreeMap::new() };
            (reached, given_up)
        };
        for (waiting, there) in [(reached, true), (given_up, false)] {
            for tell in waiting.into_values().flatten() {
                // Whoever went away needs no answer.
                let _ = tell.send(there);
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use tokio::sync::oneshot::Receiver;

    use super::*;

    fn awaits(commits: &Commits, at: u64) -> Receiver<bool> {
        let (tell, told) = oneshot::channel();
        commits.await_at(Position(at), vec![tell]);
        told
    }

    fn told(waits: &mut Receiver<bool>) -> Option<bool> {
        waits.try_recv().ok()
    }

    #[test]
    fn each_is_told_of_its_own_record_and_all_of_a_failure() {
        let commits = Commits::default();
        let [mut one, mut two, mut four] = [1, 2, 4].map(|at| awaits(&commits, at));
        assert_eq!([&mut one, &mut two, &mut four].map(told), [None; 3]);
        commits.tell(Position(1), false);
        assert_eq!(told(&mut one), Some(true));
        assert_eq!([&mut two, &mut four].map(told), [None; 2]);
        assert_eq!(told(&mut awaits(&commits, 1)), Some(true), "what is there already is not waited for");
        commits.tell(Position(3), true);
        assert_eq!([&mut two, &mut four].map(told), [Some(true), Some(false)]);
        assert_eq!(told(&mut awaits(&commits, 4)), Some(false), "nobody waits for a store that fails");
        // It was set back, and goes on.
        commits.tell(Position(1), false);
        let mut again = awaits(&commits, 2);
        assert_eq!(told(&mut again), None);
        commits.tell(Position(2), false);
        assert_eq!(told(&mut again), Some(true));
        assert!(commits.lock().by_position.is_empty());
    }
}
