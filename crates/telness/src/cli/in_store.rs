//! Commands that read or change what is in the store's control plane, beside a running service or without one.

use telness_engine::{storage, store_file};
use telness_store::StoreError;
use telness_store::control::{Control, ControlError};

use super::{Exit, Failure, SettingFlags};

/// What a command does there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Access {
    Reads,
    Changes,
}

/// Runs a command's work on the store of the settings: the shared database, or the file in the data folder.
pub(super) fn in_store<T>(
    flags: &SettingFlags,
    access: Access,
    work: impl AsyncFnOnce(Control) -> Result<T, Failure>,
) -> Result<T, Failure> {
    let settings = flags.load(None)?.settings;
    let file = store_file(&settings.data);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(Failure::cannot)?;
    runtime.block_on(async {
        let opened = match access {
            Access::Changes if settings.store.url.is_some() || file.exists() => {
                storage::open(&settings.store, &file, storage::unobserved()).map(Some)
            }
            _ => storage::open_read_only(&settings.store, &file),
        };
        let Some(opened) = opened.map_err(|error| failed(&error.into()))? else {
            let file = file.display();
            return Err(Failure::cannot(format_args!("there is no store {file} yet; the first start makes it")));
        };
        work(opened.control.with_calls_final_after(settings.billing.open_max)).await
    })
}

/// Why the store did not do it: it refused, or it could not.
pub(super) fn failed(error: &ControlError) -> Failure {
    match error {
        ControlError::Refused { .. } | ControlError::Faults { .. } => Failure::new(Exit::No, error),
        ControlError::Store(StoreError::Broken(_) | StoreError::Later { .. }) => {
            Failure::new(Exit::Damaged, format_args!("the store cannot do it: {error}; `telness doctor` looks into it"))
        }
        ControlError::Store(_) => Failure::cannot(format_args!("the store cannot do it: {error}")),
    }
}
