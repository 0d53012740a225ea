//! The contacts: made of their number alone, and changed by a stamp alone, so that what a contact must look like is
//! known at the end without keeping it. Bodies are formatted text: no tree of values is built for them.

use std::io::Write;

use serde_json::{Value, json};

use super::Result;
use super::load::Work;
use super::target::{Share, Target};

/// The most contacts in a request.
pub const MAX_BATCH: u32 = 100;

/// Of the mixed load, each fifth contact is a new one.
const NEW_OF: u32 = 5;

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

/// The body of a request, and what it is about.
#[derive(Debug, Default)]
pub struct Body {
    /// JSON.
    pub bytes: Vec<u8>,
    /// How many contacts it makes.
    pub created: u32,
    /// The contacts that it changes, each with the stamp that it then has.
    pub changes: Vec<(u32, u32)>,
}

impl Body {
    /// Contacts in it.
    pub const fn contacts(&self) -> u32 {
        self.created + self.changes.len() as u32
    }

    fn start(&mut self, list: &str, upsert: bool) -> Result<()> {
        self.bytes.clear();
        self.created = 0;
        self.changes.clear();
        write!(self.bytes, r#"{{"contactListId":"{list}","upsert":{upsert},"contacts":["#)?;
        Ok(())
    }

    fn end(&mut self) {
        // The comma behind the last contact.
        self.bytes.pop();
        self.bytes.extend_from_slice(b"]}");
    }

    /// Creates these contacts of a list, every field of the vendor's example filled.
    ///
    /// # Errors
    /// None that a `Vec` knows.
    pub fn fill(&mut self, target: &Target, list: u32, contacts: std::ops::Range<u32>) -> Result<()> {
        self.start(target.list(list), true)?;
        for index in contacts {
            self.put_new(target, target.number(list, index))?;
        }
        self.end();
        Ok(())
    }

    /// Changes five fields of random contacts of one list, among those of the connection's share: no two connections
    /// change the same contact at once, so the last value of each is known. Of a mixed load, a part of the contacts are
    /// new ones.
    ///
    /// # Errors
    /// None that a `Vec` knows.
    pub fn change(
        &mut self,
        target: &Target,
        random: &mut Random,
        share: Share,
        batch: u32,
        work: Work,
    ) -> Result<()> {
        let (list, mixed) = (random.below(target.lists()), work == Work::Mixed);
        self.start(target.list(list), mixed)?;
        if matches!(work, Work::Plain | Work::Flag) {
            for pair in target.take_stamps(2 * batch).step_by(2) {
                let n = target.pick(random, list, share);
                // The flag is that of even and odd stamps: one of the two leaves it as it is.
                let turned = u32::from(work == Work::Flag);
                let stamp = pair + (pair + target.stamp(n) + turned) % 2;
                self.put_change(
                    (n, stamp),
                    random.next() & 1 == 0,
                    work == Work::Flag,
                    target.keeps_names(),
                )?;
            }
            self.end();
            return Ok(());
        }
        for stamp in target.take_stamps(batch) {
            if mixed && stamp % NEW_OF == NEW_OF - 1 {
                self.put_new(target, target.take_new(list))?;
            } else {
                let n = target.pick(random, list, share);
                self.put_change((n, stamp), random.next() & 1 == 0, true, target.keeps_names())?;
            }
        }
        self.end();
        Ok(())
    }

    fn put_new(&mut self, target: &Target, n: u32) -> Result<()> {
        let Changing { first, last, score, active, birthday, shop } = Changing::of(n);
        write!(
            self.bytes,
            r#"{{"contact":"user-{n}","name":"{first} {last}","email":"user{n}@example.com","phoneNumber":"+1555{n:08}","userId":"user-{n}","active":{active},"emailSubscribe":true,"smsSubscribe":true,"desktopWebPushSubscribe":false,"mobileWebPushSubscribe":true,"telegramSubscribe":false,"viberSubscribe":true,"firstName":"{first}","lastName":"{last}","contactBirthday":"{birthday}","contactLanguage":"{}","contactGender":{},"contactTimezone":"{}","contactScore":{score},"#,
            pick(&LANGUAGES, n),
            1 + n % 2,
            pick(&TIME_ZONES, n),
        )?;
        write!(
            self.bytes,
            r#""avatarLink":"img.example.com/g/{n:010x}.jpg","facebookLink":"facebook.com/user.{n}","instagramLink":"instagram.com/user.{n}","linkedInLink":"linkedin.com/in/user-{n}","twitterLink":"twitter.com/user{n}","tiktokLink":"tiktok.com/@user{n}",{}"cac":{{"value":"{}.05","currency":"USD"}},"variables":[{{"name":"city","value":"{}"}},{{"name":"favouriteShop","value":"{shop}"}}]}},"#,
            target.source_fields(),
            1 + n % 9,
            pick(&CITIES, n),
        )?;
        self.created += 1;
        Ok(())
    }

    /// Without a flag or without the name, the gender is the fifth field.
    fn put_change(
        &mut self,
        (n, stamp): (u32, u32),
        by_user_id: bool,
        with_flag: bool,
        keeps_names: bool,
    ) -> Result<()> {
        let Changing { first, last, score, active, birthday, shop } = Changing::of(stamp);
        let (before, after) = if by_user_id { ("user-", "") } else { ("user", "@example.com") };
        write!(
            self.bytes,
            r#"{{"contact":"{before}{n}{after}","contactBirthday":"{birthday}","contactScore":{score},"variables":[{{"name":"favouriteShop","value":"{shop}"}}],"#,
        )?;
        if !keeps_names {
            write!(self.bytes, r#""name":"{first} {last}","#)?;
        }
        if !with_flag || keeps_names {
            write!(self.bytes, r#""contactGender":{},"#, 1 + stamp / 2 % 2)?;
        }
        if with_flag {
            write!(self.bytes, r#""active":{active},"#)?;
        }
        // The comma behind the last field.
        self.bytes.pop();
        self.bytes.extend_from_slice(b"},");
        self.changes.push((n, stamp));
        Ok(())
    }
}

/// The variables that a list under load needs.
pub const VARIABLES: [&str; 2] = ["city", "favouriteShop"];

/// What contact/get has to answer for contact `n` after this stamp, in part.
pub fn expected(n: u32, stamp: u32, keeps_names: bool) -> Value {
    let Changing { score, active, birthday, .. } = Changing::of(stamp);
    let Changing { first, last, .. } = Changing::of(if keeps_names { n } else { stamp });
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

/// The values of the variables of contact `n` after this stamp, in their order.
pub fn expected_variables(n: u32, stamp: u32) -> [String; 2] {
    [pick(&CITIES, n).to_owned(), Changing::of(stamp).shop]
}

/// Marsaglia's xorshift: cheap, and the same in every run.
#[derive(Debug)]
pub struct Random(u64);

impl Random {
    /// The sequence of that seed.
    pub fn new(seed: u32) -> Self {
        Self(0x9E37_79B9_7F4A_7C15 ^ (u64::from(seed) << 20))
    }

    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    /// The next number below a bound.
    pub fn below(&mut self, bound: u32) -> u32 {
        (((self.next() >> 32) * u64::from(bound)) >> 32) as u32
    }
}
