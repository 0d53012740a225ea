//! Time zones as Windows names them.

use std::collections::HashMap;
use std::sync::LazyLock;

static ZONES: LazyLock<HashMap<String, &'static str>> = LazyLock::new(|| {
    let lines = include_str!("windows_zones.txt").lines().filter_map(|line| line.split_once(" = "));
    lines.map(|(windows, iana)| (windows.to_ascii_lowercase(), iana)).collect()
});

/// The IANA name of a zone.
pub fn iana(name: &str) -> Option<&'static str> {
    ZONES.get(&name.to_ascii_lowercase()).copied()
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::contact::timezone;

    #[test]
    fn every_zone_of_the_table_is_one_that_the_api_takes() {
        assert!(ZONES.len() > 130);
        for (windows, iana) in ZONES.iter() {
            assert!(timezone::is_valid(iana), "{windows}: {iana}");
        }
        assert_eq!(iana("w. europe standard time"), Some("Europe/Berlin"));
        assert_eq!(iana("Europe/Berlin"), None);
    }
}
