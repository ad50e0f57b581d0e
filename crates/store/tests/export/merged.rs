//! A store that has things of its own takes in another's, by the rules of `docs/export.md`.

use telness_core::directory::{Block, Tenant, User};
use telness_store::control::{Deck, Edit, Expect, ListQuery, LogQuery, UserKey};
use telness_store::{CallQuery, JournalId, Position};

use super::content::{deck_row, edit, fill, load_deck, tenant, user};
use super::sample::{call, entry};
use super::*;

pub(super) fn allowed() -> Merge {
    Merge::Allowed(Edit { author: "telness import".to_owned(), ..edit("merged") })
}

pub(super) async fn merge(into: &Kept, file: &[u8]) -> Result<Applied, ExportError> {
    into.import_from(Cursor::new(file), &checked(file).unwrap(), &allowed()).await
}

#[test]
fn a_store_that_has_something_is_refused_and_stays_as_it_is() {
    let scratch = Scratch::new("export-refused");
    run(async {
        let from = sqlite(&scratch, "from");
        fill(&from, 2).await;
        let file = from.exported().await;
        for (number, into) in
            [sqlite(&scratch, "a"), postgres().await, sqlite(&scratch, "b"), postgres().await].into_iter().enumerate()
        {
            if number < 2 {
                into.control.put(&edit(""), tenant("owntel"), Expect::Absent).await.unwrap();
            } else {
                into.store.write(JournalId([3; 16]), Position(1), vec![entry(&call("owntel", 1))]).await.unwrap();
            }
            let before = into.exported().await;
            assert!(matches!(into.import(&file).await, Err(ExportError::NotEmpty(_))));
            assert!(into.exported().await == before);
        }
    });
}

#[test]
fn what_is_there_stays_and_what_is_not_is_added() {
    let scratch = Scratch::new("export-merged");
    run(async {
        let from = sqlite(&scratch, "from");
        fill(&from, 4).await;
        let file = from.exported().await;
        for into in [sqlite(&scratch, "into"), postgres().await] {
            let own = Tenant { suspended: true, ..tenant("nordtel") };
            into.control.put(&edit(""), own.clone(), Expect::Absent).await.unwrap();
            into.control.put(&edit(""), user("nordtel", "user-0", None), Expect::Absent).await.unwrap();
            into.control.publish_plan(&edit(""), "own: plan\n", Expect::Any).await.unwrap();
            load_deck(&into, "carrier-three", &[deck_row("1", 1)]).await;
            into.store.write(JournalId([3; 16]), Position(1), vec![entry(&call("owntel", 1))]).await.unwrap();
            let before = into.control.version().await.unwrap();
            let applied = merge(&into, &file).await.unwrap();
            assert!(applied.merged && applied.added > 0 && applied.passed_over > 0, "{applied:?}");
            let kept = into.control.get::<Tenant>(&own.name).await.unwrap().unwrap();
            assert!(kept.value.suspended && kept.version <= before, "what was there stays");
            let key = UserKey { tenant: own.name.clone(), name: "user-0".parse().unwrap() };
            assert_eq!(into.control.get::<User>(&key).await.unwrap().unwrap().value.extension, None);
            let added = into.control.get::<Tenant>(&"sydtel".parse().unwrap()).await.unwrap().unwrap();
            assert!(added.version > before, "nodes that follow hear of it");
            assert_eq!(into.control.published_plan().await.unwrap().unwrap().revision, 1, "the own plan stays");
            let deck = into.control.get::<Deck>(&"carrier-one".parse().unwrap()).await.unwrap().unwrap().value;
            let rows = into.control.deck_rows(deck.revision, None, 10_000).await.unwrap();
            assert_eq!(u64::try_from(rows.len()).unwrap(), deck.rows);
            assert!(into.control.get::<Deck>(&"carrier-three".parse().unwrap()).await.unwrap().is_some());
            let log = into.control.log(&LogQuery { limit: 1_000, ..LogQuery::default() }).await.unwrap();
            assert!(log.entries.iter().any(|entry| entry.author == "telness import"));
            let query = CallQuery { limit: 1_000, ..CallQuery::default() };
            assert!(!into.store.calls(&"sydtel".parse().unwrap(), &query).await.unwrap().calls.is_empty());
            assert_eq!(into.store.calls(&"owntel".parse().unwrap(), &query).await.unwrap().calls.len(), 1);
            let after = into.exported().await;
            assert!(merge(&into, &file).await.unwrap().already);
            assert!(into.exported().await == after);
        }
    });
}

#[test]
fn what_does_not_go_together_refuses_all_of_it() {
    let scratch = Scratch::new("export-conflict");
    run(async {
        let from = sqlite(&scratch, "from");
        fill(&from, 6).await;
        let file = from.exported().await;
        for into in [sqlite(&scratch, "into"), postgres().await] {
            let (first, last) = ("+46846500420".parse().unwrap(), "+46846500430".parse().unwrap());
            let block = Block { first, last, tenant: None, note: String::new() };
            into.control.put(&edit(""), block, Expect::Absent).await.unwrap();
            let before = into.exported().await;
            let refused = merge(&into, &file).await.unwrap_err();
            assert!(matches!(refused, ExportError::Refused(_)) && refused.to_string().contains("overlap"), "{refused}");
            assert!(into.exported().await == before, "nothing was changed");
            let all = into.control.list::<Tenant>(&ListQuery { tenant: None, after: None, limit: 10 }).await.unwrap();
            assert!(all.items.is_empty());
        }
    });
}

#[test]
fn merged_into_an_empty_store_every_number_stays() {
    let scratch = Scratch::new("export-merged-empty");
    run(async {
        let from = sqlite(&scratch, "from");
        fill(&from, 8).await;
        let file = from.exported().await;
        let into = postgres().await;
        assert!(!merge(&into, &file).await.unwrap().merged);
        assert!(into.exported().await == file);
    });
}
