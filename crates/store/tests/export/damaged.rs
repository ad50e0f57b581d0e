//! Files that were cut, changed or made up: each is refused with the place, before anything of it is used.

use lz4_flex::block::compress;
use ring::digest;
use telness_testkit::Dice;

use super::content::fill_a_little;
use super::*;

/// A file taken apart: its first line, and the frames with their heads.
struct Apart {
    line: Vec<u8>,
    frames: Vec<(Vec<u8>, Vec<u8>)>,
}

impl Apart {
    fn of(file: &[u8]) -> Self {
        let end = file.iter().position(|byte| *byte == b'\n').unwrap() + 1;
        let (mut frames, mut rest) = (Vec::new(), &file[end..]);
        while !rest.is_empty() {
            let packed = usize::try_from(u32::from_le_bytes(rest[9..13].try_into().unwrap())).unwrap();
            frames.push((rest[..13].to_vec(), rest[13..13 + packed].to_vec()));
            rest = &rest[13 + packed + 32..];
        }
        Self { line: file[..end].to_vec(), frames }
    }

    /// Puts it together with checksums that fit.
    fn together(&self) -> Vec<u8> {
        let mut file = self.line.clone();
        let mut last = sha256(&[&[0; 32], &self.line]);
        for (head, block) in &self.frames {
            last = sha256(&[&last, head, block]);
            file.extend([head.as_slice(), block, &last].concat());
        }
        file
    }

    fn set_line(&mut self, change: impl FnOnce(&mut serde_json::Value)) {
        let mut line: serde_json::Value = serde_json::from_slice(&self.line).unwrap();
        change(&mut line);
        self.line = serde_json::to_vec(&line).unwrap();
        self.line.push(b'\n');
    }
}

fn sha256(parts: &[&[u8]]) -> Vec<u8> {
    digest::digest(&digest::SHA256, &parts.concat()).as_ref().to_vec()
}

fn frame(section: u8, records: u32, plain: &[u8]) -> (Vec<u8>, Vec<u8>) {
    let packed = compress(plain);
    let length = |bytes: usize| u32::try_from(bytes).unwrap().to_le_bytes();
    let head = [&[section][..], &records.to_le_bytes(), &length(plain.len()), &length(packed.len())].concat();
    (head, packed)
}

fn filled() -> Vec<u8> {
    let scratch = Scratch::new("export-damaged");
    run(async {
        let from = sqlite(&scratch, "from");
        fill_a_little(&from, 21).await;
        from.exported().await
    })
}

