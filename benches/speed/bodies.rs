//! The contacts: made of their number alone, and changed by a stamp alone, so that what a contact must look like is
//! known at the end without keeping it. Bodies are formatted text: no tree of values is built for them.

use std::io::Write;

use serde_json::{Value, json};

use crate::Result;
use crate::target::Target;

/// The most contacts in a request.
pub const BATCH: u32 = 100;

const FIRST: [&str; 8] = ["John", "Maria", "Olena", "Jürgen", "Aiko", "Pedro", "Fatima", "Kristiina"];
const LAST: [&str; 8] = ["Doe", "Schmidt", "Kovalenko", "Tamm", "Suzuki", "García", "Haddad", "O'Neil"];
const LANGUAGES: [&str; 5] = ["en", "de", "uk", "et", "es"];
const TIME_ZONES: [&str; 5] =
    ["Europe/Tallinn", "Europe/Berlin", "Europe/Kyiv", "America/New_York", "Asia/Tokyo"];
const CITIES: [&str; 5] = ["Tallinn", "Berlin", "Kyiv", "New York", "Tokyo"];

fn pick<'a>(texts: &[&'a str], number: u32) -> &'a str {
    texts[number as usize % texts.len()]
}

/// The five fields that an update sets (the name is first and last). Contact `n` is created with those of stamp `n`.
struct Changing {
    first: &'static str,
    last: &'static str,
    score: u32,
    active: bool,
    birthday: String,
    shop: String,
}

impl Changing {
    fn of(stamp: u32) -> Self {
        Self {
            first: pick(&FIRST, stamp),
            last: pick(&LAST, stamp / 8),
            score: stamp,
            active: stamp.is_multiple_of(2),
            birthday: format!("{}-{:02}-{:02}", 1950 + stamp % 50, 1 + stamp % 12, 1 + stamp % 28),
            shop: format!("Shop no. {stamp}"),
        }
    }
}

/// A request that creates the contacts of this range, every field of the vendor's example filled.
pub fn fill(out: &mut Vec<u8>, target: &Target, contacts: std::ops::Range<u32>) -> Result<()> {
    head(out, target, true)?;
    for (index, n) in contacts.enumerate() {
        let comma = if index == 0 { "" } else { "," };
        let Changing { first, last, score, active, birthday, shop } = Changing::of(n);
        write!(
            out,
            r#"{comma}{{"contact":"user-{n}","name":"{first} {last}","email":"user{n}@example.com","phoneNumber":"+1555{n:08}","userId":"user-{n}","active":{active},"emailSubscribe":true,"smsSubscribe":true,"desktopWebPushSubscribe":false,"mobileWebPushSubscribe":true,"telegramSubscribe":false,"viberSubscribe":true,"firstName":"{first}","lastName":"{last}","contactBirthday":"{birthday}","contactLanguage":"{}","contactGender":{},"contactTimezone":"{}","contactScore":{score},"#,
            pick(&LANGUAGES, n),
            1 + n % 2,
            pick(&TIME_ZONES, n),
        )?;
        write!(
            out,
            r#""avatarLink":"img.example.com/g/{n:010x}.jpg","facebookLink":"facebook.com/user.{n}","instagramLink":"instagram.com/user.{n}","linkedInLink":"linkedin.com/in/user-{n}","twitterLink":"twitter.com/user{n}","tiktokLink":"tiktok.com/@user{n}",{}"cac":{{"value":"{}.05","currency":"USD"}},"variables":[{{"name":"city","value":"{}"}},{{"name":"favouriteShop","value":"{shop}"}}]}}"#,
            target.source_fields,
            1 + n % 9,
            pick(&CITIES, n),
        )?;
    }
    out.extend_from_slice(b"]}");
    Ok(())
}

/// A request that changes five fields of random contacts among those of `owner`: no two connections change the same
/// contact at once, so the last value of each is known.
pub fn update(out: &mut Vec<u8>, target: &Target, random: &mut Random, owner: Owner) -> Result<()> {
    head(out, target, false)?;
    for (index, stamp) in target.take_stamps(BATCH).enumerate() {
        let comma = if index == 0 { "" } else { "," };
        let n = owner.pick(random, target.contacts);
        target.remember(n, stamp);
        let Changing { first, last, score, active, birthday, shop } = Changing::of(stamp);
        let (before, after) = if random.next() & 1 == 0 { ("user-", "") } else { ("user", "@example.com") };
        write!(
            out,
            r#"{comma}{{"contact":"{before}{n}{after}","name":"{first} {last}","active":{active},"contactBirthday":"{birthday}","contactScore":{score},"variables":[{{"name":"favouriteShop","value":"{shop}"}}]}}"#,
        )?;
    }
    out.extend_from_slice(b"]}");
    Ok(())
}

/// What contact/get has to answer for contact `n` after this stamp, in part.
pub fn expected(n: u32, stamp: u32) -> Value {
    let Changing { first, last, score, active, birthday, .. } = Changing::of(stamp);
    json!({
        "userId": format!("user-{n}"),
        "email": format!("user{n}@example.com"),
        "phoneNumber": format!("+1555{n:08}"),
        "firstName": pick(&FIRST, n),
        "contactLanguage": pick(&LANGUAGES, n),
        "name": format!("{first} {last}"),
        "active": active,
        "contactBirthday": birthday,
        "contactScore": score.to_string(),
    })
}

/// The variables of contact `n` after this stamp.
pub fn expected_variables(n: u32, stamp: u32) -> [(&'static str, String); 2] {
    [("city", pick(&CITIES, n).to_owned()), ("favouriteShop", Changing::of(stamp).shop)]
}

fn head(out: &mut Vec<u8>, target: &Target, upsert: bool) -> Result<()> {
    out.clear();
    write!(out, r#"{{"contactListId":"{}","upsert":{upsert},"contacts":["#, target.list)?;
    Ok(())
}

/// One connection's share of the contacts: every `of`-th.
#[derive(Clone, Copy)]
pub struct Owner {
    pub number: u32,
    pub of: u32,
}

impl Owner {
    fn pick(self, random: &mut Random, contacts: u32) -> u32 {
        random.below(contacts / self.of) * self.of + self.number
    }
}

/// Marsaglia's xorshift: cheap, and the same in every run.
pub struct Random(u64);

impl Random {
    pub fn new(seed: u32) -> Self {
        Self(0x9E37_79B9_7F4A_7C15 ^ (u64::from(seed) << 20))
    }

    pub fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    pub fn below(&mut self, bound: u32) -> u32 {
        (((self.next() >> 32) * u64::from(bound)) >> 32) as u32
    }
}
