//! Whatever speaks against a caller, and in whatever company: an emergency call comes to what it would come to anyway.

use telness_core::call::{CallId, Draft, Privacy};
use telness_core::class::Class;
use telness_core::decide::Step;
use telness_core::plan::read_plan;
use telness_core::reason::Reason;
use telness_core::standing::Denial;
use telness_core::time::Timestamp;
use telness_core::world::World;
use telness_engine::auth::{Keys, standing};
use telness_engine::config::Settings;
use telness_engine::workflow::Workflows;
use telness_engine::{Asker, TrialCall, try_standing};

use crate::scene::{OFFICE, PLAN, Scene, draft};

/// All that the promise names (E7), each by its bit.
const TOKEN_EXPIRED: u16 = 1;
const UNKNOWN_SUBSCRIBER: u16 = 1 << 1;
const SUSPENDED: u16 = 1 << 2;
const NO_BALANCE: u16 = 1 << 3;
const BLOCKED: u16 = 1 << 4;
const RATE_LIMITED: u16 = 1 << 5;
const WITHHELD: u16 = 1 << 6;
const FRAUD_FLAG: u16 = 1 << 7;
const QUOTA_FULL: u16 = 1 << 8;
const OVERLOAD: u16 = 1 << 9;
const ALL: u16 = (1 << 10) - 1;

/// What is dialled at the office.
const DIALLED: [&str; 7] =
    ["112", "9112", "90000", "sip:112@pbx.example;user=phone", "+46112", "urn:service:sos.fire", "１１２"];

/// The lobby stands in the office and has to show a key.
const LOBBY: Asker<'static> = Asker { address: std::net::IpAddr::V4(std::net::Ipv4Addr::new(10, 0, 9, 1)), ..OFFICE };

