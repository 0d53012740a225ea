//! What services export is known by its columns; nobody who must not be written to arrives as subscribed.

use serde_json::{Value, json};

use crate::files::Office;

/// Imports a text, and returns the contact with an e-mail address.
fn contact(office: &Office, name: &str, text: &str, options: &[&str], email: &str) -> (Value, String) {
    office.file(name, text);
    let list = office.server.list(&office.account.token);
    let arguments = [&[name, "--ignore-others"], options].concat();
    let printed = crate::process::run(&mut office.command("import", &list, &arguments));
    assert_eq!(printed.code, Some(0), "{name}: {} {}", printed.out, printed.err);
    let mut contacts = office.contacts(&list).into_iter();
    (contacts.find(|contact| contact["email"] == email).expect("the contact"), printed.err)
}

/// A service, its file, options of the import, whom to look at, and the values that the contact has.
type Case<'a> = (&'a str, &'a str, &'a [&'a str], &'a str, &'a [(&'a str, Value)]);

#[test]
fn exports_of_services_are_read_as_the_service_means_them() {
    let office = Office::open();
    let cases: [Case<'_>; 8] = [
        (
            "Google Contacts",
            "First Name,Last Name,Birthday,Labels,E-mail 1 - Label,E-mail 1 - Value,E-mail 2 - Value,Phone 1 - Value\n\
             Bob,Sample, --02-29,* myContacts,* Work,bob@example.com ::: bob2@example.com,bob3@example.com,+372 5555 5555 ::: +372 5555 5556\n",
            &[],
            "bob@example.com",
            &[
                ("phoneNumber", json!("+37255555555")),
                ("firstName", json!("Bob")),
                ("contactBirthday", Value::Null),
            ],
        ),
        (
            "Outlook",
            "First Name,Last Name,E-mail Address,E-mail 2 Address,Home Phone,Mobile Phone,Birthday,Notes\n\
             Ann,Example,ann@example.com,,+12015550124,+12015550123,1/31/1990,\n\
             Bob,Sample,,bob@example.com,+12015550125,,,\n",
            &[],
            "bob@example.com",
            &[("phoneNumber", json!("+12015550125"))],
        ),
        (
            "Mailchimp",
            "\"Email Address\",\"First Name\",\"Phone Number\",Birthday,MEMBER_RATING,TIMEZONE,LEID,EUID\n\
             ann@example.com,Ann,2015550123,01/31,2,Europe/Tallinn,90498395,810826c56e\n",
            &["--country", "US"],
            "ann@example.com",
            &[("phoneNumber", json!("+12015550123")), ("contactScore", json!("2"))],
        ),
        (
            "HubSpot",
            "Record ID,First Name,Email,Phone Number,Contact owner,Marketing contact status\n\
             90123456789,Ann,ann@example.com,+1 201-555-0123,,Non-marketing contact\n",
            &["--set", "emailSubscribe=yes"],
            "ann@example.com",
            &[("userId", json!("90123456789")), ("emailSubscribe", json!(false))],
        ),
        (
            "Brevo",
            "CONTACT ID;EMAIL;FIRSTNAME;SMS;WHATSAPP;EMAIL_BLACKLISTED;SMS_BLACKLISTED;OPT_IN;DATE_OF_BIRTH\n\
             1;ann@example.com;Ann;33612345678;33612345678;Yes;No;true;05-01-1990\n",
            &["--set", "emailSubscribe=yes"],
            "ann@example.com",
            &[
                ("phoneNumber", json!("+33612345678")),
                ("emailSubscribe", json!(false)),
                ("smsSubscribe", json!(true)),
                ("contactBirthday", json!("1990-01-05")),
            ],
        ),
        (
            "listmonk",
            "uuid,email,name,attributes,status,created_at\n\
             0f0e0d0c-0000-4000-8000-000000000002,bob@example.com,Bob,\"{\"\"city\"\": \"\"Tartu\"\", \"\"age\"\": 33}\",blocklisted,2024-01-15\n",
            &["--set", "emailSubscribe=yes", "--new-variable", "attributes.city=city"],
            "bob@example.com",
            &[("emailSubscribe", json!(false)), ("userId", json!("0f0e0d0c-0000-4000-8000-000000000002"))],
        ),
        (
            "Mautic",
            "ID,First Name,Email,Points,Mobile,Phone,Preferred Locale,Preferred Timezone,Facebook,Twitter,Date Last Active\n\
             1,Ann,ann@example.com,5,,+12015550123,et_EE,Europe/Tallinn,ann.example.7,ann_example,2024-01-15\n",
            &[],
            "ann@example.com",
            &[
                ("phoneNumber", json!("+12015550123")),
                ("contactLanguage", json!("et")),
                ("facebookLink", json!("https://www.facebook.com/ann.example.7")),
            ],
        ),
        (
            "Shopify",
            "Customer ID,First Name,Email,Accepts Email Marketing,Default Address Phone,Phone,Accepts SMS Marketing,Total Spent\n\
             '7012345678901,Ann,ann@example.com,yes,'+37255555556,'+37255555555,no,12.50\n",
            &[],
            "ann@example.com",
            &[
                ("userId", json!("7012345678901")),
                ("phoneNumber", json!("+37255555555")),
                ("emailSubscribe", json!(true)),
                ("smsSubscribe", json!(false)),
            ],
        ),
    ];
    for (service, text, options, email, expected) in cases {
        let (contact, told) = contact(&office, &format!("{service}.csv"), text, options, email);
        assert!(told.contains(&format!("the columns are those of an export of {service}")), "{told}");
        for (key, value) in expected {
            assert_eq!(contact[key], *value, "{service}: {key}");
        }
        if service == "listmonk" {
            let variables = contact["variables"].as_array().expect("an array");
            assert_eq!(variables.last(), Some(&json!({ "name": "city", "value": "Tartu" })));
        }
    }
}

