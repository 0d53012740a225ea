//! The keys of request bodies: one table for each object, from which bodies are read and the reference is made.
//!
//! [`Keys::of`](crate::json::Keys::of) takes its keys from such a table, so a key that is read is described, and a
//! limit in a table is the constant that the check compares with. A description may allow more than the check (a
//! pattern does not know the calendar), never less.

mod json;

pub use self::json::{ACCEPTS, add, object};

/// A key of an object.
#[derive(Clone, Copy, Debug)]
pub struct FieldSpec {
    /// The key.
    pub name: &'static str,
    /// Whether it must be there, and not null.
    pub required: bool,
    /// What its value may be.
    pub shape: ValueType,
    /// What it means, in Markdown.
    pub text: &'static str,
}

impl FieldSpec {
    /// A key that must be there; `null` is absence.
    pub const fn required(name: &'static str, shape: ValueType, text: &'static str) -> Self {
        Self { name, required: true, shape, text }
    }

    /// A key that may be left out, or be null, which is the same.
    pub const fn optional(name: &'static str, shape: ValueType, text: &'static str) -> Self {
        Self { name, required: false, shape, text }
    }
}

/// What a value may be. Lengths are in Unicode scalar values or in elements, both ends included.
#[derive(Clone, Copy, Debug)]
pub enum ValueType {
    /// Anything.
    Any,
    /// Null, where that is not the same as absence.
    Null,
    /// true or false.
    Flag,
    /// A string.
    Text {
        /// The shortest.
        min: usize,
        /// The longest.
        max: usize,
        /// A regular expression in the common subset of ECMA-262 and others; empty where there is none.
        pattern: &'static str,
    },
    /// One of these strings.
    Word(&'static [&'static str]),
    /// One of these numbers.
    Code(&'static [u8]),
    /// An integer of 64 bits.
    Integer,
    /// An integer between these two, both included.
    Within(i64, i64),
    /// A number.
    Number,
    /// A number, fractions included, between these two, neither included.
    Between(f64, f64),
    /// An array.
    Array {
        /// What its elements are.
        of: &'static ValueType,
        /// The fewest elements.
        min: usize,
        /// The most elements.
        max: usize,
    },
    /// An object by the name of its schema, which is unique in the description, and its keys. Unknown keys are ignored,
    /// with a warning.
    Object(&'static str, &'static [FieldSpec]),
    /// An object of the name of one around it: what is described contains itself.
    Again(&'static str),
    /// Any of these. The schema has no type: no generator makes one usable type of several.
    OneOf {
        /// The alternatives.
        of: &'static [ValueType],
        /// Values that are accepted, as a JSON array.
        examples: &'static str,
    },
}

impl ValueType {
    /// Any string at all.
    pub const TEXT: Self = Self::Text { min: 0, max: usize::MAX, pattern: "" };

    /// A string of at most so many characters.
    pub const fn text(max: usize) -> Self {
        Self::Text { min: 0, max, pattern: "" }
    }

    /// A string of at most so many characters, one of them no white space.
    pub const fn filled(max: usize) -> Self {
        Self::Text { min: 1, max, pattern: r"\S" }
    }

    /// A string of at most so many characters that matches a pattern.
    pub const fn pattern(max: usize, pattern: &'static str) -> Self {
        Self::Text { min: 0, max, pattern }
    }
}
