use proptest::prelude::*;

use super::is_valid;

#[test]
fn addresses_are_accepted() {
    for text in [
        "user@example.com",
        "a@b.co",
        "USER@EXAMPLE.COM",
        "first.last@sub.domain.example.com",
        "user+tag@example.com",
        "!#$%&'*+-/=?^_`{|}~@example.com",
        "_@example.com",
        "-@example.com",
        "1@2.com",
        "user@a-b.com",
        "user@a--b.com",
        "user@r3---sn.example.com",
        "user@1host.com",
        "user@example.museum",
        "user@xn--bcher-kva.example",
        "o'hara@example.com",
        "a.b.c.d.e@example.com",
        "\"quoted\"@example.com",
        "\" \"@example.com",
        "\"first last\"@example.com",
        "\"tab\there\"@example.com",
        "\"a@b\"@example.com",
        "\"a..b.\"@example.com",
        "\"a\\\"b\"@example.com",
        "\"a\\\\\"@example.com",
        "\"a\\ b\"@example.com",
        "\"a\\@b\"@example.com",
        "\"(a),:;<>[]\"@example.com",
        "\"é\"@example.com",
        "\"quoted\"@[192.0.2.1]",
        "user@[192.0.2.1]",
        "user@[IPv6:2001:db8::1]",
        "user@[ipv6:2001:DB8::1]",
        "user@[IPv6:::1]",
        "user@[IPv6:::ffff:192.0.2.1]",
        "josé@example.com",
        "用户@例子.广告",
        "अजय@डाटा.भारत",
        "हिन्दी@example.com",
        "क्षत्रिय@उदाहरण.भारत",
        "ηλεκτρονικό@παράδειγμα.ελ",
        "почта@пример.рф",
        "user@bücher.example",
        "user@BÜCHER.example",
        "user@straße.de",
        "user@ΠΑΡΆΔΕΙΓΜΑ.ελ",
        "user@ΌΔΟΣ.ελ",
        "user@example.рф",
        "user@xn--bcher-kva.рф",
        "מייל@דוגמה.ישראל",
        "😀@example.com",
        "e\u{301}@example.com",
    ] {
        assert!(is_valid(text), "{text:?} must be accepted");
    }
}

#[test]
fn everything_else_is_refused() {
    for text in [
        "",
        " ",
        "@",
        "user",
        "user@",
        "@example.com",
        "user@@example.com",
        "user@host@example.com",
        "user.example.com",
        ".user@example.com",
        "user.@example.com",
        "us..er@example.com",
        "us er@example.com",
        " user@example.com",
        "user@example.com ",
        "user @example.com",
        "user@ example.com",
        "user@exam ple.com",
        "user@example.com\n",
        "us\ner@example.com",
        "us\u{0}er@example.com",
        "us\u{7f}er@example.com",
        "us\u{85}er@example.com",
        "us\u{a0}er@example.com",
        "us\u{2028}er@example.com",
        "user@localhost",
        "user@com",
        "user@.com",
        "user@example..com",
        "user@example.com.",
        "user@.example.com",
        "user@.",
        "user@-example.com",
        "user@example-.com",
        "user@example.-com",
        "user@example.com-",
        "user@ex_ample.com",
        "user@exam+ple.com",
        "user@exam/ple.com",
        "user@example.com:25",
        "user@example,com",
        "us,er@example.com",
        "us;er@example.com",
        "us:er@example.com",
        "us(er@example.com",
        "us<er@example.com",
        "us[er]@example.com",
        "us\\er@example.com",
        "us\"er@example.com",
        "a@example.com,b@example.com",
        "a@example.com;b@example.com",
        "mailto:user@example.com",
        "User <user@example.com>",
        "<user@example.com>",
        "User user@example.com",
        "@relay.example:user@example.com",
        "user(comment)@example.com",
        "(comment)user@example.com",
        "user@(comment)example.com",
        "user@example.com(comment)",
        "\"\"@example.com",
        "\"@example.com",
        "\"user@example.com",
        "user\"@example.com",
        "\"user\"x@example.com",
        "x\"user\"@example.com",
        "\"a\".\"b\"@example.com",
        "\"a\".b@example.com",
        "\"a\"b\"@example.com",
        "\"a\\\"@example.com",
        "\"a\\é\"@example.com",
        "\"a\r\n b\"@example.com",
        "\"a\nb\"@example.com",
        "\"a\u{0}\"@example.com",
        "\"a\\\u{0}\"@example.com",
        "\"a\\\u{7f}\"@example.com",
        "\"a\u{2028}b\"@example.com",
        "\"user\"",
        "\"user\"@",
        "\"user@example.com\"",
        "user@[]",
        "user@[192.0.2]",
        "user@[192.0.2.256]",
        "user@[192.0.2.01]",
        "user@[192.0.2.1",
        "user@192.0.2.1]",
        "user@[192.0.2.1].com",
        "user@[ 192.0.2.1]",
        "user@[2001:db8::1]",
        "user@[IPv6:192.0.2.1]",
        "user@[IPv6:2001:db8:::1]",
        "user@[IPv6:2001:db8::g]",
        "user@[IPv6:fe80::1%eth0]",
        "user@[IPv6:]",
        "user@[IPv4:192.0.2.1]",
        "user@[example.com]",
        "user@[éé:é]",
        "user@例子",
        "user@例子.",
        "user@.例子",
        "user@例子..广告",
        "user@例子。广告",
        "user@-ü.example",
        "user@ü-.example",
        "user@ü_b.example",
        "user@ü b.example",
        "user@ü\u{a0}b.example",
        "user@ü.localhost:25",
        "user@exa\u{ad}mple.com",
        "user@exa\u{200b}mple.com",
        "user@\u{feff}example.com",
        "user@ｅｘａｍｐｌｅ.com",
        "user@bu\u{308}cher.example",
        "user@\u{301}a.example",
        "user@😀\u{200d}.example",
        "user@xn--a.рф",
        "user＠example.com",
        "user@1.2",
        "user@192.0.2.1",
        "user@example.123",
        "user@例子.1",
        "ni\u{200d}n@example.com",
        "us\u{ad}er@example.com",
        "us\u{200b}er@example.com",
        "\u{feff}user@example.com",
        "\u{200e}user@example.com",
        "user@example.com\u{200b}",
        "\"us\u{2060}er\"@example.com",
    ] {
        assert!(!is_valid(text), "{text:?} must be refused");
    }
}

