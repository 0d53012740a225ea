//! The one form under which e-mail addresses are compared, here and in indexes, wherever they are compared.
//!
//! RFC 5321 lets the case of a local part count; the contract does not. The form is NFC in lower case by *simple*
//! folding: full folding makes `ß` `ss`, and so one person of two. The domain is in its A-labels (UTS 46, not
//! transitional), which is what two spellings of one domain have in common. For plain ASCII that is the lower case.

use std::borrow::Cow;
use std::collections::BTreeSet;

use icu_casemap::CaseMapper;
use icu_normalizer::{ComposingNormalizerBorrowed, DecomposingNormalizerBorrowed};
use idna::uts46::{AsciiDenyList, DnsLength, Hyphens, Uts46};
use unicase::UniCase;

/// The form of any text; two addresses are the same where theirs are.
pub fn form(text: &str) -> Cow<'_, str> {
    if text.is_ascii() {
        return lower(text);
    }
    Cow::Owned(match text.rsplit_once('@') {
        Some((local, domain)) => format!("{}@{}", fold(local), domain_form(domain)),
        None => fold(text),
    })
}

/// The form under which the first version compared addresses: full case folding of the whole. Indexes hold it beside
/// the present one where it is another, since nodes of that version look for it while they are upgraded.
pub fn former_form(text: &str) -> Cow<'_, str> {
    if text.is_ascii() { lower(text) } else { Cow::Owned(UniCase::unicode(text).to_folded_case()) }
}

/// The former forms under which the same address may stand in rows of the first version, however it was spelled then:
/// composed or not, its domain in Unicode or in A-labels. None for plain ASCII, the form of which has not changed.
pub fn former_forms(text: &str) -> BTreeSet<String> {
    let mut forms = BTreeSet::new();
    if !is_spelled_in_ways(text) {
        return forms;
    }
    let (local, domain) = match text.rsplit_once('@') {
        Some((local, domain)) => (local, Some(domain)),
        None => (text, None),
    };
    let domains: BTreeSet<_> = match domain {
        Some(domain) => [domain.to_owned(), domain_form(domain), to_unicode(domain)]
            .map(|domain| format!("@{domain}"))
            .into_iter()
            .collect(),
        None => BTreeSet::from([String::new()]),
    };
    let composed = ComposingNormalizerBorrowed::new_nfc().normalize(local);
    let decomposed = DecomposingNormalizerBorrowed::new_nfd().normalize(local);
    for local in [local, &composed, &decomposed] {
        for domain in &domains {
            forms.insert(former_form(&format!("{local}{domain}")).into_owned());
        }
    }
    forms.remove(&*form(text));
    forms
}

/// Whether there may be other texts of the same form that differ in more than case.
fn is_spelled_in_ways(text: &str) -> bool {
    !text.is_ascii() || text.as_bytes().windows(4).any(|bytes| bytes.eq_ignore_ascii_case(b"xn--"))
}

fn lower(text: &str) -> Cow<'_, str> {
    match text.bytes().any(|byte| byte.is_ascii_uppercase()) {
        true => Cow::Owned(text.to_ascii_lowercase()),
        false => Cow::Borrowed(text),
    }
}

fn fold(text: &str) -> String {
    if text.is_ascii() {
        return text.to_ascii_lowercase();
    }
    let nfc = ComposingNormalizerBorrowed::new_nfc();
    let cases = CaseMapper::new();
    let folded: String = nfc.normalize(text).chars().map(|c| cases.simple_fold(c)).collect();
    // Folding may leave a letter and a mark that have a composed form.
    nfc.normalize(&folded).into_owned()
}

fn domain_form(domain: &str) -> String {
    if domain.is_ascii() {
        return domain.to_ascii_lowercase();
    }
    let (deny, hyphens) = (AsciiDenyList::STD3, Hyphens::Allow);
    match Uts46::new().to_ascii(domain.as_bytes(), deny, hyphens, DnsLength::Ignore) {
        Ok(ascii) => ascii.into_owned(),
        // It is no domain: no contact is given such an address, but whatever is looked for has a form.
        Err(_) => fold(domain),
    }
}

fn to_unicode(domain: &str) -> String {
    let (deny, hyphens) = (AsciiDenyList::STD3, Hyphens::Allow);
    Uts46::new().to_unicode(domain.as_bytes(), deny, hyphens).0.into_owned()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn spellings_of_one_address_have_one_form() {
        for same in [
            &["user@example.com", "User@Example.COM"][..],
            &["josé@example.com", "JOSÉ@example.com", "jose\u{301}@example.com", "JOSE\u{301}@EXAMPLE.com"],
            &["u@bücher.example", "U@BÜCHER.example", "u@xn--bcher-kva.example", "u@XN--BCHER-KVA.example"],
            &["u@bu\u{308}cher.example", "u@bücher.example"],
            &["почта@Пример.РФ", "ПОЧТА@пример.рф", "почта@xn--e1afmkfd.xn--p1ai"],
            &["ὈΔΥΣΣΕΎΣ@example.com", "ὀδυσσεύς@example.com", "ὀδυσσεύσ@example.com"],
            &["\u{212a}@example.com", "k@example.com"],
            &["straße@example.com", "STRAẞE@example.com"],
        ] {
            for text in same {
                assert_eq!(form(text), form(same[0]), "{text}");
            }
        }
    }

    #[test]
    fn what_only_looks_alike_has_two() {
        for (one, other) in [
            ("info@straße.example", "info@strasse.example"),
            ("straße@example.com", "strasse@example.com"),
            ("u@όδος.example", "u@όδοσ.example"),
            ("ﬁ@example.com", "fi@example.com"),
            ("jose@example.com", "josé@example.com"),
        ] {
            assert_ne!(form(one), form(other), "{one}");
        }
        assert!(matches!(form("user@example.com"), Cow::Borrowed(_)));
    }

    #[test]
    fn rows_of_the_first_version_are_found_by_any_spelling() {
        for (kept, given) in [
            ("info@straße.example", "info@xn--strae-oqa.example"),
            ("info@xn--strae-oqa.example", "info@straße.example"),
            ("jose\u{301}@example.com", "JOSÉ@example.com"),
            ("josé@example.com", "jose\u{301}@example.com"),
            ("jose\u{301}@bücher.example", "josé@xn--bcher-kva.example"),
            ("ὀδυσσεύς@example.com", "ὈΔΥΣΣΕΎΣ@EXAMPLE.com"),
        ] {
            let kept = former_form(kept);
            assert!(form(given) == kept || former_forms(given).contains(&*kept), "{kept} by {given}");
        }
        assert_eq!(former_forms("User@example.com"), BTreeSet::new());
    }

    proptest! {
        #[test]
        fn a_form_is_stable_and_deaf_to_case(text in any::<String>(), ascii in "[ -~]{0,40}", domain in "[a-zß-ÿа-я.@]{0,9}") {
            for text in [text.clone(), format!("{text}@{domain}")] {
                let once = form(&text).into_owned();
                prop_assert_eq!(form(&once), once.as_str());
            }
            let (upper, lower) = (ascii.to_uppercase(), ascii.to_lowercase());
            prop_assert_eq!(form(&upper), lower.as_str());
        }
    }
}
