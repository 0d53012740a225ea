//! An object with one member that is an array of objects, read in one walk.

use std::fmt;

use serde::Deserializer;
use serde::de::{DeserializeSeed, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use super::{KeySeed, Keys, Members, MembersVisitor, body_text, read_members};

/// An array of objects that stands in an object, read in the same walk: a batch is most of its body, and looking
/// at it twice would cost more than the rest of the reading.
#[derive(Debug)]
pub enum Objects<'a, const N: usize> {
    /// The key is absent or null.
    Absent,
    /// The value is no array.
    NotAnArray,
    /// Its elements, as far as they were kept; `None` for one that is no object.
    Elements {
        /// The first elements, at most as many as were asked for.
        kept: Vec<Option<Members<'a, N>>>,
        /// How many there are.
        count: usize,
    },
}

/// An object with one member that is an array of objects.
#[derive(Debug)]
pub struct Envelope<'a, const N: usize, const M: usize> {
    /// The other members.
    pub members: Members<'a, N>,
    /// The elements of the array.
    pub objects: Objects<'a, M>,
}

/// How an [`Envelope`] is read.
#[derive(Debug)]
pub struct EnvelopeKeys<const N: usize, const M: usize> {
    /// The keys of the outer object; the array's key is not among them.
    pub outer: Keys<N>,
    /// The key of the array.
    pub array: &'static str,
    /// The keys of its elements.
    pub inner: Keys<M>,
    /// How many elements are kept; the rest are only counted.
    pub keep: usize,
}

impl<const N: usize, const M: usize> EnvelopeKeys<N, M> {
    /// Reads a body; `None` if it is no JSON object.
    pub fn read<'a>(&self, body: &'a [u8]) -> Option<Envelope<'a, N, M>> {
        let text = body_text(body)?;
        let mut deserializer = serde_json::Deserializer::from_str(text);
        let quick = deserializer.deserialize_map(EnvelopeVisitor(self));
        match quick {
            Ok(envelope) => deserializer.end().is_ok().then_some(envelope),
            // The quick walk looks at numbers where an object should be, and refuses those that no float holds.
            Err(_) => self.read_slowly(text),
        }
    }

    pub(super) fn read_slowly<'a>(&self, text: &'a str) -> Option<Envelope<'a, N, M>> {
        let array = Keys([self.array]);
        let array = read_members(text, &array)?.get(0);
        let mut members = read_members(text, &self.outer)?;
        members.unknown.retain(|key| key != self.array);
        let objects = match array.map(|array| array.elements()) {
            None => Objects::Absent,
            Some(None) => Objects::NotAnArray,
            Some(Some(elements)) => Objects::Elements {
                count: elements.len(),
                kept: elements.iter().take(self.keep).map(|element| element.members(&self.inner)).collect(),
            },
        };
        Some(Envelope { members, objects })
    }
}

struct EnvelopeVisitor<'k, const N: usize, const M: usize>(&'k EnvelopeKeys<N, M>);

impl<'de, const N: usize, const M: usize> Visitor<'de> for EnvelopeVisitor<'_, N, M> {
    type Value = Envelope<'de, N, M>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut envelope = Envelope { members: Members::default(), objects: Objects::Absent };
        while let Some(key) = map.next_key_seed(KeySeed)? {
            let key = key.trim();
            if key == self.0.array {
                envelope.objects = map.next_value_seed(ObjectsSeed(self.0))?;
                continue;
            }
            let value = map.next_value()?;
            match self.0.outer.place(key) {
                Some(place) => envelope.members.set(place, value),
                None => envelope.members.add_unknown(key),
            }
        }
        Ok(envelope)
    }
}

struct ObjectsSeed<'k, const N: usize, const M: usize>(&'k EnvelopeKeys<N, M>);

impl<'de, const N: usize, const M: usize> DeserializeSeed<'de> for ObjectsSeed<'_, N, M> {
    type Value = Objects<'de, M>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de, const N: usize, const M: usize> Visitor<'de> for ObjectsSeed<'_, N, M> {
    type Value = Objects<'de, M>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array of objects")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<Self::Value, A::Error> {
        let (mut kept, mut count) = (Vec::new(), 0);
        loop {
            let more = if count < self.0.keep {
                elements.next_element_seed(ObjectSeed { keys: &self.0.inner, kept: &mut kept })?.is_some()
            } else {
                elements.next_element::<&RawValue>()?.is_some()
            };
            if !more {
                return Ok(Objects::Elements { kept, count });
            }
            count += 1;
        }
    }
}

/// The elements of an array of objects in one walk; `None` if the text is anything else.
pub(super) fn read_array<'a, const M: usize>(
    text: &'a str,
    keys: &Keys<M>,
) -> Option<Vec<Option<Members<'a, M>>>> {
    let mut deserializer = serde_json::Deserializer::from_str(text);
    let kept = deserializer.deserialize_seq(ArrayVisitor(keys)).ok()?;
    deserializer.end().is_ok().then_some(kept)
}

struct ArrayVisitor<'k, const M: usize>(&'k Keys<M>);

impl<'de, const M: usize> Visitor<'de> for ArrayVisitor<'_, M> {
    type Value = Vec<Option<Members<'de, M>>>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array of objects")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<Self::Value, A::Error> {
        let mut kept = Vec::new();
        while elements.next_element_seed(ObjectSeed { keys: self.0, kept: &mut kept })?.is_some() {}
        Ok(kept)
    }
}

/// Adds the members of the next object to those that are kept.
struct ObjectSeed<'k, 'm, 'de, const M: usize> {
    keys: &'k Keys<M>,
    kept: &'m mut Vec<Option<Members<'de, M>>>,
}

impl<'de, const M: usize> DeserializeSeed<'de> for ObjectSeed<'_, '_, 'de, M> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        let members = self.kept.push_mut(Some(Members::default())).get_or_insert_default();
        // Anything but an object is an error here, and left to the slow walk.
        deserializer.deserialize_map(MembersVisitor { keys: self.keys, members })
    }
}
