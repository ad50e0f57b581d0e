//! A request for a call, from its bytes to a [`Draft`] that carries its own faults.
//!
//! Nothing is refused here. A draft with faults goes to the engine, which classifies it first: an emergency call
//! goes on with what could be read (E8), any other is refused with every fault at once.

use std::borrow::Cow;
use std::sync::Arc;

use telness_core::call::{CallType, Diversion, Draft, Metadata, Privacy, SENT_BYTES_MAX};
use telness_core::reason::Reason;

use super::fields::{Faults, Fields, TextRule, graphic, plain};
use super::json::{self, Entries, Json};
use super::location;

/// The largest number, caller or diverting number, in bytes.
pub const NUMBER_BYTES_MAX: usize = SENT_BYTES_MAX;
/// Entries of `metadata`.
pub const METADATA_ENTRIES_MAX: usize = 32;
/// A key of `metadata`, in bytes.
pub const METADATA_KEY_BYTES_MAX: usize = 64;
/// A value of `metadata`, in bytes.
pub const METADATA_VALUE_BYTES_MAX: usize = 256;
/// Entries of `diversions`.
pub const DIVERSIONS_MAX: usize = 16;
/// A switch's own id of a call, in bytes.
pub const SIP_CALL_ID_BYTES_MAX: usize = 255;
/// Why a call was forwarded, in bytes.
pub const CAUSE_BYTES_MAX: usize = 64;
/// An idempotency key, in bytes.
pub const IDEMPOTENCY_KEY_BYTES_MAX: usize = 255;

/// What a request said, beside the draft.
#[derive(Debug)]
pub struct Asked {
    /// The call.
    pub draft: Draft,
    /// Whether the answer is to have the trace.
    pub trace: bool,
}

/// The top of a request's body: its fields, all of them or, if it breaks off, those before; the fault says so.
pub(super) fn open<'a>(text: &'a str, faults: &mut Faults) -> Result<Entries<'a>, Entries<'a>> {
    match json::read(text) {
        Ok(Json::Object(entries)) => Ok(entries),
        Ok(_) => {
            faults.body(Reason::RequestUnreadable, "the body must be one JSON object");
            Err(Vec::new())
        }
        Err(broken) => {
            faults.body(Reason::RequestUnreadable, format!("the body is not JSON: {}", broken.why));
            Err(broken.finished)
        }
    }
}

/// The body as text. What is not UTF-8 is a fault and stands as U+FFFD, so that the rest can be read.
pub(super) fn text_of<'a>(body: &'a [u8], faults: &mut Faults) -> Cow<'a, str> {
    std::str::from_utf8(body).map_or_else(
        |wrong| {
            let why = format!("the body is not UTF-8, at byte {}", wrong.valid_up_to());
            faults.body(Reason::RequestUnreadable, why);
            String::from_utf8_lossy(body)
        },
        Cow::Borrowed,
    )
}

/// Reads a request for a call. `faults` has what its head had wrong, and how its body did not arrive whole.
#[must_use]
pub fn read(body: &[u8], idempotency_key: Option<Arc<str>>, mut faults: Faults) -> Asked {
    let text = text_of(body, &mut faults);
    let entries = open(&text, &mut faults).unwrap_or_else(|mut finished| {
        // It is refused for that, unless it is an emergency call: that needs its destination and nothing else (E8).
        finished.retain(|(name, _)| name == "to");
        finished
    });
    let mut fields = Fields::new("", entries, &mut faults);
    let (to, to_again) = to(&mut fields);
    let from = fields.text("from", plain(NUMBER_BYTES_MAX)).map(shared);
    let kind = fields.word("type", |word| word.parse::<CallType>().ok(), "one of mobile, pbx, sip and api");
    let metadata = fields.object("metadata").map(|entries| metadata(entries, fields.faults)).unwrap_or_default();
    let location = location::read(&mut fields);
    let privacy = fields.word("privacy", privacy, "none or withheld").unwrap_or_default();
    let diversions = fields.list("diversions").map(|list| diversions(list, fields.faults)).unwrap_or_default();
    let sip_call_id = fields.text("sip_call_id", graphic(SIP_CALL_ID_BYTES_MAX)).map(shared);
    let trace = fields.flag("trace").unwrap_or(false);
    fields.done();
    let faults = faults.into_vec();
    let draft = Draft {
        to,
        to_again,
        from,
        kind,
        privacy,
        diversions,
        metadata,
        location,
        sip_call_id,
        idempotency_key,
        faults,
    };
    Asked { draft, trace }
}

