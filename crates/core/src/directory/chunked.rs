//! A list in blocks that versions share: a change copies the blocks that it touches, and no others.

use std::sync::Arc;

/// Items in a block: a power of two, so that an item is found by a shift and a mask.
const BLOCK: usize = 1 << BLOCK_LOG;
const BLOCK_LOG: u32 = 10;

/// A list of small values. A clone shares all blocks.
#[derive(Clone, Debug, Default)]
pub(super) struct Chunked<T> {
    blocks: Vec<Arc<[T]>>,
    len: usize,
}

impl<T: Copy + Default> Chunked<T> {
    /// So many values, each the default one.
    pub(super) fn filled(len: usize) -> Self {
        let blocks = (0..len.div_ceil(BLOCK)).map(|_| Self::block()).collect();
        Self { blocks, len }
    }

    fn block() -> Arc<[T]> {
        std::iter::repeat_n(T::default(), BLOCK).collect()
    }

    pub(super) const fn len(&self) -> usize {
        self.len
    }

    #[inline]
    pub(super) fn get(&self, at: usize) -> Option<T> {
        self.blocks.get(at >> BLOCK_LOG)?.get(at & (BLOCK.wrapping_sub(1))).copied()
    }

    /// Changes one value; nothing happens beyond the end.
    pub(super) fn set(&mut self, at: usize, value: T) {
        let Some(block) = self.blocks.get_mut(at >> BLOCK_LOG) else { return };
        if let Some(item) = Arc::make_mut(block).get_mut(at & (BLOCK.wrapping_sub(1))) {
            *item = value;
        }
    }

    /// Adds a value at the end, and says where it stands.
    pub(super) fn push(&mut self, value: T) -> usize {
        let at = self.len;
        if at >> BLOCK_LOG >= self.blocks.len() {
            self.blocks.push(Self::block());
        }
        self.len = at.saturating_add(1);
        self.set(at, value);
        at
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = T> + '_ {
        self.blocks.iter().flat_map(|block| block.iter().copied()).take(self.len)
    }

    /// How many bytes it takes, blocks that others share included.
    pub(super) fn heap_bytes(&self) -> usize {
        let blocks = self.blocks.len().saturating_mul(BLOCK.saturating_mul(size_of::<T>()).saturating_add(16));
        blocks.saturating_add(self.blocks.capacity().saturating_mul(size_of::<Arc<[T]>>()))
    }
}

#[cfg(test)]
mod tests {
    use super::Chunked;

    #[test]
    fn a_change_of_a_clone_is_not_seen_by_the_first() {
        let mut first = Chunked::default();
        for n in 0..5000_u32 {
            assert_eq!(first.push(n), n as usize);
        }
        let mut second = first.clone();
        second.set(4999, 7);
        second.push(8);
        assert_eq!((first.get(4999), second.get(4999)), (Some(4999), Some(7)));
        assert_eq!((first.len(), second.len()), (5000, 5001));
        assert!(first.iter().eq(0..5000));
        assert!((0..4).all(|at| std::sync::Arc::ptr_eq(&first.blocks[at], &second.blocks[at])));
        assert_eq!(Chunked::<u32>::filled(3).iter().collect::<Vec<_>>(), [0, 0, 0]);
    }
}
