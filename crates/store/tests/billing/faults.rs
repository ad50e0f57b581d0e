//! Postgres fails while records are made and files are closed, and most of all at the commit.

use std::future::Future;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use telness_store::billing::Billing;
use telness_store::control::Control;
use telness_store::{Migrations, Observe, PostgresOptions, PostgresStore, StoreError, Tls};
use telness_testkit::{Network, Proxy};

use crate::postgres::server;
use crate::sample::call;
use crate::scene::{HOUR, Scene, closing};

/// More than a closing has steps.
const ROUNDS: i64 = 24;

#[test]
fn n3_billing_that_is_cut_off_anywhere_makes_each_record_and_takes_each_number_once() {
    crate::run(async {
        let (scene, proxy, through) = behind_proxy().await;
        let behind = PostgresStore::open(&through).unwrap();
        let cut_off = Billing::of(&Control::of_postgres(&behind));
        let tenant = "nordtel".parse().unwrap();
        for round in 0..ROUNDS {
            for ms in 0..5 {
                let ms = round * 10 + ms;
                scene.talked(&call("nordtel", ms), ms, 1_000).await;
            }
            let closing = closing((round + 1) * HOUR);
            // Cut a step later each time, so also while nobody knows yet whether the commit was done. What a gathering
            // left undone in odd rounds is done in the next one.
            let gathered = cut_at(&proxy, round * 2, cut_off.gather(closing)).await;
            assert!(!matches!(gathered, Err(StoreError::Broken(_))), "{gathered:?}");
            if round % 2 == 0 {
                scene.billing.gather(closing).await.unwrap();
            }
            let closed = cut_at(&proxy, round, cut_off.close(&tenant, closing)).await;
            assert!(!matches!(closed, Err(StoreError::Broken(_))), "{closed:?}");
        }
        scene.close((ROUNDS + 5) * HOUR).await;
        let all = scene.all("nordtel").await;
        let mut ids: Vec<_> = all.iter().map(|(_, record)| record.record_id.clone()).collect();
        ids.sort();
        ids.dedup();
        assert_eq!((all.len(), ids.len()), (120, 120));
        scene.sound().await;
    });
}

#[test]
fn n3_a_database_that_goes_away_is_not_asked_for_every_hour_that_is_due() {
    crate::run(async {
        let (scene, proxy, through) = behind_proxy().await;
        for hour in 0..30 {
            scene.talked(&call("nordtel", hour * HOUR), hour * HOUR, 1_000).await;
        }
        let (wire, seen) = (Arc::clone(&proxy), Arc::new(Mutex::new(Vec::new())));
        let told = Arc::clone(&seen);
        let observe: Observe = Arc::new(move |one| {
            told.lock().unwrap().push((one.name, one.ok));
            // The hours that are due are known by then.
            if one.name == "billing_due" {
                wire.set(Network::Refuses);
                wire.cut();
            }
        });
        let behind = PostgresStore::open(&PostgresOptions { observe, ..through }).unwrap();
        let gathered = Billing::of(&Control::of_postgres(&behind)).gather(closing(40 * HOUR)).await;
        assert!(matches!(gathered, Err(StoreError::Unavailable(_))), "{gathered:?}");
        // The wire is cut a moment later, so some hours may have been looked at.
        let seen = seen.lock().unwrap().clone();
        assert_eq!(seen.iter().filter(|(_, ok)| !ok).count(), 2, "{seen:?}");
        scene.close(40 * HOUR).await;
        assert_eq!(scene.all("nordtel").await.len(), 30, "nothing was given up");
    });
}

/// A scene on a database, and the way to the same database by a proxy.
async fn behind_proxy() -> (Scene, Arc<Proxy>, PostgresOptions) {
    let database = server().database();
    let direct = PostgresOptions { tls: Tls::Off, ..PostgresOptions::new(server().url(&database)) };
    Migrations::new(&direct).unwrap().up().await.unwrap();
    let store = PostgresStore::open(&direct).unwrap();
    let control = Control::of_postgres(&store);
    let by_hand = Box::new(move |sql: &str| drop(server().sql(&database, sql)));
    let scene = Scene::new(Arc::new(store), &control, by_hand).await;
    let proxy = Arc::new(Proxy::start(SocketAddr::from(([127, 0, 0, 1], port(&direct)))));
    let url = direct.url.replace(&format!(":{}", port(&direct)), &format!(":{}", proxy.address().port()));
    (scene, proxy, PostgresOptions { url, ..direct })
}

/// Does something, and cuts the wire at a step of it.
async fn cut_at<T>(proxy: &Proxy, step: i64, work: impl Future<Output = T>) -> T {
    let (mut steps, mut work) = (0, Box::pin(work));
    std::future::poll_fn(|context| {
        if steps == step {
            proxy.cut();
        }
        steps += 1;
        work.as_mut().poll(context)
    })
    .await
}

fn port(options: &PostgresOptions) -> u16 {
    let after = options.url.rsplit(':').next().unwrap();
    after.split('/').next().unwrap().parse().unwrap()
}