#[test]
fn headers_in_other_languages_are_understood() {
    let office = Office::open();
    for (text, first) in [
        (
            "Vorname;Nachname;E-Mail-Adresse;Telefon;Geburtstag;Sprache\nJörg;Beispiel;a@example.com;+491701234567;31.01.1990;de\n",
            "Jörg",
        ),
        (
            "Prénom;Nom de famille;Courriel;Téléphone;Date de naissance;Langue\nZoé;Exemple;a@example.com;+33612345678;31/01/1990;fr\n",
            "Zoé",
        ),
        (
            "Nombre;Apellidos;Correo electrónico;Teléfono;Fecha de nacimiento;Idioma\nJosé;Muestra;a@example.com;+34612345678;31/01/1990;es\n",
            "José",
        ),
        (
            "Eesnimi;Perekonnanimi;E-post;Telefon;Sünnikuupäev;Keel\nÜlle;Näide;a@example.com;+37255555555;31.01.1990;et\n",
            "Ülle",
        ),
        (
            "Ім'я;Прізвище;Електронна пошта;Телефон;Дата народження;Мова\nЇжак;Приклад;a@example.com;+380501234567;31.01.1990;uk\n",
            "Їжак",
        ),
        (
            "Imię;Nazwisko;Adres e-mail;Telefon;Data urodzenia;Język\nŁukasz;Przykład;a@example.com;+48512345678;31.01.1990;pl\n",
            "Łukasz",
        ),
    ] {
        office.file("people.csv", text);
        let list = office.server.list(&office.account.token);
        let printed = crate::process::run(&mut office.command("import", &list, &["people.csv"]));
        assert_eq!(printed.code, Some(0), "{text}: {}", printed.err);
        let contact = &office.contacts(&list)[0];
        assert_eq!(
            [&contact["firstName"], &contact["contactBirthday"]],
            [&json!(first), &json!("1990-01-31")],
            "{text}"
        );
    }
}
