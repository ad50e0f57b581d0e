//! A request for a call as the document shows it; [`super::call_request`] reads it.

use utoipa::ToSchema;
use utoipa::openapi::schema::{Object, ObjectBuilder, SchemaType, Type};

use super::call_request::{METADATA_ENTRIES_MAX, METADATA_KEY_BYTES_MAX, METADATA_VALUE_BYTES_MAX};
use super::words::{CallTypeWord, PrivacyWord};

/// Text without control characters, as a regular expression.
const PLAIN: &str = r"^[^\x00-\x1f\x7f-\x9f]+$";

/// A call to be decided.
#[derive(ToSchema)]
#[schema(example = json!({
    "to": "070-174 06 06", "from": "+46701740605", "type": "mobile",
    "metadata": {"campaign": "spring"}, "sip_call_id": "a84b4c76e66710@192.0.2.10", "trace": false
}))]
#[serde(deny_unknown_fields)]
pub struct CallRequest {
    /// What was dialled, as the caller or the switch wrote it: national, international, `tel:`, `sip:`, a short
    /// number, an extension, or an emergency service's URN: at most 256 bytes in UTF-8, but for an emergency call. It is
    /// read in the region of the peer's site.
    #[schema(min_length = 1, max_length = 256, example = "070-174 06 06")]
    pub to: String,
    /// The calling number, as sent: at most 256 bytes in UTF-8. `anonymous` and the like mean that there is none to
    /// show.
    #[schema(min_length = 1, max_length = 256, pattern = r"^[^\x00-\x1f\x7f-\x9f]+$", example = "+46701740605")]
    pub from: Option<String>,
    /// What kind of network the call comes from: `mobile`, `pbx`, `sip` or `api`. The peer's kind if absent.
    #[schema(rename = "type", example = "mobile")]
    pub kind: Option<CallTypeWord>,
    /// See [`metadata_schema`].
    #[schema(schema_with = metadata_schema)]
    pub metadata: Option<()>,
    /// Where the caller is.
    pub location: Option<LocationRequest>,
    /// `withheld` if the caller's number must not be shown, else `none`.
    #[schema(example = "none")]
    pub privacy: Option<PrivacyWord>,
    /// The forwards that the call has been through, latest first: at most 16. More than five end the call with the
    /// reason `forward_loop`.
    #[schema(max_items = 16)]
    pub diversions: Option<Vec<DiversionRequest>>,
    /// The switch's own id of the call (SIP Call-ID), to search by: printable ASCII, at most 255 bytes.
    #[schema(min_length = 1, max_length = 255, pattern = "^[!-~]+$", example = "a84b4c76e66710@192.0.2.10")]
    pub sip_call_id: Option<String>,
    /// Whether the answer has the decision's whole trace.
    #[schema(default = false)]
    pub trace: Option<bool>,
}

/// Metadata in the document: the derived schema has no place for what a key may be.
fn metadata_schema() -> Object {
    let value = ObjectBuilder::new()
        .schema_type(SchemaType::from_iter([Type::String, Type::Null]))
        .min_length(Some(1))
        .max_length(Some(METADATA_VALUE_BYTES_MAX))
        .pattern(Some(PLAIN));
    let key = ObjectBuilder::new()
        .schema_type(Type::String)
        .min_length(Some(1))
        .max_length(Some(METADATA_KEY_BYTES_MAX))
        .pattern(Some("^[a-z0-9_.-]+$"));
    ObjectBuilder::new()
        .schema_type(SchemaType::from_iter([Type::Object, Type::Null]))
        .description(Some(
            "What rules may match and the record keeps: at most 32 entries; keys of 1 to 64 of `a-z`, `0-9`, `_`, `.`, \
             `-`; values of 1 to 256 bytes in UTF-8.",
        ))
        .property_names(Some(key))
        .additional_properties(Some(value))
        .max_properties(Some(METADATA_ENTRIES_MAX))
        .build()
}

