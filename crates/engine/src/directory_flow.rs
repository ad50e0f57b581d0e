//! What people edit, asked for and changed through an edge: who may, what they see of it, and that each change names its
//! author. What is changed here is in service once the nodes have followed the store.

use telness_core::directory::{Block, NumberEntry, Tenant, User};
use telness_core::names::TenantName;
use telness_core::reason::Reason;
use telness_core::standing::Denial;
use telness_store::control::{
    Control, ControlError, Deck, Edit, Entity, Expect, ListPage, ListQuery, Refusal, Version, Versioned,
};

use crate::auth::{Access, Asker, access};
use crate::node::Engine;
use crate::plan_flow::PublishError;

/// Why something that people edit was not read or changed. Nothing was changed.
#[derive(Debug, thiserror::Error)]
pub enum DirectoryError {
    /// Who asked may not.
    #[error("denied")]
    Denied(Denial),
    /// There is none, or it is another tenant's.
    #[error("there is no such {0}")]
    NotFound(&'static str),
    /// The store refused or cannot.
    #[error(transparent)]
    Control(#[from] ControlError),
    /// A plan was not published.
    #[error(transparent)]
    Publish(#[from] PublishError),
}

impl DirectoryError {
    /// The stable reason: of several, the first.
    #[must_use]
    pub fn reason(&self) -> Reason {
        match self {
            Self::Denied(denial) => denial.reason,
            Self::NotFound(_) => Reason::NotFound,
            Self::Control(error) | Self::Publish(PublishError::Control(error)) => reason_of(error),
            Self::Publish(PublishError::Faulty(_)) => Reason::PlanFaulty,
            Self::Publish(PublishError::Died(_)) => Reason::Internal,
        }
    }
}

fn reason_of(error: &ControlError) -> Reason {
    match error {
        ControlError::Store(_) => Reason::StoreUnavailable,
        ControlError::Refused { refusal, .. } => reason_of_refusal(refusal),
        ControlError::Faults { faults, .. } => {
            faults.first().map_or(Reason::FieldInvalid, |fault| reason_of_refusal(&fault.refusal))
        }
    }
}

/// The stable reason of a refusal.
#[must_use]
pub const fn reason_of_refusal(refusal: &Refusal) -> Reason {
    match refusal {
        Refusal::Invalid(_) | Refusal::Twice { .. } => Reason::FieldInvalid,
        Refusal::NotFound => Reason::NotFound,
        Refusal::Unexpected { .. } => Reason::PreconditionFailed,
        Refusal::Conflict { .. } => Reason::Conflict,
    }
}

type Answer<T> = Result<T, ControlError>;

/// A kind of thing that is kept one by one.
pub trait Kept: Entity {
    /// Whose one is; none if it is nobody's.
    fn owner(&self) -> Option<&TenantName>;
    /// Reads one.
    fn get(control: &Control, key: &Self::Key) -> impl Future<Output = Answer<Option<Versioned<Self>>>> + Send;
    /// Reads some, in the order of their keys.
    fn list(control: &Control, query: &ListQuery<Self>) -> impl Future<Output = Answer<ListPage<Self>>> + Send;
    /// Deletes one.
    fn delete(
        control: &Control,
        edit: &Edit,
        key: &Self::Key,
        expect: Expect,
    ) -> impl Future<Output = Answer<Version>> + Send;
}

/// A kind of thing that people put whole.
pub trait Edited: Kept {
    /// Puts several in one change, or none.
    fn put_all(
        control: &Control,
        edit: &Edit,
        items: Vec<(Self, Expect)>,
    ) -> impl Future<Output = Answer<Version>> + Send;
    /// Puts one.
    fn put(control: &Control, edit: &Edit, value: Self, expect: Expect)
    -> impl Future<Output = Answer<Version>> + Send;
}

macro_rules! kept {
    ($($kind:ty: $owner:expr;)*) => {$(
        impl Kept for $kind {
            fn owner(&self) -> Option<&TenantName> {
                let owner: fn(&Self) -> Option<&TenantName> = $owner;
                owner(self)
            }

            async fn get(control: &Control, key: &Self::Key) -> Answer<Option<Versioned<Self>>> {
                control.get::<Self>(key).await
            }

            async fn list(control: &Control, query: &ListQuery<Self>) -> Answer<ListPage<Self>> {
                control.list::<Self>(query).await
            }

            async fn delete(control: &Control, edit: &Edit, key: &Self::Key, expect: Expect) -> Answer<Version> {
                control.delete::<Self>(edit, key, expect).await
            }
        }
    )*};
}

macro_rules! edited {
    ($($kind:ty),*) => {$(
        impl Edited for $kind {
            async fn put_all(control: &Control, edit: &Edit, items: Vec<(Self, Expect)>) -> Answer<Version> {
                control.put_all(edit, items).await
            }

            async fn put(control: &Control, edit: &Edit, value: Self, expect: Expect) -> Answer<Version> {
                control.put(edit, value, expect).await
            }
        }
    )*};
}

kept! {
    Tenant: |tenant| Some(&tenant.name);
    User: |user| Some(&user.tenant);
    Block: |block| block.tenant.as_ref();
    NumberEntry: |entry| Some(&entry.tenant);
    Deck: |_| None;
}
edited!(Tenant, User, Block, NumberEntry);

/// What was put, as it is now.
#[derive(Clone, Debug)]
pub struct Put<E> {
    /// What it is, and the change that it is of.
    pub now: Versioned<E>,
    /// Whether there was none before.
    pub made: bool,
}

impl Engine {
    /// What an asker may of what is kept of tenants, users, numbers, plans and rate decks.
    pub(crate) fn access(&self, asker: &Asker<'_>) -> Result<Access, Denial> {
        access(asker, &self.keys)
    }

    /// What the log is to say of an edit by this asker, who has to be the operator.
    ///
    /// # Errors
    /// When it is not.
    pub fn editor(&self, asker: &Asker<'_>, comment: &str) -> Result<Edit, DirectoryError> {
        let author = self.access(asker).and_then(Access::operator).map_err(DirectoryError::Denied)?;
        Ok(Edit { author: author.to_string(), comment: comment.to_owned(), at: self.clock.now() })
    }

    /// The control plane, for an asker who has to be the operator.
    ///
    /// # Errors
    /// When it is not.
    pub fn control_of_operator(&self, asker: &Asker<'_>) -> Result<&Control, DirectoryError> {
        self.access(asker).and_then(Access::operator).map_err(DirectoryError::Denied)?;
        Ok(self.control())
    }

    /// Reads one thing that the asker may read.
    ///
    /// # Errors
    /// When there is none, it is another tenant's, or the store cannot tell.
    pub async fn read_kept<E: Kept>(&self, asker: &Asker<'_>, key: &E::Key) -> Result<Versioned<E>, DirectoryError> {
        let access = self.access(asker).map_err(DirectoryError::Denied)?;
        let found = E::get(self.control(), key).await?;
        found.filter(|found| access.may_read(found.value.owner())).ok_or(DirectoryError::NotFound(E::NAME))
    }

    /// Reads some things that the asker may read: of those of others there are none.
    ///
    /// # Errors
    /// When the store cannot tell.
    pub async fn list_kept<E: Kept>(
        &self,
        asker: &Asker<'_>,
        mut query: ListQuery<E>,
    ) -> Result<ListPage<E>, DirectoryError> {
        let access = self.access(asker).map_err(DirectoryError::Denied)?;
        if let Some(own) = access.only() {
            if query.tenant.as_ref().is_some_and(|tenant| tenant != own) {
                return Ok(ListPage { items: Vec::new(), next: None });
            }
            query.tenant = Some(own.clone());
        }
        Ok(E::list(self.control(), &query).await?)
    }

    /// Puts one thing: makes it or changes it.
    ///
    /// # Errors
    /// When the asker may not, it is refused, or the store cannot; then nothing was changed.
    pub async fn put_kept<E: Edited>(&self, edit: &Edit, value: E, expect: Expect) -> Result<Put<E>, DirectoryError> {
        let made = match expect {
            Expect::Absent => true,
            Expect::Version(_) => false,
            Expect::Any => E::get(self.control(), &value.key()).await?.is_none(),
        };
        let version = E::put(self.control(), edit, value.clone(), expect).await?;
        Ok(Put { now: Versioned { value, version }, made })
    }
}
