//! From tables to the world that calls are decided on, off the threads that carry calls: what did not change is taken
//! over from the world before.

use std::collections::BTreeMap;
use std::sync::Arc;

use telness_core::directory::{Issues, Tenant};
use telness_core::last_resort::LastResort;
use telness_core::names::{TenantName, TrunkName};
use telness_core::plan::{self, Plan, PrefixTable, read_plan};
use telness_core::rates::Deck;
use telness_core::time::Timestamp;
use telness_core::world::{Decks, Health, World};

use super::tables::{PlanText, Tables};

/// A plan has faults; it is refused whole (S3).
#[derive(Clone, Debug, thiserror::Error)]
#[error("the plan {name} has faults:\n{rendered}")]
pub struct FaultyPlan {
    /// What it is called.
    pub name: Arc<str>,
    /// Every fault, with its line.
    pub rendered: String,
}

/// A world and what it was compiled of.
#[derive(Clone, Debug)]
pub struct Compiled {
    /// The world.
    pub world: World,
    /// What does not fit together between the rows and the plan.
    pub issues: Issues,
    /// The plan.
    pub plan: PlanText,
    tenants: BTreeMap<TenantName, Tenant>,
    decks: BTreeMap<TrunkName, CompiledDeck>,
}

/// A deck's table, of when it is, and until when.
#[derive(Clone, Debug)]
struct CompiledDeck {
    deck: Arc<Deck>,
    table: Arc<PrefixTable>,
    made_at: Timestamp,
    changes_at: Option<Timestamp>,
}

impl CompiledDeck {
    fn is_of(&self, deck: &Arc<Deck>, now: Timestamp) -> bool {
        // A clock that went back may be before what the table was made for.
        Arc::ptr_eq(&self.deck, deck) && self.made_at <= now && self.changes_at.is_none_or(|at| now < at)
    }
}

impl Tables {
    /// Compiles a world of a plan and these rows for a time. `before` is the world in service; what is the same is not
    /// done again. A million rows with a small delta take some milliseconds and the look for issues.
    ///
    /// # Errors
    /// When the plan has faults: then nothing changes, and the world before stays in service (S3).
    pub fn compile(&self, plan: &PlanText, now: Timestamp, before: Option<&Compiled>) -> Result<Compiled, FaultyPlan> {
        let same = before.filter(|before| before.plan == *plan && before.tenants == self.tenants);
        let compiled = match same {
            Some(before) => Arc::clone(&before.world.plan),
            None => Arc::new(self.compile_plan(plan)?),
        };
        let health = before.map_or_else(Arc::<Health>::default, |before| Arc::clone(&before.world.health));
        let (tables, decks) = self.compile_decks(now, before);
        let last_resort = before.map_or_else(LastResort::default, |before| before.world.last_resort.clone());
        let world = World::new(compiled, self.directory.clone(), decks, health).with_last_resort(last_resort);
        let issues = world.directory.issues(&world.plan);
        Ok(Compiled { world, issues, plan: plan.clone(), tenants: self.tenants.clone(), decks: tables })
    }

    /// The plan with the store's tenants; of two of one name the plan's own counts.
    fn compile_plan(&self, plan: &PlanText) -> Result<Plan, FaultyPlan> {
        let mut compiled = read_plan(plan.text.as_bytes(), plan.revision).map_err(|faults| FaultyPlan {
            name: Arc::clone(&plan.name),
            rendered: faults.render(&plan.name, &plan.text),
        })?;
        for warning in &compiled.warnings {
            tracing::warn!(plan = %plan.name, line = warning.line, code = %warning.code, "{}", warning.message);
        }
        for tenant in self.tenants.values() {
            compiled.tenants.entry(tenant.name.clone()).or_insert_with(|| {
                let mut prefixes = tenant.outside_line_prefixes.clone();
                prefixes.sort_unstable();
                prefixes.dedup();
                plan::Tenant {
                    suspended: tenant.suspended,
                    calls_per_s_max: tenant.calls_per_s_max,
                    outside_line_prefixes: prefixes.into(),
                }
            });
        }
        Ok(compiled)
    }

    fn compile_decks(&self, now: Timestamp, before: Option<&Compiled>) -> (BTreeMap<TrunkName, CompiledDeck>, Decks) {
        let mut tables = BTreeMap::new();
        let mut decks = Decks::default();
        for (trunk, deck) in &self.decks {
            let kept = before.and_then(|before| before.decks.get(trunk)).filter(|kept| kept.is_of(deck, now));
            let compiled = kept.cloned().unwrap_or_else(|| {
                let (table, changes_at) = deck.table(now);
                CompiledDeck { deck: Arc::clone(deck), table: Arc::new(table), made_at: now, changes_at }
            });
            let changes = [decks.changes_at, compiled.changes_at];
            decks = decks.with(trunk.clone(), Arc::clone(&compiled.table));
            decks.changes_at = changes.into_iter().flatten().min();
            tables.insert(trunk.clone(), compiled);
        }
        decks.version = self.decks_version;
        (tables, decks)
    }
}
