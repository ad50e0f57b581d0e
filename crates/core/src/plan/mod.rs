//! The plan: the document that people edit, its check, and the compiled form that calls are decided on.

mod prefix_table;
mod tables;

pub use prefix_table::PrefixTable;
pub use tables::*;
