//! What was issued for billing moves along: no file is lost or opened again, and no record is made twice.

use std::collections::BTreeMap;

use telness_core::decide::ForwardedBy;
use telness_core::names::TenantName;
use telness_core::number::Number;
use telness_core::record::billing::{BillingRecord, Format};
use telness_core::record::{CallRecord, EventKind};
use telness_store::billing::{Billing, BillingFile};
use telness_store::control::Expect;
use telness_store::{Entry, JournalId, Position};

use super::content::{HOUR, close, closing, edit, fill, tenant};
use super::merged::merge;
use super::moved::Breaks;
use super::sample::{at_ms, call, entry, event};
use super::*;

/// Each file of each tenant, in both forms, as it is issued.
type Files = BTreeMap<(String, i64, bool), String>;

impl Kept {
    fn billing(&self) -> Billing {
        Billing::of(&self.control)
    }

    async fn files(&self) -> Files {
        let mut files = Files::new();
        for tenant in self.billing().tenants().await.unwrap() {
            for BillingFile { head, .. } in self.billing().files(&tenant, 0, 1_000).await.unwrap() {
                for format in [Format::JsonLines, Format::Csv] {
                    let issued = self.billing().issue(&tenant, head.sequence, format).await.unwrap().unwrap();
                    files.insert((tenant.to_string(), head.sequence, format == Format::Csv), issued.text);
                }
            }
        }
        files
    }

    /// All records that were issued, by name, with how often.
    async fn issued(&self) -> BTreeMap<String, usize> {
        let mut names = BTreeMap::new();
        for text in self.files().await.into_iter().filter(|((_, _, csv), _)| !csv).map(|(_, text)| text) {
            for line in text.lines().filter_map(|line| serde_json::from_str::<BillingRecord>(line).ok()) {
                *names.entry(line.record_id).or_default() += 1;
            }
        }
        names
    }

    async fn sound(&self) {
        for tenant in self.billing().tenants().await.unwrap() {
            assert_eq!(self.billing().verify(&tenant).await.unwrap(), Vec::<String>::new());
        }
    }

    /// Ships what a journal of its own has.
    async fn ship(&self, journal: u8, entries: Vec<Entry>) {
        self.store.write(JournalId([journal; 16]), Position(1), entries).await.unwrap();
    }
}

/// A call that was answered after 2 s and talked for a minute.
fn talked(record: &CallRecord, ms: i64) -> Vec<Entry> {
    let told = [(EventKind::Answered, 2_000), (EventKind::Ended, 62_000)];
    let name = record.routing.tenant.as_str();
    let events = told.map(|(kind, after)| Entry::Event(Box::new(event(name, ms, &after.to_string(), kind, after))));
    std::iter::once(entry(record)).chain(events).collect()
}

/// That a call ended sooner than was told.
fn sooner(tenant: &str, ms: i64) -> Entry {
    Entry::Event(Box::new(event(tenant, ms, "sooner", EventKind::Ended, 32_000)))
}

/// A call of nordtel's to a number that fjordtel forwards.
fn forwarded(ms: i64) -> CallRecord {
    let mut record = call("nordtel", ms);
    let number = Number::E164 { number: "+46701740620".parse().unwrap() };
    record.personal.trace.forwarded_by = Some(ForwardedBy { tenant: "fjordtel".parse().unwrap(), user: None, number });
    record
}

#[test]
fn n7_what_was_issued_moves_and_the_next_file_goes_on() {
    let scratch = Scratch::new("export-billed");
    run(async {
        let trial = sqlite(&scratch, "trial");
        fill(&trial, 21).await;
        let (production, back) = (postgres().await, sqlite(&scratch, "back"));
        for (at, (from, into)) in [(&trial, &production), (&production, &back)].into_iter().enumerate() {
            let ms = (62 + i64::try_from(at).unwrap()) * HOUR;
            let (files, waiting) = (from.files().await, from.billing().oldest_waiting().await.unwrap());
            assert!(files.len() > 6 && (waiting.is_some() || at > 0), "{}", files.len());
            into.import(&from.exported().await).await.unwrap();
            into.sound().await;
            assert!(into.files().await == files, "every file is what it was, byte for byte");
            assert_eq!(into.billing().oldest_waiting().await.unwrap(), waiting, "what waits goes on waiting");
            let gathered = into.billing().gather(closing(ms - HOUR)).await.unwrap();
            assert!(gathered.calls > 30 && (gathered.records, gathered.held) == (0, 0), "{gathered:?}");
            // The same as if it had stayed where it was.
            close(from, ms).await;
            let next = close(into, ms).await;
            assert!(next.iter().all(|file| file.head.previous_sha256.is_some() && file.head.sequence > 2), "{next:?}");
            assert!(into.files().await == from.files().await);
            assert!(into.issued().await.values().all(|times| *times == 1));
            into.sound().await;
        }
    });
}