/// Where the caller is, in as many ways as are known. Latitude and longitude come together or not at all. An emergency call
/// goes by what is nearest to the caller: see `location_used` in the answer.
#[derive(ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LocationRequest {
    /// Degrees north, WGS 84.
    #[schema(minimum = -90, maximum = 90, example = 59.33)]
    pub latitude: Option<f64>,
    /// Degrees east, WGS 84.
    #[schema(minimum = -180, maximum = 180, example = 18.06)]
    pub longitude: Option<f64>,
    /// Radius of uncertainty in metres.
    #[schema(minimum = 0, maximum = 20_040_000, example = 50)]
    pub uncertainty_m: Option<f64>,
    /// The cell's global identity: printable ASCII, at most 64 bytes.
    #[schema(min_length = 1, max_length = 64, pattern = "^[!-~]+$", example = "240-01-1234-56789")]
    pub cell: Option<String>,
    /// The municipality's code: printable ASCII, at most 16 bytes.
    #[schema(min_length = 1, max_length = 16, pattern = "^[!-~]+$", example = "0180")]
    pub municipality: Option<String>,
    /// The plan's site where the caller is, if it is another than the peer's: printable ASCII, at most 64 bytes.
    #[schema(min_length = 1, max_length = 64, pattern = "^[!-~]+$", example = "kista")]
    pub site: Option<String>,
    /// Whether the caller may be anywhere, whatever is registered.
    #[schema(default = false)]
    pub nomadic: Option<bool>,
    /// A location by value: PIDF-LO (RFC 4119, 5139, 5491) as XML, at most 16,384 bytes, without a document type. Its first
    /// position in WGS 84 and its first civic address are read.
    #[schema(min_length = 1, max_length = 16_384)]
    pub pidf_lo: Option<String>,
}

/// One forward.
#[derive(ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DiversionRequest {
    /// Who forwarded, as sent: at most 256 bytes in UTF-8.
    #[schema(min_length = 1, max_length = 256, pattern = r"^[^\x00-\x1f\x7f-\x9f]+$", example = "+46846500400")]
    pub by: String,
    /// Why, in the words of RFC 5806, such as `no-answer`; `unknown` if absent.
    #[schema(min_length = 1, max_length = 64, pattern = "^[a-z0-9-]+$", example = "no-answer")]
    pub cause: Option<String>,
}

#[cfg(test)]
mod tests {
    use telness_core::call::FieldFault;
    use telness_core::reason::Reason;
    use utoipa::PartialSchema as _;

    use super::super::call_request::{CAUSE_BYTES_MAX, DIVERSIONS_MAX, NUMBER_BYTES_MAX, SIP_CALL_ID_BYTES_MAX, read};
    use super::super::fields::Faults;
    use super::super::location::{CELL_BYTES_MAX, MUNICIPALITY_BYTES_MAX};
    use super::*;
    use crate::pidf_lo::PIDF_LO_BYTES_MAX;
    use telness_core::names::NAME_BYTES_MAX;

    fn faults(text: &str) -> Vec<FieldFault> {
        read(text.as_bytes(), None, Faults::default()).draft.faults
    }

    #[test]
    fn the_documented_request_has_every_field_and_the_parser_takes_it() {
        let schema = serde_json::to_value(CallRequest::schema()).unwrap();
        let names: Vec<&String> = schema["properties"].as_object().unwrap().keys().collect();
        for name in &names {
            let text = format!("{{\"to\":\"1\",\"{name}\":\"\"}}");
            let unknown = faults(&text).into_iter().any(|fault| fault.reason == Reason::FieldUnknown);
            assert!(!unknown, "{name} is in the document and not in the parser");
        }
        assert_eq!(names.len(), 9, "a field of the parser is not in the document: {names:?}");
        assert_eq!(faults(&schema["example"].to_string()), []);
    }