#[test]
fn the_limits_count_octets() {
    let local = |len: usize| format!("{}@example.com", "a".repeat(len));
    assert!(is_valid(&local(64)));
    assert!(!is_valid(&local(65)));
    let quoted = |len: usize| format!("\"{}\"@example.com", "a".repeat(len));
    assert!(is_valid(&quoted(62)));
    assert!(!is_valid(&quoted(63)));
    assert!(is_valid(&format!("{}@example.com", "é".repeat(32))));
    assert!(!is_valid(&format!("{}@example.com", "é".repeat(33))));

    let label = |len: usize| format!("user@{}.com", "a".repeat(len));
    assert!(is_valid(&label(63)));
    assert!(!is_valid(&label(64)));
    // The A-label of n times ü has 7 octets at the least: `xn--`, a digit for the first and n more.
    let label = |len: usize| format!("user@{}.example", "ü".repeat(len));
    assert!(is_valid(&label(50)));
    assert!(!is_valid(&label(80)));

    let whole = |last: usize| {
        let label = "a".repeat(63);
        format!("a@{label}.{label}.{label}.{}", "a".repeat(last))
    };
    assert_eq!(whole(60).len(), 254);
    assert!(is_valid(&whole(60)));
    assert!(!is_valid(&whole(61)));
}

proptest! {
    #[test]
    fn dot_atoms_at_host_names_are_accepted(
        text in r"[a-zA-Z0-9!#$%&'*+/=?^_`{|}~-]{1,9}(\.[a-zéя用]{1,5}){0,3}@([a-z0-9]([a-z0-9-]{0,5}[a-z0-9])?\.){1,4}[a-z]{2,5}"
    ) {
        prop_assert!(is_valid(&text));
    }

    #[test]
    fn every_quoted_text_is_accepted_once_escaped(content in r"[ -~]{1,30}") {
        let escaped = content.replace('\\', "\\\\").replace('"', "\\\"");
        let address = format!("\"{escaped}\"@example.com");
        prop_assert_eq!(is_valid(&address), escaped.len() <= 62);
    }

    #[test]
    fn the_accepted_have_no_control_characters_and_a_domain(text in r#"["a.\\@ü \t\n\[\]-]{0,12}(@[a.ü-]{0,6})?"#) {
        if is_valid(&text) {
            prop_assert!(text.contains('@') && !text.contains('\n'));
            prop_assert!(!text.ends_with(['.', '-', '@', '"', ' ']));
        }
    }

    #[test]
    fn no_text_makes_it_panic(text in any::<String>(), local in "\\PC{0,8}", domain in "\\PC{0,12}") {
        is_valid(&text);
        let address = format!("{local}@{domain}.{domain}");
        is_valid(&address);
        let quoted = format!("\"{local}\"@[{domain}]");
        is_valid(&quoted);
    }
}