#[allow(clippy::needless_pass_by_value, reason = "it ends an option's text in one word")]
pub(super) fn shared(text: Cow<'_, str>) -> Arc<str> {
    Arc::from(text.as_ref())
}

/// What was dialled, and what was sent as that again.
fn to(fields: &mut Fields<'_, '_>) -> (Arc<str>, Vec<Arc<str>>) {
    let values = fields.take_every("to");
    if values.is_empty() && !fields.faults.of_body() {
        fields.faults.add("to", Reason::FieldMissing, "is needed: what was dialled");
    }
    let mut sent = values.into_iter().filter_map(|value| destination(value, fields.faults));
    (sent.next().unwrap_or_else(|| Arc::from("")), sent.collect())
}

/// One destination. What is wrong with it is a fault, but it is read all the same and whole: it may be 112 (E8), and
/// of half a text nobody can tell (E2).
fn destination(value: Json<'_>, faults: &mut Faults) -> Option<Arc<str>> {
    let text = match value {
        Json::Text(text) => text,
        Json::Spoiled(text, why) => {
            faults.add("to", Reason::RequestUnreadable, why);
            text
        }
        Json::Whole(number) => {
            faults.invalid("to", "must be a text, such as \"112\"");
            Cow::Owned(number.to_string())
        }
        Json::Unusable(why) => {
            faults.add("to", Reason::RequestUnreadable, why);
            return None;
        }
        _ => {
            faults.invalid("to", "must be a text");
            return None;
        }
    };
    if text.is_empty() {
        faults.invalid("to", "must not be empty");
    }
    if text.len() > NUMBER_BYTES_MAX {
        faults.add("to", Reason::RequestTooLarge, format!("has {} bytes; the limit is {NUMBER_BYTES_MAX}", text.len()));
    }
    Some(shared(text))
}

fn privacy(word: &str) -> Option<Privacy> {
    match word {
        "none" => Some(Privacy::None),
        "withheld" => Some(Privacy::Withheld),
        _ => None,
    }
}

fn is_key(key: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'_' | b'.' | b'-');
    (1..=METADATA_KEY_BYTES_MAX).contains(&key.len()) && key.bytes().all(allowed)
}

fn metadata(entries: Entries<'_>, faults: &mut Faults) -> Metadata {
    let mut metadata = Metadata::new();
    if entries.len() > METADATA_ENTRIES_MAX {
        let why = format!("has more than {METADATA_ENTRIES_MAX} entries");
        faults.add("metadata", Reason::RequestTooLarge, why);
        return metadata;
    }
    for (key, value) in entries {
        if !is_key(&key) {
            faults.invalid("metadata", "has a key that is not 1 to 64 of a-z, 0-9, '_', '.' and '-'");
            continue;
        }
        let mut one = Fields::new("metadata", vec![(Cow::Borrowed(&*key), value)], faults);
        let Some(value) = one.text(&key, plain(METADATA_VALUE_BYTES_MAX)) else { continue };
        if metadata.insert(Arc::from(&*key), shared(value)).is_some() {
            faults.add(&format!("metadata.{key}"), Reason::RequestUnreadable, "is there more than once");
        }
    }
    metadata
}

