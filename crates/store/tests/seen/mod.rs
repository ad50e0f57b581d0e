//! What can be seen of calls, to compare stores by.

use telness_store::{CallQuery, Store};

/// Everything that can be seen of a tenant's calls, as text, to compare.
pub(crate) async fn everything(store: &dyn Store, name: &str) -> String {
    let name = name.parse().unwrap();
    let page = store.calls(&name, &CallQuery { limit: 1000, ..CallQuery::default() }).await.unwrap();
    let mut all = String::new();
    for summary in &page.calls {
        let id = summary.routing.call_id;
        let whole = store.call(&name, id).await.unwrap().unwrap();
        assert_eq!((&whole.routing, &whole.personal, &whole.cdr), (&summary.routing, &summary.personal, &summary.cdr));
        all += &serde_json::to_string(&whole).unwrap();
        all += &serde_json::to_string(&store.contradictions(&name, id).await.unwrap()).unwrap();
    }
    all
}
