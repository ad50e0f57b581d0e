//! Who is let in, by the class of the call and by who makes it.

use telness_core::plan::read_plan;
use telness_core::world::World;

use super::*;
use crate::auth::{Asker, KeyText, Keys, standing};
use crate::config::{KeyHolder, KeySetting};

/// A plan in which acme makes three calls a second, and who stands where in it: a switch of acme's, and a carrier that
/// shows acme's key.
fn acme_and_carrier() -> (Arc<Plan>, [Standing; 2]) {
    let limited = "- { name: acme, calls_per_s_max: 3 }\n";
    let text = include_str!("../../tests/flow/plan.yaml").replace("- name: acme\n", limited);
    let plan = World::of_plan(read_plan(text.as_bytes(), 1).unwrap()).plan;
    let key = KeyText::fresh().unwrap();
    let keys = Keys::new(&[KeySetting { holder: KeyHolder::Tenant("acme".parse().unwrap()), sha256: key.sha256() }]);
    let of = |address: [u8; 4], key| {
        let asker = Asker { listener: "http", workflow: Workflow::Low, address: address.into(), key };
        standing(&asker, &plan, &keys)
    };
    let both = [of([10, 0, 0, 1], None), of([203, 0, 113, 1], Some(key.reveal()))];
    (plan, both)
}

#[tokio::test]
async fn p5_a_tenant_beyond_its_rate_is_refused_alone_and_a_carrier_s_calls_count_against_nobody() {
    let (plan, [acme, carrier]) = acme_and_carrier();
    let workflows = Workflows::new(&Settings::defaults());
    let by = async |class, who| workflows.let_in(Workflow::Low, class, who, &plan).await;
    for _ in 0..100 {
        assert!(by(Class::Normal, &carrier).await.is_ok());
    }
    let mut refused = None;
    for _ in 0..10_000 {
        refused = by(Class::Normal, &acme).await.err();
    }
    assert!(matches!(refused, Some(CallError::RateLimited { calls_per_s_max: 3, retry_after_s: 1 })), "{refused:?}");
    assert!(by(Class::Vital, &acme).await.is_ok() && by(Class::Emergency, &acme).await.is_ok());
    workflows.congestion.count_anew();
    assert_eq!(workflows.congestion.retry_after_s(), 1, "who was not offered makes nobody else stay away");
}

#[tokio::test]
async fn e12_while_threads_fall_behind_no_background_call_is_let_in_and_normal_ones_in_part() {
    let (plan, [_, carrier]) = acme_and_carrier();
    let settings = Settings::defaults();
    let workflows = Workflows::new(&settings);
    let let_in = async |class| {
        let mut many = 0;
        for _ in 0..100 {
            many += usize::from(workflows.let_in(Workflow::Low, class, &carrier, &plan).await.is_ok());
        }
        many
    };
    assert_eq!((let_in(Class::Background).await, let_in(Class::Normal).await), (100, 100));
    workflows.congestion.note(settings.low_admission.delay_max * 2);
    assert_eq!((let_in(Class::Background).await, let_in(Class::Normal).await), (0, 75));
    assert_eq!((let_in(Class::Vital).await, let_in(Class::Emergency).await), (100, 100));
}

#[tokio::test]
async fn e13_each_listener_takes_emergency_and_vital_calls_and_the_high_one_no_others() {
    let (plan, [acme, _]) = acme_and_carrier();
    let workflows = Workflows::new(&Settings::defaults());
    for listener in [Workflow::High, Workflow::Low] {
        for class in [Class::Emergency, Class::Vital, Class::Normal, Class::Background] {
            let answer = workflows.let_in(listener, class, &acme, &plan).await;
            let misdirected = matches!(answer, Err(CallError::Misdirected { .. }));
            assert_eq!(misdirected, (listener, class.workflow()) == (Workflow::High, Workflow::Low), "{class:?}");
            assert!(misdirected || answer.is_ok(), "{class:?} on {listener:?}");
        }
    }
}

#[tokio::test]
async fn e11_a_flood_of_vital_calls_meets_no_emergency_call_and_no_normal_one() {
    let mut settings = Settings::defaults();
    (settings.high.calls_in_flight_max, settings.low.calls_in_flight_max) = (3, 10);
    let workflows = Workflows::new(&settings);
    let vital: Vec<_> = std::iter::from_fn(|| workflows.enter(Class::Vital).ok()).collect();
    assert_eq!(vital.len(), 3);
    assert!(workflows.enter(Class::Emergency).unwrap().is_none(), "it takes no place");
    let normal: Vec<_> = std::iter::from_fn(|| workflows.enter(Class::Normal).ok()).collect();
    assert_eq!(normal.len(), 9, "a tenth is kept for background calls");
    assert!(workflows.enter(Class::Background).is_ok());
    assert!(workflows.enter(Class::Emergency).is_ok());
}

#[test]
fn the_shares_of_a_small_pool_are_whole() {
    for (all, background) in [(0, 0), (1, 0), (2, 1), (9, 1), (10, 1), (20, 2), (4096, 409)] {
        assert_eq!(background_of(all, 10), background, "{all}");
    }
}