fn diversions(list: Vec<Json<'_>>, faults: &mut Faults) -> Vec<Diversion> {
    const CAUSE: TextRule = TextRule {
        bytes_max: CAUSE_BYTES_MAX,
        allows: |character| character.is_ascii_lowercase() || character.is_ascii_digit() || character == '-',
        of: "a-z, 0-9 and '-'",
    };
    if list.len() > DIVERSIONS_MAX {
        faults.add("diversions", Reason::RequestTooLarge, format!("has more than {DIVERSIONS_MAX} entries"));
    }
    let mut diversions = Vec::with_capacity(list.len().min(DIVERSIONS_MAX));
    for (at, entry) in list.into_iter().take(DIVERSIONS_MAX).enumerate() {
        let path = format!("diversions[{at}]");
        let Json::Object(entries) = entry else {
            faults.invalid(&path, "must be an object");
            continue;
        };
        let mut fields = Fields::new(&path, entries, faults);
        let before = fields.faults.count();
        let by = fields.text("by", plain(NUMBER_BYTES_MAX)).map(shared);
        if by.is_none() && fields.faults.count() == before {
            let path = fields.path("by");
            fields.faults.add(&path, Reason::FieldMissing, "is needed: who forwarded");
        }
        let cause = fields.text("cause", CAUSE).map_or_else(|| Arc::from("unknown"), shared);
        fields.done();
        diversions.extend(by.map(|by| Diversion { by, cause }));
    }
    diversions
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read_text(text: &str) -> Asked {
        read(text.as_bytes(), None, Faults::default())
    }

    fn faults(text: &str) -> Vec<(String, Reason)> {
        let faults = read_text(text).draft.faults;
        faults.into_iter().map(|fault| (fault.field.to_string(), fault.reason)).collect()
    }

    #[test]
    fn a_whole_request_is_read() {
        let asked = read_text(
            r#"{"to":"070-174 06 06","from":"+46701740605","type":"mobile","metadata":{"a.b-c_1":"x"},
                "location":{"latitude":59.33,"longitude":18,"uncertainty_m":50,"cell":"240-01-1","municipality":"0180"},
                "privacy":"withheld","diversions":[{"by":"+46846500400","cause":"no-answer"},{"by":"4321"}],
                "sip_call_id":"a@192.0.2.1","trace":true}"#,
        );
        assert_eq!(asked.draft.faults, []);
        assert!(asked.trace);
        assert_eq!(&*asked.draft.to, "070-174 06 06");
        assert_eq!(asked.draft.kind, Some(CallType::Mobile));
        assert_eq!(asked.draft.privacy, Privacy::Withheld);
        assert_eq!(asked.draft.metadata.len(), 1);
        assert_eq!(asked.draft.location.as_ref().and_then(|at| at.longitude), Some(18.0));
        assert_eq!(&*asked.draft.diversions[1].cause, "unknown");
    }

    #[test]
    fn every_wrong_field_is_told_at_once() {
        let found = faults(
            r#"{"from":7,"type":"fax","metadata":{"A":"x","b":1,"c":"x","c":"y"},"location":{"latitude":91,"x":1},
                "privacy":true,"diversions":[1,{"cause":"NO"}],"sip_call_id":"a b","trace":"yes","colour":1}"#,
        );
        let fields: Vec<&str> = found.iter().map(|(field, _)| field.as_str()).collect();
        let expected = [
            "to",
            "from",
            "type",
            "metadata",
            "metadata.b",
            "metadata.c",
            "location.latitude",
            "location.x",
            "privacy",
            "diversions[0]",
            "diversions[1].by",
            "diversions[1].cause",
            "sip_call_id",
            "trace",
            "colour",
        ];
        assert_eq!(fields, expected);
    }

    #[test]
    fn an_unreadable_body_has_one_fault_and_no_destination() {
        for text in
            ["", "[]", "{\"to\":\"112", "{\"to\":112", "to=112", "7", "[{\"to\":\"112\"}]", "{\"x\":{\"to\":\"112\"}"]
        {
            assert_eq!(faults(text), [(String::new(), Reason::RequestUnreadable)], "{text}");
            assert_eq!(&*read_text(text).draft.to, "", "{text}");
        }
        assert_eq!(faults("{}"), [("to".to_owned(), Reason::FieldMissing)]);
        assert_eq!(faults(r#"{"to":null}"#), [("to".to_owned(), Reason::FieldMissing)]);
    }

    #[test]
    fn e8_a_body_that_breaks_off_has_one_fault_and_the_destination_before_it() {
        for text in [
            r#"{"to":"112","#,
            r#"{"to":"112",}"#,
            r#"{"to":"112""#,
            r#"{"to":"112"}x"#,
            "{\"to\":\"112\"}\0",
            r#"{"to":"112"}{}"#,
            r#"{"to":"112","from":"+46"#,
            r#"{"to":"112","from":+4670}"#,
            r#"{"colour":1,"to":"112","location":{"municipality":0180}}"#,
            r#"{"to":"112","location":{"latitude":NaN}}"#,
        ] {
            assert_eq!(faults(text), [(String::new(), Reason::RequestUnreadable)], "{text}");
            assert_eq!(&*read_text(text).draft.to, "112", "{text}");
        }
    }

    #[test]
    fn e8_a_destination_is_read_whole_and_in_every_place_that_it_has() {
        let of = |text: &str| {
            let draft = read_text(text).draft;
            let again: Vec<String> = draft.to_again.iter().map(|to| to.to_string()).collect();
            let faults: Vec<Reason> = draft.faults.iter().map(|fault| fault.reason).collect();
            (draft.to.to_string(), again, faults)
        };
        let none = Vec::<String>::new;
        assert_eq!(of(r#"{"to":null,"to":"112","to":null}"#), ("112".to_owned(), none(), vec![]));
        let doubled = r#"{"to":"0701740605","to":[],"to":"112"}"#;
        let both = vec![Reason::RequestUnreadable, Reason::FieldInvalid];
        assert_eq!(of(doubled), ("0701740605".to_owned(), vec!["112".to_owned()], both));
        let long = format!("sip:112@example.net;x={}", "a".repeat(256));
        assert_eq!(of(&format!("{{\"to\":\"{long}\"}}")), (long, none(), vec![Reason::RequestTooLarge]));
        assert_eq!(of("{\"to\":\"112\n\"}"), ("112\n".to_owned(), none(), vec![Reason::RequestUnreadable]));
        // What stands for no character may have been a digit: it is seen, and such a text is no 112 (E2).
        assert_eq!(of(r#"{"to":"112\ud835"}"#).0, "112\u{fffd}");
        let many: String = (0..200).map(|at| format!("\"a{at}\":{at},")).collect();
        assert_eq!(of(&format!("{{{many}\"to\":\"112\"}}")).0, "112");
    }

    #[test]
    fn e8_the_destination_is_read_beside_whatever_is_wrong() {
        let broken = [
            r#"{"to":"112","from":"\ud800"}"#.as_bytes(),
            br#"{"from":"\xc5sa","to":"112"}"#,
            b"{\"metadata\":{\"name\":\"\xc5sa\"},\"to\":\"112\"}",
            br#"{"location":{"latitude":1e999},"to":"112"}"#,
            br#"{"metadata":[[[[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]]]],"to":"112"}"#,
            br#"{"to":"112","to":"070-1740605"}"#,
            br#"{"to":112}"#,
            br#"{"to":"112","type":[],"privacy":{},"diversions":"x","sip_call_id":1,"trace":0,"x":null}"#,
        ];
        for body in broken {
            let asked = read(body, None, Faults::default());
            assert_eq!(&*asked.draft.to, "112", "{}", String::from_utf8_lossy(body));
            assert!(!asked.draft.faults.is_empty());
        }
    }

    #[test]
    fn limits_are_kept_to_the_byte() {
        let metadata = |entries: usize, key: usize, value: usize| {
            let entry = |at: usize| format!("\"{at:0>key$}\":\"{}\"", "v".repeat(value));
            let entries: Vec<String> = (0..entries).map(entry).collect();
            faults(&format!("{{\"to\":\"1\",\"metadata\":{{{}}}}}", entries.join(",")))
        };
        assert_eq!(metadata(32, 64, 256), []);
        assert_eq!(metadata(33, 64, 256), [("metadata".to_owned(), Reason::RequestTooLarge)]);
        assert_eq!(metadata(1, 65, 256)[0].1, Reason::FieldInvalid);
        assert_eq!(metadata(1, 64, 257)[0].1, Reason::RequestTooLarge);
        let to = |bytes: usize| faults(&format!("{{\"to\":\"{}\"}}", "1".repeat(bytes)));
        assert_eq!(to(256), []);
        assert_eq!(to(257), [("to".to_owned(), Reason::RequestTooLarge)]);
        let diversions = |count: usize| {
            let list = vec![r#"{"by":"+46846500400"}"#; count].join(",");
            read_text(&format!("{{\"to\":\"1\",\"diversions\":[{list}]}}")).draft
        };
        assert_eq!((diversions(16).diversions.len(), diversions(16).faults.len()), (16, 0));
        assert_eq!((diversions(17).diversions.len(), diversions(17).faults.len()), (16, 1));
    }

    proptest! {
        #[test]
        fn any_bytes_give_a_draft(body in prop::collection::vec(any::<u8>(), 0..256)) {
            let asked = read(&body, None, Faults::default());
            prop_assert!(!asked.draft.to.is_empty() || !asked.draft.faults.is_empty());
        }
    }
}
