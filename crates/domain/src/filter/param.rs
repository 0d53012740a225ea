//! The keys of a filter, as bodies are read and the reference describes them.

use super::decode::{MAX_LEAVES, MAX_VALUES};
use super::subject::Op;
use crate::schema::{FieldSpec, ValueType};

/// `filter` of a body.
pub const FILTER: FieldSpec = FieldSpec::optional(
    "filter",
    ValueType::Object(NAME, &NODE),
    "Contacts that match this filter. It applies beside the other keys that narrow.",
);

/// The name of the schema.
const NAME: &str = "Filter";

/// The filters of a group.
const GROUP: ValueType = ValueType::Array { of: &ValueType::Again(NAME), min: 1, max: MAX_LEAVES };

/// The keys of a filter: a group, a condition, or a segment.
pub const NODE: [FieldSpec; 6] = [
    FieldSpec::optional("all", GROUP, "A group: all of these filters match."),
    FieldSpec::optional("any", GROUP, "A group: at least one of these filters matches."),
    FieldSpec::optional(
        "field",
        ValueType::filled(MAX_FIELD),
        "A condition: the field of a contact, `variables.` and the name of a variable, `createdAt`, `updatedAt`, \
         `cac.value`, `cac.currency` or `suppressed`.",
    ),
    FieldSpec::optional("op", ValueType::Word(&Op::NAMES), "How the field is compared."),
    FieldSpec::optional(
        "value",
        ValueType::OneOf {
            of: &[
                ValueType::TEXT,
                ValueType::Number,
                ValueType::Flag,
                ValueType::Array { of: &ValueType::Any, min: 1, max: MAX_VALUES },
            ],
            examples: r#"["pro", 30, true, ["2026-01-01", null]]"#,
        },
        "What it is compared with: a text, a number, a flag, a day `YYYY-MM-DD` or a time `YYYY-MM-DD hh:mm:ss` (UTC). \
         `in` takes an array of them. `between` takes an array of two ends, both included; one of them may be null. \
         `inLast` takes a number of days. `empty` and `notEmpty` take nothing.",
    ),
    FieldSpec::optional(
        "segment",
        ValueType::pattern(usize::MAX, r"^\s*[0-9a-fA-F]{24}\s*$"),
        "Contacts of the segment of the list with this id.",
    ),
];

/// The longest name of a field, in characters: `variables.` and the name of a variable.
const MAX_FIELD: usize = 300;