    #[test]
    fn the_document_has_the_limits_of_the_parser() {
        const GRAPHIC: &str = "^[!-~]+$";
        let call = serde_json::to_value(CallRequest::schema()).unwrap();
        let location = serde_json::to_value(LocationRequest::schema()).unwrap();
        let diversion = serde_json::to_value(DiversionRequest::schema()).unwrap();
        let limits = |schema: &serde_json::Value| {
            let limit = |name: &str| usize::try_from(schema[name].as_u64().unwrap_or(0)).unwrap();
            (limit("minLength"), limit("maxLength"), schema["pattern"].as_str().unwrap_or("").to_owned())
        };
        let call = &call["properties"];
        let metadata = &call["metadata"];
        assert_eq!(metadata["maxProperties"], METADATA_ENTRIES_MAX);
        assert_eq!(call["diversions"]["maxItems"], DIVERSIONS_MAX);
        let cases = [
            (&call["to"], NUMBER_BYTES_MAX, ""),
            (&call["from"], NUMBER_BYTES_MAX, PLAIN),
            (&call["sip_call_id"], SIP_CALL_ID_BYTES_MAX, GRAPHIC),
            (&metadata["propertyNames"], METADATA_KEY_BYTES_MAX, "^[a-z0-9_.-]+$"),
            (&metadata["additionalProperties"], METADATA_VALUE_BYTES_MAX, PLAIN),
            (&location["properties"]["cell"], CELL_BYTES_MAX, GRAPHIC),
            (&location["properties"]["municipality"], MUNICIPALITY_BYTES_MAX, GRAPHIC),
            (&location["properties"]["site"], NAME_BYTES_MAX, GRAPHIC),
            (&location["properties"]["pidf_lo"], PIDF_LO_BYTES_MAX, ""),
            (&diversion["properties"]["by"], NUMBER_BYTES_MAX, PLAIN),
            (&diversion["properties"]["cause"], CAUSE_BYTES_MAX, "^[a-z0-9-]+$"),
        ];
        for (schema, bytes_max, pattern) in cases {
            assert_eq!(limits(schema), (1, bytes_max, pattern.to_owned()), "{schema}");
        }
    }

    #[test]
    fn the_parser_takes_as_much_as_its_limits_and_no_byte_more() {
        let cases = [
            ("to", NUMBER_BYTES_MAX, r#"{"to":"@"}"#),
            ("from", NUMBER_BYTES_MAX, r#"{"to":"1","from":"@"}"#),
            ("sip_call_id", SIP_CALL_ID_BYTES_MAX, r#"{"to":"1","sip_call_id":"@"}"#),
            ("metadata", METADATA_KEY_BYTES_MAX, r#"{"to":"1","metadata":{"@":"x"}}"#),
            ("metadata.k", METADATA_VALUE_BYTES_MAX, r#"{"to":"1","metadata":{"k":"@"}}"#),
            ("location.cell", CELL_BYTES_MAX, r#"{"to":"1","location":{"cell":"@"}}"#),
            ("location.municipality", MUNICIPALITY_BYTES_MAX, r#"{"to":"1","location":{"municipality":"@"}}"#),
            ("location.site", NAME_BYTES_MAX, r#"{"to":"1","location":{"site":"@"}}"#),
            ("diversions[0].by", NUMBER_BYTES_MAX, r#"{"to":"1","diversions":[{"by":"@"}]}"#),
            ("diversions[0].cause", CAUSE_BYTES_MAX, r#"{"to":"1","diversions":[{"by":"2","cause":"@"}]}"#),
        ];
        for (field, bytes_max, text) in cases {
            let of = |bytes: usize| faults(&text.replace('@', &"1".repeat(bytes)));
            assert_eq!(of(bytes_max), [], "{field}");
            let found = of(bytes_max + 1);
            assert!(found.len() == 1 && &*found[0].field == field, "{field}: {found:?}");
        }
        let many = |count: usize, entry: fn(usize) -> String| (0..count).map(entry).collect::<Vec<_>>().join(",");
        let metadata = |count| {
            faults(&format!("{{\"to\":\"1\",\"metadata\":{{{}}}}}", many(count, |at| format!("\"k{at}\":\"x\""))))
        };
        let diversions = |count| {
            faults(&format!("{{\"to\":\"1\",\"diversions\":[{}]}}", many(count, |_| "{\"by\":\"2\"}".to_owned())))
        };
        assert_eq!((metadata(METADATA_ENTRIES_MAX).len(), metadata(METADATA_ENTRIES_MAX + 1).len()), (0, 1));
        assert_eq!((diversions(DIVERSIONS_MAX).len(), diversions(DIVERSIONS_MAX + 1).len()), (0, 1));
    }
}
