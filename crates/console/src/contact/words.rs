//! What people call the values of a contact.

use web::translate::mark;

/// What the codes of genders mean (ISO 5218).
pub const GENDERS: [(&str, &str); 4] =
    [("0", mark("Not known")), ("1", mark("Male")), ("2", mark("Female")), ("9", mark("Not applicable"))];
