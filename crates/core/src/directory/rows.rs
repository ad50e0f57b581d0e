//! Users in rows of a few bytes: names and devices lie one behind the other, in blocks that versions share.

use std::sync::Arc;

use smallvec::SmallVec;

use super::DeviceNumber;
use crate::number::{Digits, E164};

/// Rows in a block.
const BLOCK: usize = 1 << BLOCK_LOG;
const BLOCK_LOG: u32 = 6;

/// The most devices of a user; further ones are not kept.
pub(super) const DEVICES_MAX: usize = 255;

/// A user, as it is given in and given out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Parts<'a> {
    /// The tenant's place.
    pub(super) tenant: u32,
    pub(super) name: &'a str,
    /// Whether there is such a user; a number may name one that is not there.
    pub(super) present: bool,
    pub(super) extension: Option<Digits>,
    pub(super) do_not_disturb: bool,
    /// The language's place.
    pub(super) language: Option<u16>,
    pub(super) devices: SmallVec<[Device; 4]>,
}

/// What rings: the trunk's place and the number in one word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Device {
    trunk: u32,
    high: u32,
    low: u32,
}

const IS_EXTENSION: u64 = 1 << 63;

impl Device {
    #[allow(clippy::cast_possible_truncation, reason = "the halves of the word are what is wanted")]
    pub(super) fn new(trunk: u32, number: DeviceNumber) -> Self {
        let packed = match number {
            DeviceNumber::E164(number) => number.digits().packed(),
            DeviceNumber::Extension(digits) => digits.packed() | IS_EXTENSION,
        };
        Self { trunk, high: (packed >> 32) as u32, low: packed as u32 }
    }

    pub(super) const fn trunk(self) -> u32 {
        self.trunk
    }

    pub(super) fn number(self) -> Option<DeviceNumber> {
        let packed = u64::from(self.high) << 32 | u64::from(self.low);
        let digits = Digits::of_packed(packed & !IS_EXTENSION)?;
        if packed & IS_EXTENSION != 0 {
            return Some(DeviceNumber::Extension(digits));
        }
        E164::try_from(digits).ok().map(DeviceNumber::E164)
    }
}

#[derive(Clone, Copy, Debug)]
struct Row {
    tenant: u32,
    /// The extension's digits in halves; zero for none.
    extension: (u32, u32),
    name_at: u16,
    devices_at: u16,
    name_len: u8,
    devices_len: u8,
    flags: u8,
    /// The language's place and one; zero for none.
    language: u16,
}

impl Row {
    fn extension(&self) -> u64 {
        u64::from(self.extension.0) << 32 | u64::from(self.extension.1)
    }
}

const PRESENT: u8 = 1;
const DO_NOT_DISTURB: u8 = 2;

#[derive(Clone, Debug, Default)]
struct Block {
    rows: Vec<Row>,
    names: String,
    devices: Vec<Device>,
}

impl Block {
    /// Adds a row. A name has 64 bytes and a user 255 devices at the most, so that 64 of them fit 16 bits.
    #[allow(clippy::cast_possible_truncation, reason = "the halves of the word are what is wanted")]
    fn push(&mut self, parts: &Parts<'_>) {
        let extension = parts.extension.map_or(0, Digits::packed);
        let devices = parts.devices.get(..parts.devices.len().min(DEVICES_MAX)).unwrap_or_default();
        let row = Row {
            tenant: parts.tenant,
            extension: ((extension >> 32) as u32, extension as u32),
            name_at: u16::try_from(self.names.len()).unwrap_or(u16::MAX),
            devices_at: u16::try_from(self.devices.len()).unwrap_or(u16::MAX),
            name_len: u8::try_from(parts.name.len()).unwrap_or(u8::MAX),
            devices_len: u8::try_from(devices.len()).unwrap_or(u8::MAX),
            flags: if parts.present { PRESENT } else { 0 } | if parts.do_not_disturb { DO_NOT_DISTURB } else { 0 },
            language: parts.language.map_or(0, |language| language.saturating_add(1)),
        };
        self.names.push_str(parts.name);
        self.devices.extend_from_slice(devices);
        self.rows.push(row);
    }

    fn get(&self, at: usize) -> Option<Parts<'_>> {
        let row = self.rows.get(at)?;
        let devices = usize::from(row.devices_at);
        Some(Parts {
            tenant: row.tenant,
            name: self.name(row)?,
            present: row.flags & PRESENT != 0,
            extension: Digits::of_packed(row.extension()),
            do_not_disturb: row.flags & DO_NOT_DISTURB != 0,
            language: row.language.checked_sub(1),
            devices: self.devices.get(devices..devices.saturating_add(usize::from(row.devices_len)))?.into(),
        })
    }

    fn name(&self, row: &Row) -> Option<&str> {
        let at = usize::from(row.name_at);
        self.names.get(at..at.saturating_add(usize::from(row.name_len)))
    }

    fn shrink(&mut self) {
        self.rows.shrink_to_fit();
        self.names.shrink_to_fit();
        self.devices.shrink_to_fit();
    }

    fn heap_bytes(&self) -> usize {
        let rows = self.rows.capacity().saturating_mul(size_of::<Row>());
        let devices = self.devices.capacity().saturating_mul(size_of::<Device>());
        rows.saturating_add(devices).saturating_add(self.names.capacity())
    }
}

