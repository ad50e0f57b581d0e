//! Prints the JSON Schema of plans: `cargo run -p telness-core --example print-plan-schema > schema/plan.schema.json`.

#![allow(clippy::print_stdout, reason = "printing is what it is for")]

fn main() {
    println!("{:#}", telness_core::plan::schema());
}