#[test]
fn n7_a_correction_after_the_move_follows_what_was_issued_before() {
    let scratch = Scratch::new("export-corrected");
    run(async {
        let from = sqlite(&scratch, "from");
        from.ship(1, talked(&call("nordtel", 0), 0)).await;
        assert_eq!(close(&from, HOUR).await.len(), 1);
        let into = postgres().await;
        into.import(&from.exported().await).await.unwrap();
        assert_eq!(close(&into, 2 * HOUR).await[0].head.records, 0);
        into.ship(1, vec![sooner("nordtel", 0)]).await;
        let file = close(&into, 3 * HOUR).await.remove(0);
        assert_eq!((file.head.sequence, file.head.corrections, file.head.talk_ms), (3, 1, 30_000));
        into.sound().await;
    });
}

/// Where the frames end that come behind a section, and the frame before them.
fn ends_behind(file: &[u8], section: &str) -> Vec<u64> {
    let behind = export::SECTIONS.iter().position(|name| *name == section).unwrap();
    let mut at = file.iter().position(|byte| *byte == b'\n').unwrap() + 1;
    let mut ends = Vec::new();
    while at < file.len() {
        if usize::from(file[at]) > behind {
            ends.push(u64::try_from(at).unwrap());
        }
        let packed = u32::from_le_bytes(file[at + 9..at + 13].try_into().unwrap());
        at += 13 + usize::try_from(packed).unwrap() + 32;
    }
    ends.push(u64::try_from(at).unwrap());
    ends
}

#[test]
fn n2_billing_waits_for_an_import_that_was_broken_off() {
    let scratch = Scratch::new("export-billed-broken-off");
    run(async {
        let from = sqlite(&scratch, "from");
        fill(&from, 5).await;
        let file = from.exported().await;
        close(&from, 62 * HOUR).await;
        let (checked, mut held) = (checked(&file).unwrap(), 0);
        let ends = ends_behind(&file, "billing_files");
        assert!(ends.len() > 4, "records, calls, events and the trailer: {ends:?}");
        for left in ends.into_iter().map(|end| end + 5) {
            for into in [sqlite(&scratch, &format!("into-{left}")), postgres().await] {
                let broken = Breaks { file: Cursor::new(&file), left };
                into.import_from(broken, &checked, &Merge::Refused).await.unwrap_err();
                // Half of what a call has would make other records.
                let gathered = into.billing().gather(closing(61 * HOUR)).await.unwrap();
                assert_eq!((gathered.records, gathered.calls), (0, 0));
                held += gathered.held;
                into.import(&file).await.unwrap();
                let gathered = into.billing().gather(closing(61 * HOUR)).await.unwrap();
                assert_eq!((gathered.records, gathered.held), (0, 0));
                close(&into, 62 * HOUR).await;
                assert!(into.files().await == from.files().await, "broken off behind {left}");
                into.sound().await;
            }
        }
        assert!(held > 0, "some had brought calls");
    });
}

#[test]
fn n7_a_series_of_its_own_is_neither_mixed_nor_given_other_numbers() {
    let scratch = Scratch::new("export-billed-own");
    run(async {
        let from = sqlite(&scratch, "from");
        from.ship(1, talked(&call("nordtel", 0), 0)).await;
        close(&from, HOUR).await;
        let file = from.exported().await;
        for into in [sqlite(&scratch, "own"), postgres().await] {
            into.control.put(&edit(""), tenant("owntel"), Expect::Absent).await.unwrap();
            into.ship(1, talked(&call("nordtel", 7), 7)).await;
            close(&into, HOUR).await;
            let (before, files) = (into.exported().await, into.files().await);
            assert!(matches!(into.import(&file).await, Err(ExportError::NotEmpty(_))));
            let refused = merge(&into, &file).await.unwrap_err().to_string();
            assert!(refused.contains("billing files of nordtel") && refused.contains("file 1"), "{refused}");
            assert!(into.exported().await == before && into.files().await == files, "nothing was changed");
            assert_eq!(close(&into, 2 * HOUR).await.len(), 1, "it goes on");
        }
    });
}