/// The rows of all users. A user keeps its place as long as the directory lives.
#[derive(Clone, Debug, Default)]
pub(super) struct Rows {
    full: Vec<Arc<Block>>,
    last: Block,
}

impl Rows {
    pub(super) fn len(&self) -> usize {
        (self.full.len() << BLOCK_LOG).saturating_add(self.last.rows.len())
    }

    pub(super) fn get(&self, at: u32) -> Option<Parts<'_>> {
        let (block, at) = self.block_of(at)?;
        block.get(at)
    }

    /// Whether a row is that of a tenant's user of a name.
    pub(super) fn is_named(&self, at: u32, tenant: u32, name: &str) -> bool {
        self.row(at).is_some_and(|(block, row)| row.tenant == tenant && block.name(row) == Some(name))
    }

    /// Whether a row is that of the holder of a tenant's extension.
    pub(super) fn holds(&self, at: u32, tenant: u32, extension: Digits) -> bool {
        self.row(at).is_some_and(|(_, row)| row.tenant == tenant && row.extension() == extension.packed())
    }

    fn row(&self, at: u32) -> Option<(&Block, &Row)> {
        let (block, at) = self.block_of(at)?;
        Some((block, block.rows.get(at)?))
    }

    /// The block of a row, and where it stands there.
    fn block_of(&self, at: u32) -> Option<(&Block, usize)> {
        let at = usize::try_from(at).ok()?;
        let number = at >> BLOCK_LOG;
        let last = || Some(&self.last).filter(|_| number == self.full.len());
        let block = self.full.get(number).map(|block| &**block).or_else(last)?;
        Some((block, at & (BLOCK.wrapping_sub(1))))
    }

    /// Adds a user, and says at which place.
    pub(super) fn push(&mut self, parts: &Parts<'_>) -> u32 {
        let at = u32::try_from(self.len()).unwrap_or(u32::MAX);
        self.last.push(parts);
        if self.last.rows.len() >= BLOCK {
            let mut block = std::mem::take(&mut self.last);
            block.shrink();
            self.full.push(Arc::new(block));
        }
        at
    }

    /// Puts a user in the place of the one before.
    pub(super) fn set(&mut self, at: u32, parts: &Parts<'_>) {
        let Ok(at) = usize::try_from(at) else { return };
        let (number, place) = (at >> BLOCK_LOG, at & (BLOCK.wrapping_sub(1)));
        let block = self.full.get(number).map_or(&self.last, |block| &**block);
        let mut changed = Block::default();
        for other in 0..block.rows.len() {
            if other == place {
                changed.push(parts);
            } else if let Some(same) = block.get(other) {
                changed.push(&same);
            }
        }
        changed.shrink();
        match self.full.get_mut(number) {
            Some(block) => *block = Arc::new(changed),
            None => self.last = changed,
        }
    }

    pub(super) fn heap_bytes(&self) -> usize {
        // A block's counts, its three lists' heads, and the pointer to it.
        let heads = size_of::<Block>().saturating_add(24);
        let full = self.full.iter().map(|block| block.heap_bytes().saturating_add(heads));
        full.fold(self.last.heap_bytes(), usize::saturating_add)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_is_given_out_as_it_was_given_in_and_a_clone_does_not_see_a_change() {
        fn parts(name: &str) -> Parts<'_> {
            Parts { tenant: 7, name, present: true, language: Some(0), ..Parts::default() }
        }
        let name = |n: u32| format!("user-{n}");
        let mut rows = Rows::default();
        for n in 0..200 {
            assert_eq!(rows.push(&parts(&name(n))), n);
        }
        let before = rows.clone();
        let devices = [
            Device::new(3, DeviceNumber::E164("+46701740605".parse().unwrap())),
            Device::new(9, DeviceNumber::Extension("000200".parse().unwrap())),
        ];
        let changed = Parts {
            extension: Some("0201".parse().unwrap()),
            do_not_disturb: true,
            language: None,
            devices: devices.into_iter().collect(),
            ..parts("longer than before")
        };
        for at in [5, 199] {
            rows.set(at, &changed);
            assert_eq!(rows.get(at).unwrap(), changed);
            assert_eq!(before.get(at).unwrap(), parts(&name(at)));
        }
        for at in (0..200).filter(|at| ![5, 199].contains(at)) {
            assert_eq!(rows.get(at).unwrap(), parts(&name(at)));
        }
        assert_eq!(rows.get(200), None);
        assert_eq!(rows.get(10_000), None);
        let numbers: Vec<_> = devices.iter().map(|device| device.number().unwrap().to_string()).collect();
        assert_eq!(numbers, ["+46701740605", "ext:000200"]);
        assert!(Arc::ptr_eq(&rows.full[1], &before.full[1]));
    }
}
