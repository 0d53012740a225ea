//! Invented people: the same ones on every run.

use std::fmt::Write as _;

use serde_json::{Value, json};

/// First names, and how they stand in an address.
const FIRST: [(&str, &str); 40] = [
    ("Ada", "ada"),
    ("Amélie", "amelie"),
    ("Anders", "anders"),
    ("Anna", "anna"),
    ("Bogdan", "bogdan"),
    ("Carlos", "carlos"),
    ("Clara", "clara"),
    ("Daniel", "daniel"),
    ("Elena", "elena"),
    ("Emil", "emil"),
    ("Eva", "eva"),
    ("Felix", "felix"),
    ("Grace", "grace"),
    ("Hanna", "hanna"),
    ("Inés", "ines"),
    ("Ivan", "ivan"),
    ("Jakob", "jakob"),
    ("Jürgen", "jurgen"),
    ("Kaja", "kaja"),
    ("Kateryna", "kateryna"),
    ("Lea", "lea"),
    ("Liis", "liis"),
    ("Lucas", "lucas"),
    ("Maria", "maria"),
    ("Marta", "marta"),
    ("Mia", "mia"),
    ("Mykola", "mykola"),
    ("Nina", "nina"),
    ("Noah", "noah"),
    ("Oksana", "oksana"),
    ("Olga", "olga"),
    ("Pablo", "pablo"),
    ("Paul", "paul"),
    ("Rasmus", "rasmus"),
    ("Sofía", "sofia"),
    ("Stefan", "stefan"),
    ("Taras", "taras"),
    ("Tiina", "tiina"),
    ("Viktor", "viktor"),
    ("Zoé", "zoe"),
];

const LAST: [&str; 25] = [
    "Andersen", "Bauer", "Becker", "Bondar", "Castro", "Dubois", "Fischer", "Garcia", "Hansen", "Ivask",
    "Kask", "Koval", "Lang", "Lopez", "Martin", "Meier", "Moreau", "Novak", "Petrov", "Rebane", "Romero",
    "Saar", "Shevchuk", "Tamm", "Weber",
];

/// City, time zone, language.
const HOMES: [(&str, &str, &str); 7] = [
    ("Tallinn", "Europe/Tallinn", "et"),
    ("Kyiv", "Europe/Kyiv", "uk"),
    ("Berlin", "Europe/Berlin", "de"),
    ("Madrid", "Europe/Madrid", "es"),
    ("Paris", "Europe/Paris", "fr"),
    ("London", "Europe/London", "en"),
    ("New York", "America/New_York", "en"),
];

/// Plans, the commonest first.
const PLANS: [&str; 4] = ["free", "free", "basic", "pro"];

/// The customerSourceIds of the sources, which the demo creates.
pub const SOURCES: [(&str, &str); 3] = [("Website", "website"), ("Shop", "shop"), ("Trade fair", "fair")];

/// One of them, by number.
#[derive(Clone, Copy)]
pub struct Person(pub usize);

impl Person {
    fn names(self) -> (&'static str, &'static str) {
        // 40 and 25 have a common divisor, so the last name shifts after each round of first names.
        (FIRST[self.0 % FIRST.len()].0, LAST[(self.0 + self.0 / FIRST.len()) % LAST.len()])
    }

    fn home(self) -> (&'static str, &'static str, &'static str) {
        HOMES[self.0 * 3 % HOMES.len()]
    }

    /// Its userId.
    pub fn user_id(self) -> String {
        format!("customer-{:04}", self.0 + 1)
    }

    fn email(self, domain: &str) -> String {
        let (_, first) = FIRST[self.0 % FIRST.len()];
        format!("{first}.{}.{}@{domain}", self.names().1.to_lowercase(), self.0 + 1)
    }

    /// As an item of contacts/update.
    pub fn contact(self) -> Value {
        let (number, (first, last), (city, zone, language)) = (self.0, self.names(), self.home());
        json!({
            "contact": self.user_id(),
            "userId": self.user_id(),
            "email": self.email("example.com"),
            "phoneNumber": format!("+1555555{number:04}"),
            "name": format!("{first} {last}"),
            "firstName": first,
            "lastName": last,
            "active": !number.is_multiple_of(12),
            "emailSubscribe": !number.is_multiple_of(5),
            "smsSubscribe": number.is_multiple_of(3),
            "contactBirthday": format!("{}-{:02}-{:02}", 1950 + number % 55, 1 + number % 12, 1 + number % 28),
            "contactLanguage": language,
            "contactTimezone": zone,
            "contactScore": number * 37 % 101,
            "customerSourceId": SOURCES[number % SOURCES.len()].1,
            "variables": [
                { "name": "plan", "value": PLANS[number % PLANS.len()] },
                { "name": "city", "value": city },
                { "name": "signedUp", "value": format!("2026-{:02}-{:02}", 1 + number % 11, 1 + number % 28) },
            ],
        })
    }
}

/// A table of subscribers as a spreadsheet writes it. Every row that `every` divides has an address that no server
/// accepts; those rows come on top of `count`.
pub fn table(count: usize, every: usize) -> (String, usize) {
    let mut table = "email,firstName,lastName,active,emailSubscribe,contactLanguage,city\n".to_owned();
    let mut wrong = 0;
    for number in 0..count {
        let person = Person(number);
        let ((first, last), (city, _, language)) = (person.names(), person.home());
        let subscribed = u8::from(!number.is_multiple_of(7));
        let mut row = |email: &str| {
            // Writing to a String cannot fail.
            let _ = writeln!(table, "{email},{first},{last},1,{subscribed},{language},{city}");
        };
        row(&person.email("example.org"));
        if number % every == every / 2 {
            row(&person.email("example.org").replace('@', " at "));
            wrong += 1;
        }
    }
    (table, wrong)
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn no_two_people_share_an_identifier_and_names_are_many() {
        let people: Vec<_> = (0..1_200).map(|number| Person(number).contact()).collect();
        for key in ["userId", "email", "phoneNumber"] {
            let values: HashSet<_> = people.iter().map(|person| person[key].to_string()).collect();
            assert_eq!(values.len(), people.len(), "{key}");
        }
        let names: HashSet<_> = people.iter().map(|person| person["name"].to_string()).collect();
        assert!(names.len() > 900, "{}", names.len());
    }

    #[test]
    fn a_table_has_its_rows_and_the_wrong_ones_on_top() {
        let (table, wrong) = table(800, 90);
        assert_eq!((table.lines().count(), wrong), (1 + 800 + wrong, 9));
        assert_eq!(table.matches(" at example.org").count(), wrong);
    }
}
