//! Who may read and edit what is kept: the operator all of it, a tenant's key what is that tenant's, to read.

use std::sync::Arc;

use telness_core::names::TenantName;
use telness_core::reason::Reason;
use telness_core::standing::Denial;

use super::{Asker, Keys};
use crate::config::KeyHolder;

/// The author of what is edited on a trial, where there is no key yet.
const TRIAL: &str = "loopback";

/// What somebody may.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Access {
    /// Read and edit what is there of all tenants.
    Operator {
        /// Who it is, for the log of changes.
        author: Arc<str>,
    },
    /// Read what is this tenant's, and edit nothing.
    Tenant(TenantName),
}

impl Access {
    /// Whether what belongs to a tenant, or to none, may be read.
    #[must_use]
    pub fn may_read(&self, of: Option<&TenantName>) -> bool {
        match self {
            Self::Operator { .. } => true,
            Self::Tenant(own) => of == Some(own),
        }
    }

    /// The only tenant whose things may be read; none if those of all may be.
    #[must_use]
    pub const fn only(&self) -> Option<&TenantName> {
        match self {
            Self::Operator { .. } => None,
            Self::Tenant(own) => Some(own),
        }
    }

    /// Who edits.
    ///
    /// # Errors
    /// When it is not the operator.
    pub fn operator(self) -> Result<Arc<str>, Denial> {
        match self {
            Self::Operator { author } => Ok(author),
            Self::Tenant(_) => Err(Denial {
                reason: Reason::OperatorNeeded,
                detail: "the API key is a tenant's, and this is the operator's to do".into(),
            }),
        }
    }
}

/// Finds what an asker may. A network proves nobody here: it is by keys alone, but for a trial, on which there is none
/// and nobody else can reach the service.
///
/// # Errors
/// When it may nothing.
pub fn access(asker: &Asker<'_>, keys: &Keys) -> Result<Access, Denial> {
    let unknown = |detail: &str| Denial { reason: Reason::Unauthenticated, detail: detail.into() };
    match asker.key.map(|key| keys.holder_of(key)) {
        Some(Some(KeyHolder::Operator(name))) => Ok(Access::Operator { author: name.as_str().into() }),
        Some(Some(KeyHolder::Tenant(tenant))) => Ok(Access::Tenant(tenant.clone())),
        Some(None) => Err(unknown("the API key is not known")),
        None if keys.is_empty() && asker.address.is_loopback() => Ok(Access::Operator { author: TRIAL.into() }),
        None => Err(unknown("this needs an API key, and none was sent")),
    }
}
