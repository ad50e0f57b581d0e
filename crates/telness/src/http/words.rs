//! The words that stand for the values of some fields, for the document: what is written comes from the core.

use utoipa::ToSchema;

macro_rules! words {
    ($($(#[$doc:meta])* $name:ident as $shown:ident { $($(#[$word_doc:meta])* $word:ident,)* })*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, serde::Serialize, ToSchema)]
        #[serde(rename_all = "snake_case")]
        #[schema(as = $shown)]
        pub enum $name {$(
            $(#[$word_doc])*
            $word,
        )*}
    )*};
}

words! {
    /// How much depends on a call.
    ClassWord as Class {
        /// To an emergency service.
        Emergency,
        /// To a number that the plan lists as vital.
        Vital,
        /// Everything else.
        Normal,
        /// What may wait.
        Background,
    }
    /// The settings under which a call is carried.
    WorkflowWord as Workflow {
        /// Emergency and vital calls.
        High,
        /// All others.
        Low,
    }
    /// What is to be done with a call.
    ActionWord as Action {
        /// Try the steps.
        Route,
        /// End the call with the reason's SIP status or Q.850 cause.
        Reject,
    }
    /// What told where an emergency call is: what is nearer to the caller comes first.
    LocationSourceWord as LocationSource {
        /// The position in a location by value.
        PidfLo,
        /// Latitude and longitude, as sent.
        Coordinates,
        /// The civic address in a location by value.
        CivicAddress,
        /// The cell, as sent.
        Cell,
        /// The municipality, as sent.
        Municipality,
        /// The site that the request names.
        Site,
        /// The peer's site.
        RegisteredSite,
        /// Nothing: anywhere in the region.
        Region,
    }
    /// Whose routes an emergency call has.
    EmergencyRowWord as EmergencyRow {
        /// The area's.
        Area,
        /// The region's.
        Region,
        /// The plan's default.
        Default,
        /// The node's own.
        LastResort,
        /// Nobody's: there are none.
        Nothing,
    }
    /// What kind of network a call comes from.
    CallTypeWord as CallType {
        /// A mobile core.
        Mobile,
        /// A private branch exchange.
        Pbx,
        /// Any other SIP network.
        Sip,
        /// An application.
        Api,
    }
    /// Which way a call goes, seen from the tenants.
    DirectionWord as Direction {
        /// From a tenant's own switch, phone or application.
        FromTenant,
        /// From a carrier, to a number that a tenant holds.
        FromCarrier,
    }
    /// Whether the caller's number may be shown.
    PrivacyWord as Privacy {
        /// It may.
        None,
        /// It must not.
        Withheld,
    }
    /// How far a call or a leg has come.
    StateWord as State {
        /// Nothing was reported yet.
        Decided,
        /// It rings.
        Ringing,
        /// It was answered and goes on.
        Answered,
        /// It ended without an answer.
        Failed,
        /// It was answered and has ended.
        Ended,
    }
    /// What happened to a leg.
    EventKindWord as EventKind {
        /// It rings.
        Ringing,
        /// It was answered.
        Answered,
        /// It ended without an answer.
        Failed,
        /// It ended after an answer.
        Ended,
    }
    /// Whether a candidate was used.
    VerdictWord as Verdict {
        /// It was used.
        Kept,
        /// It was used, after all others.
        Last,
        /// It was not used.
        Dropped,
    }
    /// How a call or an event is recorded.
    RecordedWord as Recorded {
        /// Durable on this node.
        Journaled,
        /// In the store.
        Committed,
        /// Durable within the journal's group time; emergency calls do not wait.
        Deferred,
    }
}

#[cfg(test)]
mod tests {
    use serde::Serialize;
    use telness_core::call::{CallType, Direction, Privacy};
    use telness_core::class::{Class, Workflow};
    use telness_core::decide::Action;
    use telness_core::location::{EmergencyRow, LocationSource};
    use telness_core::record::{CdrState, EventKind};

    use super::*;

    /// The values that the document allows are those that the core writes, and in the same number.
    fn same<T: utoipa::PartialSchema>(core: &[&dyn erased::Write]) {
        let schema = serde_json::to_value(T::schema()).unwrap();
        let mut documented: Vec<String> = Vec::new();
        collect(&schema, &mut documented);
        let written: Vec<String> = core.iter().map(|word| word.write()).collect();
        assert_eq!(documented, written);
    }

    fn collect(schema: &serde_json::Value, into: &mut Vec<String>) {
        for word in schema["enum"].as_array().into_iter().flatten() {
            into.push(word.as_str().unwrap().to_owned());
        }
        for inner in schema["oneOf"].as_array().into_iter().flatten() {
            collect(inner, into);
        }
    }

    mod erased {
        pub(super) trait Write {
            fn write(&self) -> String;
        }

        impl<T: super::Serialize> Write for T {
            fn write(&self) -> String {
                serde_json::to_value(self).unwrap().as_str().unwrap().to_owned()
            }
        }
    }

    #[test]
    fn the_document_has_the_words_of_the_core() {
        same::<ClassWord>(&[&Class::Emergency, &Class::Vital, &Class::Normal, &Class::Background]);
        same::<WorkflowWord>(&[&Workflow::High, &Workflow::Low]);
        same::<LocationSourceWord>(&LocationSource::ALL.each_ref().map(|source| source as &dyn erased::Write));
        same::<EmergencyRowWord>(&[
            &EmergencyRow::Area,
            &EmergencyRow::Region,
            &EmergencyRow::Default,
            &EmergencyRow::LastResort,
            &EmergencyRow::Nothing,
        ]);
        same::<ActionWord>(&[&Action::Route, &Action::Reject]);
        same::<CallTypeWord>(&[&CallType::Mobile, &CallType::Pbx, &CallType::Sip, &CallType::Api]);
        same::<DirectionWord>(&[&Direction::FromTenant, &Direction::FromCarrier]);
        same::<PrivacyWord>(&[&Privacy::None, &Privacy::Withheld]);
        let states = [CdrState::Decided, CdrState::Ringing, CdrState::Answered, CdrState::Failed, CdrState::Ended];
        same::<StateWord>(&states.each_ref().map(|state| state as &dyn erased::Write));
        same::<EventKindWord>(&EventKind::ALL.each_ref().map(|kind| kind as &dyn erased::Write));
    }
}
