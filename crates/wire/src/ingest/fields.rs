//! The keys of a contact on the wire, described.

use super::variables;
use domain::contact::field::{Field, Kind, MAX_TEXT};
use domain::contact::gender;
use domain::contact::http_url::MAX_CHARS;
use domain::schema::{FieldSpec, ValueType};

/// How many keys a contact has on the wire.
pub const KEY_COUNT: usize = CONSENT + 1;

/// The place of `contact`.
pub const CONTACT: usize = 0;
/// The place of `variables`: behind the fields.
pub const VARIABLES: usize = Field::COUNT + 1;
/// The place of `customerSourceId`.
pub const CUSTOMER_SOURCE_ID: usize = VARIABLES + 1;
/// The place of `externalId`.
pub const EXTERNAL_ID: usize = VARIABLES + 2;
/// The place of `resubscribe`.
pub const RESUBSCRIBE: usize = VARIABLES + 3;
/// The place of `consent`.
pub const CONSENT: usize = VARIABLES + 4;

/// The place of a field.
pub const fn place(field: Field) -> usize {
    field.place() + 1
}

/// The keys of a contact, each at its place.
pub const PARAMS: [FieldSpec; KEY_COUNT] = {
    let mut params = [FieldSpec::optional("", ValueType::Any, ""); KEY_COUNT];
    params[CONTACT] = FieldSpec::required(
        "contact",
        ValueType::pattern(usize::MAX, r"^\s*(\S[\s\S]{0,254})\s*$"),
        "Whom it is about: a userId, an e-mail address or a phone number that the contact has. It is looked for as a \
         userId first, then as an address, then as a number. If no contact is found and one is created, it fills \
         the identifier of its kind, unless the item names that one.",
    );
    params[VARIABLES] =
        FieldSpec::optional("variables", variables::SHAPE, "Values of the list's own variables.");
    params[CUSTOMER_SOURCE_ID] = FieldSpec::optional(
        "customerSourceId",
        // No pattern: the server does not look at it beside `sourceId`, and the page's own example has none that fits.
        ValueType::TEXT,
        "Where the contact comes from, by your own id: at most 40 ASCII letters and digits; `\"\"` clears. Ignored if \
         `sourceId` is given.",
    );
    params[EXTERNAL_ID] = FieldSpec::optional(
        "externalId",
        ValueType::TEXT,
        "An old name of `userId`. Ignored if `userId` is given.",
    );
    params[RESUBSCRIBE] = FieldSpec::optional(
        "resubscribe",
        ValueType::Flag,
        "Whether the item may set flags to true that were set to false before, where `optOut` is `keep`. False by \
         default, and then these flags stay false, with the note `OPTED_OUT` in the result. Own to this server.",
    );
    params[CONSENT] = FieldSpec::optional(
        "consent",
        super::proof::SHAPE,
        "How the flags of the item were chosen: stored in the consent ledger, see consent/find. The item must name a \
         flag. An undo leaves such a flag as it is. Own to this server.",
    );
    let mut index = 0;
    while index < Field::ALL.len() {
        params[self::place(Field::ALL[index])] = param(Field::ALL[index]);
        index += 1;
    }
    params
};

/// The same in the order of the vendor's page, for people.
pub const IN_ORDER: [FieldSpec; KEY_COUNT] = {
    let mut params = [PARAMS[EXTERNAL_ID]; KEY_COUNT];
    params[0] = PARAMS[CONTACT];
    params[KEY_COUNT - 2] = PARAMS[RESUBSCRIBE];
    params[KEY_COUNT - 1] = PARAMS[CONSENT];
    let (mut index, mut place) = (0, 1);
    while index < Field::ALL.len() {
        if matches!(Field::ALL[index], Field::Source) {
            params[place] = PARAMS[VARIABLES];
            place += 1;
        }
        params[place] = PARAMS[self::place(Field::ALL[index])];
        place += 1;
        if matches!(Field::ALL[index], Field::Source) {
            params[place] = PARAMS[CUSTOMER_SOURCE_ID];
            place += 1;
        }
        index += 1;
    }
    params
};

/// The same for contacts that are added: nobody is looked up.
pub const ADDED: [FieldSpec; KEY_COUNT] = {
    let mut params = IN_ORDER;
    params[0] =
        FieldSpec::optional("contact", ValueType::Any, "Not looked at; clients of contacts/update send it.");
    params
};

/// The keys of `cac`.
pub const CAC: [FieldSpec; 2] = [
    FieldSpec::required(
        "value",
        ValueType::OneOf {
            of: &[ValueType::Between(0.0, 1e15), ValueType::TEXT],
            examples: r#"["2.05", 2.05, ""]"#,
        },
        "The amount: a positive number below 10^15, or a string that is one. It is rounded to five decimals, half to \
         even, and must be positive after that. `\"\"` clears the cost.",
    ),
    FieldSpec::required("currency", ValueType::Word(&["USD", "EUR"]), "The currency."),
];

/// What `cac` may be, save for the blank text that clears it: a type for both would be usable in few clients.
pub const CAC_SHAPE: ValueType = ValueType::Object("CacInput", &CAC);

/// What a userId may be: no control characters, white space around it aside. Nothing else in it clears.
const USER_ID: ValueType = ValueType::pattern(usize::MAX, r"^\s*([^\u0000-\u001f\u007f-\u009f]{0,255})\s*$");

/// What a customerSourceId may be, white space around it aside. Nothing else in it clears.
pub const CUSTOMER_SOURCE: ValueType = ValueType::pattern(usize::MAX, r"^\s*([A-Za-z0-9]{0,40})\s*$");

const fn param(field: Field) -> FieldSpec {
    FieldSpec::optional(field.name(), shape(field), field.text())
}

const fn shape(field: Field) -> ValueType {
    let Some(kind) = field.kind() else {
        return if matches!(field, Field::Cac) { CAC_SHAPE } else { ValueType::TEXT };
    };
    match kind {
        Kind::Identifier => match field {
            Field::Email => ValueType::pattern(usize::MAX, r"^\s*([\s\S]{0,254})\s*$"),
            Field::PhoneNumber => ValueType::pattern(usize::MAX, r"^\s*(\+[1-9][0-9]{1,14})?\s*$"),
            _ => USER_ID,
        },
        Kind::Text => ValueType::text(MAX_TEXT),
        Kind::Flag => ValueType::Flag,
        Kind::Birthday => ValueType::pattern(usize::MAX, r"^\s*([0-9]{4}-[0-9]{2}-[0-9]{2})?\s*$"),
        Kind::Language => ValueType::pattern(usize::MAX, r"^\s*([A-Za-z]{2})?\s*$"),
        Kind::Gender => ValueType::OneOf {
            of: &[ValueType::Code(&gender::CODES), ValueType::TEXT],
            examples: r#"[2, "2", "female", ""]"#,
        },
        Kind::Timezone => ValueType::TEXT,
        Kind::Score => {
            ValueType::OneOf { of: &[ValueType::Integer, ValueType::TEXT], examples: r#"[100, "100", ""]"# }
        }
        Kind::Link => ValueType::text(MAX_CHARS),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_orders_have_every_key_once() {
        let names = |params: &[FieldSpec; KEY_COUNT]| {
            let mut names: Vec<_> = params.iter().map(|param| param.name).collect();
            names.sort_unstable();
            names
        };
        let (places, page) = (names(&PARAMS), names(&IN_ORDER));
        assert_eq!(places, page);
        assert!(places.windows(2).all(|pair| pair[0] < pair[1]), "{places:?}");
        assert!(!places.contains(&""));
    }
}
