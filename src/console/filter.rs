//! Which contacts of a list are meant, as addresses and forms say it: the keys of contacts/find.

use serde_json::{Map, Value, json};
use url::form_urlencoded;

use super::Fields;

/// The fields that are true or false.
pub const FLAGS: [&str; 7] = [
    "active",
    "emailSubscribe",
    "smsSubscribe",
    "desktopWebPushSubscribe",
    "mobileWebPushSubscribe",
    "telegramSubscribe",
    "viberSubscribe",
];

/// Those that are texts.
const TEXTS: [&str; 3] = ["sourceId", "updatedSince", "namePrefix"];

/// What was said, blanks left out.
#[derive(Clone, Debug, Default)]
pub struct Filter(Vec<(&'static str, String)>);

impl Filter {
    /// Of a form or an address.
    pub fn read(fields: &Fields) -> Self {
        let named = FLAGS.into_iter().chain(TEXTS).map(|name| (name, fields.get(name).to_owned()));
        Self(named.filter(|(_, text)| !text.is_empty()).collect())
    }

    /// All that is said.
    pub fn iter(&self) -> impl Iterator<Item = (&'static str, &str)> {
        self.0.iter().map(|(name, text)| (*name, text.as_str()))
    }

    /// Whether all contacts are meant.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// As keys of contacts/find, which refuses what is none.
    pub fn body(&self) -> Map<String, Value> {
        let value = |name: &str, text: &str| match text {
            "true" if FLAGS.contains(&name) => json!(true),
            "false" if FLAGS.contains(&name) => json!(false),
            text => json!(text),
        };
        self.iter().map(|(name, text)| (name.to_owned(), value(name, text))).collect()
    }

    /// As what stands behind the question mark of an address.
    pub fn query(&self) -> String {
        form_urlencoded::Serializer::new(String::new()).extend_pairs(self.iter()).finish()
    }
}