#[test]
fn n7_a_series_that_goes_on_elsewhere_is_merged_and_another_tenants_is_added() {
    let scratch = Scratch::new("export-billed-merged");
    run(async {
        let from = sqlite(&scratch, "from");
        from.ship(1, talked(&call("nordtel", 0), 0)).await;
        close(&from, HOUR).await;
        let first = from.exported().await;
        from.ship(2, [talked(&call("nordtel", 8), 8), vec![sooner("nordtel", 0)]].concat()).await;
        close(&from, 2 * HOUR).await;
        let second = from.exported().await;
        for into in [sqlite(&scratch, "into"), postgres().await] {
            into.ship(1, talked(&call("owntel", 7), 7)).await;
            close(&into, HOUR).await;
            merge(&into, &first).await.unwrap();
            // It made records of what it heard itself as well, and they wait when what was issued comes.
            into.ship(2, talked(&call("nordtel", 8), 8)).await;
            assert_eq!(into.billing().gather(closing(2 * HOUR)).await.unwrap().records, 1);
            assert!(merge(&into, &second).await.unwrap().added > 0);
            let nordtel =
                |files: Files| files.into_iter().filter(|((name, ..), _)| name == "nordtel").collect::<Files>();
            assert!(nordtel(into.files().await) == from.files().await);
            assert_eq!(into.billing().gather(closing(2 * HOUR)).await.unwrap().records, 0);
            let next = close(&into, 3 * HOUR).await;
            let told: Vec<_> =
                next.iter().map(|file| (&*file.head.tenant, file.head.sequence, file.head.records)).collect();
            assert_eq!(told, [("nordtel", 3, 0), ("owntel", 2, 0)]);
            into.sound().await;
            // One of before is the beginning of what is here.
            let (older, files) = (What { at: at_ms(9), ..what() }, into.files().await);
            let again = sqlite(&scratch, &format!("again-{}", scratch.path().read_dir().unwrap().count()));
            again.import(&first).await.unwrap();
            assert!(merge(&into, &again.exported_with(&older).await.0).await.unwrap().passed_over > 0);
            assert!(into.files().await == files);
            into.sound().await;
        }
    });
}

#[test]
fn n7_one_tenant_that_moves_has_nothing_billed_again_to_others() {
    let scratch = Scratch::new("export-billed-tenant");
    run(async {
        let from = sqlite(&scratch, "from");
        from.ship(1, [talked(&forwarded(0), 0), talked(&call("nordtel", 1), 1), talked(&forwarded(2), 2)].concat())
            .await;
        from.ship(2, talked(&call("sydtel", 3), 3)).await;
        assert_eq!(close(&from, HOUR).await.len(), 3);
        let only = async |name: &str| {
            let tenant: TenantName = name.parse().unwrap();
            from.exported_with(&What { tenant: Some(tenant), ..what() }).await.0
        };
        let of = |name: &str, files: &Files| files.keys().filter(|(tenant, ..)| tenant == name).count();
        for into in [sqlite(&scratch, "into"), postgres().await] {
            into.import(&only("nordtel").await).await.unwrap();
            let files = into.files().await;
            assert_eq!((of("nordtel", &files), files.len()), (2, 2), "nobody else's files");
            let gathered = into.billing().gather(closing(HOUR)).await.unwrap();
            assert_eq!((gathered.calls, gathered.records), (3, 0), "the forwarder was charged where it comes from");
            assert_eq!(close(&into, 2 * HOUR).await.len(), 1, "a first file is made with a first record");
            into.ship(3, vec![sooner("nordtel", 0)]).await;
            let next = close(&into, 3 * HOUR).await;
            let told: Vec<_> =
                next.iter().map(|file| (&*file.head.tenant, file.head.sequence, file.head.corrections)).collect();
            assert_eq!(told, [("fjordtel", 1, 1), ("nordtel", 3, 0)]);
            into.sound().await;
            assert!(matches!(merge(&into, &only("fjordtel").await).await, Err(ExportError::Issued { .. })));
        }
        for into in [sqlite(&scratch, "both"), postgres().await] {
            into.import(&only("nordtel").await).await.unwrap();
            merge(&into, &only("fjordtel").await).await.unwrap();
            let (here, there) = (into.files().await, from.files().await);
            assert_eq!((of("fjordtel", &here), of("sydtel", &here)), (2, 0));
            assert!(here.iter().all(|(which, text)| there.get(which) == Some(text)));
            into.sound().await;
        }
    });
}