fn refused(file: &[u8]) -> (u64, String) {
    match checked(file) {
        Err(ExportError::Damaged { at, why, .. }) => (at, why),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_file_that_was_taken_apart_and_put_together_is_the_same() {
    let file = filled();
    assert!(Apart::of(&file).together() == file);
}

#[test]
fn s3_a_file_cut_anywhere_is_refused_with_the_place() {
    let file = filled();
    let apart = Apart::of(&file);
    let mut ends = vec![apart.line.len()];
    for (head, block) in &apart.frames {
        ends.push(ends.last().unwrap() + head.len() + block.len() + 32);
    }
    assert!(ends.len() > export::SECTIONS.len(), "every section has a frame, and the trailer");
    for (number, end) in ends.iter().enumerate() {
        for cut in [end.saturating_sub(1), *end, end + 1, end + 13, end + 40] {
            if cut < file.len() {
                let (at, why) = refused(&file[..cut]);
                assert!(cut < ends[0] && at == 0 || u64::try_from(cut).unwrap() >= at, "{number} {cut} {at} {why}");
            }
        }
    }
    assert!(refused(&[]).1.contains("first line"));
}

#[test]
fn s3_a_flipped_bit_anywhere_is_refused() {
    let file = filled();
    let mut dice = Dice::seeded(Dice::fresh_seed());
    let line = file.iter().position(|byte| *byte == b'\n').unwrap();
    for round in 0..200 {
        let within = if round % 4 == 0 { line + 40 } else { file.len() };
        let at = usize::try_from(dice.below(u64::try_from(within).unwrap())).unwrap();
        let mut flipped = file.clone();
        flipped[at] ^= 1 << dice.below(8);
        assert!(checked(&flipped).is_err(), "byte {at}");
    }
}

#[test]
fn s3_frames_that_are_left_out_exchanged_or_doubled_are_refused() {
    let file = filled();
    let count = Apart::of(&file).frames.len();
    let raw = |order: &[usize]| {
        // With the checksums that they had.
        let (apart, mut last) = (Apart::of(&file), Vec::new());
        let mut whole = apart.line.clone();
        let mut digests = vec![sha256(&[&[0; 32], &apart.line])];
        for (head, block) in &apart.frames {
            digests.push(sha256(&[digests.last().unwrap(), head, block]));
        }
        for at in order {
            let (head, block) = &apart.frames[*at];
            last.extend([head.as_slice(), block, &digests[at + 1]].concat());
        }
        whole.extend(last);
        whole
    };
    let all: Vec<usize> = (0..count).collect();
    assert!(checked(&raw(&all)).is_ok());
    let left_out: Vec<usize> = all.iter().copied().filter(|at| *at != 2).collect();
    let mut exchanged = all.clone();
    exchanged.swap(1, 2);
    let doubled: Vec<usize> = all.iter().copied().take(2).chain([1]).chain(all.iter().copied().skip(2)).collect();
    for order in [left_out, exchanged, doubled] {
        assert!(refused(&raw(&order)).1.contains("checksum"));
    }
}

#[test]
fn s3_what_was_made_up_with_checksums_that_fit_is_refused() {
    let file = filled();
    let damaged = |change: &dyn Fn(&mut Apart)| {
        let mut apart = Apart::of(&file);
        change(&mut apart);
        refused(&apart.together()).1
    };
    let trailer = |counts: &str| frame(0xff, 0, format!("{{\"counts\":{counts}}}").as_bytes());
    assert!(damaged(&|apart| *apart.frames.last_mut().unwrap() = trailer("[]")).contains("as many records"));
    assert!(damaged(&|apart| *apart.frames.last_mut().unwrap() = frame(0xff, 0, b"{")).contains("trailer"));
    assert!(damaged(&|apart| drop(apart.frames.remove(1))).contains("as many records"));
    assert!(damaged(&|apart| apart.frames.swap(0, 1)).contains("does not come here"));
    assert!(damaged(&|apart| apart.frames.insert(0, frame(77, 1, &[0; 4]))).contains("does not come here"));
    assert!(damaged(&|apart| apart.frames.insert(0, frame(0, 2, &[0; 4]))).contains("says 2"));
    assert!(damaged(&|apart| apart.frames.insert(0, frame(0, 1, &[9, 0, 0, 0, 1]))).contains("cut short"));
    assert!(damaged(&|apart| apart.frames.insert(0, frame(0, 1, &[1, 0, 0, 0, 0xc1]))).contains("tenants"));
    assert!(damaged(&|apart| apart.frames.push(frame(0xff, 0, b"{}"))).contains("behind its trailer"));
    let unpacks_to_less = |apart: &mut Apart| apart.frames[0].0[5..9].copy_from_slice(&9_u32.to_le_bytes());
    damaged(&unpacks_to_less);
}

#[test]
fn s3_no_length_is_believed_further_than_an_export_can_have_it() {
    let file = filled();
    for place in [5, 9] {
        for length in [u32::MAX, 1 << 30, 40 << 20] {
            let mut apart = Apart::of(&file);
            apart.frames[0].0[place..place + 4].copy_from_slice(&length.to_le_bytes());
            assert!(refused(&apart.together()).1.contains("is in no export"));
        }
    }
    // A few bytes that say to be many.
    let mut apart = Apart::of(&file);
    apart.frames.truncate(1);
    apart.frames[0].0[9..13].copy_from_slice(&(16_u32 << 20).to_le_bytes());
    assert!(refused(&apart.together()).1.contains("cut short"));
    let endless = [b"{\"telness_export\":".as_slice(), &vec![b' '; 1 << 20]].concat();
    assert!(refused(&endless).1.contains("first line"));
}

#[test]
fn a_later_version_is_refused_and_sections_that_may_be_are_passed_over() {
    let file = filled();
    let with = |change: &dyn Fn(&mut serde_json::Value)| {
        let mut apart = Apart::of(&file);
        apart.set_line(change);
        apart
    };
    let later = with(&|line| line["telness_export"]["major"] = 2.into()).together();
    let why = checked(&later).unwrap_err();
    assert!(matches!(why, ExportError::Later { .. }) && why.to_string().contains("0.1.0"), "{why}");
    let add = |needed: bool| {
        move |line: &mut serde_json::Value| {
            line["telness_export"]["minor"] = 7.into();
            line["soon"] = "a field of later".into();
            let sections = line["sections"].as_array_mut().unwrap();
            sections.push(serde_json::json!({ "name": "invoices", "needed": needed, "colour": "blue" }));
        }
    };
    assert!(matches!(checked(&with(&add(true)).together()), Err(ExportError::Later { .. })));
    let mut apart = with(&add(false));
    let (trailer, invoices) =
        (apart.frames.pop().unwrap(), frame(u8::try_from(export::SECTIONS.len()).unwrap(), 1, &[3, 0, 0, 0, 1, 2, 3]));
    let plain = lz4_flex::block::decompress(&trailer.1, 4_096).unwrap();
    let mut counts: serde_json::Value = serde_json::from_slice(&plain).unwrap();
    counts["counts"].as_array_mut().unwrap().push(serde_json::json!({ "section": "invoices", "records": 1 }));
    apart.frames.extend([invoices, frame(0xff, 0, &serde_json::to_vec(&counts).unwrap())]);
    let file = apart.together();
    assert_eq!(checked(&file).unwrap().head.passed_over(), ["invoices"]);
    let scratch = Scratch::new("export-later");
    run(async {
        let into = sqlite(&scratch, "into");
        into.import(&file).await.unwrap();
        assert!(into.import(&file).await.unwrap().already);
    });
}

#[test]
fn what_is_refused_changes_nothing() {
    let file = filled();
    let scratch = Scratch::new("export-nothing");
    run(async {
        for into in [sqlite(&scratch, "into"), postgres().await] {
            let before = into.exported().await;
            assert!(into.import(&file[..file.len() - 1]).await.is_err());
            // It was exchanged after it was looked through: what people edited is not there in part.
            let mut other = file.clone();
            let middle = other.iter().position(|byte| *byte == b'\n').unwrap() + 60;
            other[middle] ^= 1;
            let exchanged = into.import_from(Cursor::new(&other), &checked(&file).unwrap(), &Merge::Refused).await;
            assert!(matches!(exchanged, Err(ExportError::Damaged { .. })));
            assert!(into.exported().await == before);
        }
    });
}