/// The plan of the scene, with a lobby, rules against callers, and a tenant that is suspended or not, and may make one call a
/// second or as many as it likes.
fn plan(all: u16) -> String {
    let rules = "rules:
  - { name: blocked, priority: 9, match: { called: [any], caller: [\"+46846500466\"] }, reject: { reason: caller_blocked } }
  - { name: no-balance, priority: 9, match: { called: [any], metadata: { balance: [none] } }, reject: { reason: denied_by_plan } }
  - { name: fraud, priority: 9, match: { called: [any], metadata: { fraud: [high] } }, reject: { reason: denied_by_plan } }
";
    let lobby = "peers:\n  - { name: lobby, networks: [10.0.9.0/24], type: pbx, tenant: acme, site: office }\n";
    let plan = PLAN.replace("peers:\n", lobby).replace("rules:\n", rules);
    let mut acme = "- { name: acme".to_owned();
    acme.push_str(if has(all, SUSPENDED) { ", suspended: true" } else { "" });
    acme.push_str(if has(all, RATE_LIMITED) { ", calls_per_s_max: 1" } else { "" });
    let changed = plan.replace("- name: acme\n", &format!("{acme} }}\n"));
    assert!(plan.len() > PLAN.len() + lobby.len() && changed.len() > plan.len(), "the scene's plan has changed");
    changed
}

const fn has(all: u16, one: u16) -> bool {
    all & one != 0
}

fn asker(all: u16) -> Asker<'static> {
    let from = if has(all, UNKNOWN_SUBSCRIBER) { LOBBY } else { OFFICE };
    Asker { key: has(all, TOKEN_EXPIRED).then_some("telness_key_that_was_withdrawn"), ..from }
}

fn drafted(to: &str, all: u16) -> Draft {
    let mut draft = draft(to);
    if has(all, BLOCKED) {
        draft.from = Some("+46846500466".into());
    }
    if has(all, WITHHELD) {
        draft.privacy = Privacy::Withheld;
    }
    if has(all, NO_BALANCE) {
        draft.metadata.insert("balance".into(), "none".into());
    }
    if has(all, FRAUD_FLAG) {
        draft.metadata.insert("fraud".into(), "high".into());
    }
    draft
}

/// Where a call goes; the caller that is shown apart, for another caller is shown as another.
fn ways(steps: &[Step]) -> Vec<(String, String, u32, Option<u32>)> {
    let targets = steps.iter().flat_map(|step| &step.targets);
    targets.map(|to| (to.trunk.to_string(), to.uri.to_string(), to.setup_ms, to.ring_ms)).collect()
}

fn callers(steps: &[Step]) -> Vec<String> {
    steps.iter().flat_map(|step| &step.targets).map(|target| format!("{:?}", target.caller)).collect()
}

/// A node's worth of settings for a call of which so much speaks against it.
struct Stage {
    world: World,
    workflows: Workflows,
    keys: Keys,
}

impl Stage {
    fn of(all: u16) -> Self {
        let mut settings = Settings::defaults();
        if has(all, OVERLOAD) {
            settings.low.calls_in_flight_max = 0;
            settings.high.calls_in_flight_max = 0;
        }
        let world = World::of_plan(read_plan(plan(all).as_bytes(), 1).unwrap());
        Self { world, workflows: Workflows::new(&settings), keys: Keys::new(&settings.keys) }
    }

    /// The spine, step by step, with the denials that nothing in this service can raise yet put into the list by hand.
    async fn steps(&self, to: &str, all: u16) -> Result<(Class, Vec<Step>), Reason> {
        let mut standing = standing(&asker(all), &self.world.plan, &self.keys);
        for (one, detail) in [(RATE_LIMITED, "too many calls a second"), (QUOTA_FULL, "no calls are left this month")] {
            if has(all, one) {
                standing.denials.push(Denial { reason: Reason::Overloaded, detail: detail.into() });
            }
        }
        let trial = TrialCall {
            draft: drafted(to, all),
            id: CallId(uuid::Uuid::from_u128(7)),
            at: Timestamp::from_micros(1_795_435_200_000_000),
            draw_key: [7; 16],
        };
        let trial = try_standing(&self.world, standing, trial).await;
        let _place = self.workflows.enter(trial.classified.class).map_err(|refused| refused.reason())?;
        let (call, decision) = trial.outcome.map_err(|refusal| refusal.denials[0].reason)?;
        if decision.steps.is_empty() { Err(decision.reason) } else { Ok((call.class, decision.steps)) }
    }
}

#[tokio::test]
async fn e7_every_subset_of_what_may_speak_against_a_call_leaves_an_emergency_call_as_it_is() {
    // Only these two are of the world, so that four worlds are enough.
    let stages = [0, SUSPENDED, OVERLOAD, SUSPENDED | OVERLOAD].map(Stage::of);
    let stage = |all: u16| &stages[usize::from(has(all, SUSPENDED)) + 2 * usize::from(has(all, OVERLOAD))];
    for dialled in DIALLED {
        let (class, expected) = stage(0).steps(dialled, 0).await.unwrap();
        assert_eq!((class, expected.len()), (Class::Emergency, 2), "{dialled}");
        for all in 0..=ALL {
            let (class, steps) = stage(all)
                .steps(dialled, all)
                .await
                .unwrap_or_else(|reason| panic!("{dialled} is refused as {reason:?} with {all:#012b} against it"));
            assert_eq!(class, Class::Emergency, "{dialled} with {all:#012b}");
            assert_eq!(ways(&steps), ways(&expected), "{dialled} with {all:#012b}");
            if !has(all, BLOCKED) {
                assert_eq!(callers(&steps), callers(&expected), "{dialled} with {all:#012b}");
            }
        }
    }
    // The same stops any other call, each alone and in all company, but for a number that is withheld.
    for all in 0..=ALL {
        let routed = stage(all).steps("90701740605", all).await;
        assert_eq!(routed.is_ok(), all & !WITHHELD == 0, "a normal call with {all:#012b}: {routed:?}");
    }
}

#[tokio::test]
async fn e7_every_subset_of_what_this_service_can_hold_against_a_call_is_carried_through_a_whole_node() {
    const OF_THE_NODE: u16 = SUSPENDED | OVERLOAD | RATE_LIMITED;
    let mut expected = None;
    for of_the_node in (0..=ALL).filter(|all| all & !OF_THE_NODE == 0) {
        let scene = Scene::with(|settings| {
            if has(of_the_node, OVERLOAD) {
                settings.low.calls_in_flight_max = 0;
                settings.high.calls_in_flight_max = 0;
            }
        });
        let file = scene.file("denials.yaml", &plan(of_the_node));
        scene.engine().reload_plan(Some(&file)).unwrap();
        for all in (0..=ALL).filter(|all| all & QUOTA_FULL == 0 && all & OF_THE_NODE == of_the_node) {
            // Of a tenant that is suspended no calls are counted, so its rate cannot be used up.
            if has(all, RATE_LIMITED) && !has(all, SUSPENDED) {
                use_up_the_rate(&scene).await;
            }
            let answer = scene.call(&asker(all), drafted("112", all)).await.unwrap();
            assert_eq!(answer.record.routing.class, Class::Emergency, "{all:#012b}");
            assert_eq!(answer.proof.as_str(), "deferred", "{all:#012b}");
            let found = ways(&answer.record.personal.steps);
            assert_eq!(&found, expected.get_or_insert_with(|| found.clone()), "{all:#012b}");
            // Of several calls at a second's distance each may be within the rate; some of many are not.
            let mut routed = true;
            for _ in 0..if has(all, RATE_LIMITED) { CALLS_BEYOND_THE_RATE } else { 1 } {
                let normal = scene.call(&asker(all), drafted("90701740605", all)).await;
                routed &= normal.is_ok_and(|answer| !answer.record.personal.steps.is_empty());
                if !routed {
                    break;
                }
            }
            assert_eq!(routed, all & !WITHHELD == 0, "a normal call with {all:#012b}");
        }
    }
    assert_eq!(expected.map(|ways| ways.len()), Some(2));
}

/// Normal calls at once of which one is beyond one call a second, however slow the machine.
const CALLS_BEYOND_THE_RATE: usize = 50;

/// Makes calls until one is refused for the tenant's rate.
async fn use_up_the_rate(scene: &Scene) {
    for _ in 0..CALLS_BEYOND_THE_RATE {
        let refused = scene.call(&OFFICE, draft("90701740605")).await.err();
        if refused.is_some_and(|refused| refused.reason() == Reason::RateLimited) {
            return;
        }
    }
    panic!("{CALLS_BEYOND_THE_RATE} calls are within a rate of one a second");
}
