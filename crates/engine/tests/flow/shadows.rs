//! No plan that is taken puts anything before 112, whatever it is made of: random plans of what could (E4).

use telness_core::call::CallId;
use telness_core::class::Class;
use telness_core::decide::Action;
use telness_core::plan::read_plan;
use telness_core::time::Timestamp;
use telness_core::world::World;
use telness_engine::auth::Keys;
use telness_engine::config::Settings;
use telness_engine::{TrialCall, try_call};
use telness_testkit::Dice;

use crate::scene::{CARRIER, OFFICE, draft};

const PLANS: u32 = 1_000;

/// Digits that are 112, lead to it, come out of it, or have nothing to do with it.
const DIGITS: [&str; 16] =
    ["112", "11", "1", "12", "2", "1120", "0112", "9112", "46112", "112112", "9", "0", "00", "88", "200", "1177"];

struct Maker(Dice);

impl Maker {
    fn one<'a>(&mut self, of: &[&'a str]) -> &'a str {
        of[usize::try_from(self.0.below(of.len() as u64)).unwrap()]
    }

    fn some(&mut self, most: u64, mut make: impl FnMut(&mut Self, u64) -> String) -> String {
        let count = self.0.below(most + 1);
        (0..count).map(|at| make(self, at)).collect()
    }

    fn translations(&mut self) -> String {
        let items = self.some(3, |maker, _| {
            let (prefix, prepend) = (maker.one(&DIGITS), maker.one(&["", "", "1", "11", "112", "+46", "0", "9"]));
            let sign = maker.one(&["", "", "+", "+46"]);
            let strip = maker.0.below(1 + (sign.len() + prefix.len()) as u64);
            format!("{{ prefix: \"{sign}{prefix}\", strip: {strip}, prepend: \"{prepend}\" }}, ")
        });
        format!("[{items}]")
    }

    fn rules(&mut self) -> String {
        self.some(4, |maker, at| {
            let called = match maker.0.below(4) {
                0 => maker.one(&["any", "+46", "+461", "+46112", "+4", "1177"]).to_owned(),
                1 => format!("ext:{}", maker.one(&DIGITS)),
                2 => format!("+46{}", maker.one(&DIGITS)),
                _ => maker.one(&DIGITS).to_owned(),
            };
            let action = match maker.0.below(4) {
                0 => "reject: { reason: caller_blocked }".to_owned(),
                1 => "route: [{ trunk: south }]".to_owned(),
                2 => format!("rewrite: {{ to: \"ext:{}\" }}", maker.one(&DIGITS)),
                _ => format!("rewrite: {{ strip: {}, prepend: \"{}\" }}", maker.0.below(4), maker.one(&DIGITS)),
            };
            let priority = maker.0.below(3);
            format!("  - {{ name: r{at}, priority: {priority}, match: {{ called: [\"{called}\"] }}, {action} }}\n")
        })
    }

    /// A plan of an office and a carrier, and the office's outside-line prefix.
    fn plan(&mut self) -> (String, &'static str) {
        let prefix = self.one(&["", "9", "0", "1", "11", "112", "90"]);
        let outside = if prefix.is_empty() { String::new() } else { format!(", outside_line_prefix: \"{prefix}\"") };
        let (from, to) = (1 + self.0.below(4), 1 + self.0.below(6));
        let extensions =
            if self.0.one_in(3) { String::new() } else { format!(", extension_digits: {{ from: {from}, to: {to} }}") };
        let extension =
            if self.0.one_in(2) { String::new() } else { format!(", extension: \"{}\"", self.one(&DIGITS)) };
        let vital = self.one(&["1177", "112", "11", "+46846500499", "1177"]);
        let (inward, outward) = (self.translations(), self.translations());
        let rules = self.rules();
        let text = format!(
            "version: 1
default_region: SE
default_tenant: acme
tenants: [{{ name: acme }}]
sites:
  - {{ name: office, tenant: acme, region: SE{outside}{extensions} }}
peers:
  - {{ name: office-pbx, networks: [10.0.0.0/16], type: pbx, tenant: acme, site: office, trusted: true }}
  - {{ name: carrier, networks: [203.0.113.0/24], trunk: north, trusted: true }}
trunks:
  - name: north
    translations: {{ in_called: {inward}, out_called: {outward} }}
    gateways: [{{ name: gw1, address: \"203.0.113.1:5060\" }}]
  - {{ name: south, gateways: [{{ name: gw1, address: \"203.0.113.17:5060\" }}] }}
users:
  - {{ name: anna, tenant: acme, numbers: [\"+46846500410\"]{extension}, devices: [{{ trunk: south, number: \"ext:7\" }}] }}
rules:
{rules}  - {{ name: out, match: {{ called: [any] }}, route: [{{ trunk: north }}] }}
emergency: {{ default: [{{ trunk: north }}, {{ trunk: south }}] }}
vital: [{{ region: SE, numbers: [\"{vital}\"] }}]
"
        );
        (text, prefix)
    }
}

#[tokio::test]
async fn e4_no_plan_that_is_taken_puts_anything_before_an_emergency_number() {
    let seed = Dice::fresh_seed();
    println!("seed {seed}");
    let (mut maker, keys) = (Maker(Dice::seeded(seed)), Keys::new(&Settings::defaults().keys));
    let mut taken = 0;
    for _ in 0..PLANS {
        let (text, prefix) = maker.plan();
        let Ok(plan) = read_plan(text.as_bytes(), 1) else { continue };
        taken += 1;
        let world = World::of_plan(plan);
        let dialled = ["112", "1-1-2", "tel:112", "+112", "+46112", "0046112", "sip:112@203.0.113.1;user=phone"];
        let outside = (!prefix.is_empty()).then(|| format!("{prefix}112"));
        let from_office = dialled.into_iter().chain(outside.as_deref()).map(|dialled| (OFFICE, dialled));
        for (asker, to) in from_office.chain(dialled.map(|dialled| (CARRIER, dialled))) {
            let trial = TrialCall {
                draft: draft(to),
                id: CallId(uuid::Uuid::from_u128(7)),
                at: Timestamp::from_micros(1_795_435_200_000_000),
                draw_key: [7; 16],
            };
            let (call, decision) = try_call(&world, &keys, &asker, trial).await.outcome.unwrap_or_else(|refused| {
                panic!("{to} is refused: {refused:?}\n{text}");
            });
            assert_eq!((call.class, decision.action), (Class::Emergency, Action::Route), "{to}\n{text}");
            let trunks: Vec<&str> =
                decision.steps.iter().flat_map(|step| &step.targets).map(|target| target.trunk.as_str()).collect();
            assert_eq!(trunks, ["north", "south"], "{to}\n{text}");
            assert!(decision.rule.is_none() && decision.trace.rules.is_empty(), "{to} asks a rule\n{text}");
        }
    }
    println!("{taken} of {PLANS} plans are taken");
    assert!(taken > PLANS / 40 && taken < PLANS, "{taken} of {PLANS} plans are taken: nothing is tried");
}
