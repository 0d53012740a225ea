//! What is wrong with a form, in words for people: the console's one table. It goes by the code and the field; the
//! texts of the API are not read.

use domain::problem::Problem;
use web::translate::{mark, t};

/// The text for a problem. One that no form can have keeps the text of the API.
pub fn text(problem: &Problem) -> String {
    let field = problem.field.as_deref().unwrap_or_default();
    let text = match (problem.code.as_ref(), field) {
        ("INVALID_NAME", _) => mark("Enter a name of 1 to 150 characters."),
        ("NAME_TAKEN", _) => mark("The list already has one with this name."),
        ("REQUIRED", "filter") => {
            mark("Set a filter on the contacts first. A segment is a filter with a name.")
        }
        ("TOO_MANY_SAVED", _) => mark("A list can have at most 100 segments and 100 views."),
        ("SEGMENT_NOT_FOUND", _) => mark("The list does not have this segment any more."),
        ("INVALID_CONFIRM", _) => mark("That does not match the name. Nothing was deleted."),
        ("VARIABLE_NAME_EMPTY", _) => mark("Enter a name."),
        ("VARIABLE_NAME_INVALID" | "VARIABLE_NAME_NOT_A_STRING", _) => {
            mark("Use letters only, and begin with a small one: favouriteColour.")
        }
        ("VARIABLE_NAME_RESERVED", _) => mark("This is the name of a built-in field. Choose another."),
        ("VARIABLE_EXISTS", _) => mark("The list already has a custom field with this name."),
        ("TOO_MANY_VARIABLES", _) => mark("A list can have at most 500 custom fields."),
        ("VARIABLE_NOT_FOUND", _) => mark("The list does not have this custom field any more."),
        ("VARIABLE_NOT_A_DATE", _) => mark("Enter a date as YYYY-MM-DD."),
        ("INVALID_VARIABLES", _) => mark("Enter at most 10,000 characters."),
        ("SOURCE_EXISTS", _) => mark("The account already has a source with this name or ID."),
        ("SOURCE_NOT_FOUND", _) => mark("This source does not exist any more. Choose another."),
        ("INVALID_CUSTOMER_SOURCE_ID", _) => mark("Use letters and digits only, at most 40."),
        ("INVALID_CAC_VALUE" | "INVALID_CAC", _) => mark("Enter an amount above 0, such as 2.05."),
        ("INVALID_CAC_CURRENCY", _) => mark("Choose a currency: EUR or USD."),
        ("INVALID_EMAIL", _) => mark("This is not an e-mail address."),
        ("INVALID_PHONE_NUMBER", _) => mark("Enter the number with + and the country code: +15555555."),
        ("NOT_A_STRING", "userId") => {
            mark("Use at most 255 characters, without line breaks and invisible characters.")
        }
        ("NOT_A_STRING", _) => mark("This text has characters that cannot be stored."),
        ("TOO_LONG", _) => mark("Enter at most 255 characters."),
        ("INVALID_BIRTHDAY", _) => mark("Enter a date as YYYY-MM-DD."),
        ("INVALID_LANGUAGE", _) => mark("Enter a language of two letters, such as en."),
        ("INVALID_GENDER", _) => mark("Choose one of the list."),
        ("INVALID_TIMEZONE", _) => mark("Enter a time zone, such as Europe/Tallinn or +02:00."),
        ("INVALID_SCORE", _) => mark("Enter a whole number."),
        ("INVALID_URL", _) => mark("Enter a web address, such as https://example.com/me."),
        ("INVALID_TIME", _) => mark("Enter a time as YYYY-MM-DD hh:mm:ss or YYYY-MM-DD."),
        ("INVALID_SEARCH", _) => mark("Search for letters or digits: at most 10 words and 255 characters."),
        ("TOO_MANY_LISTS", _) => {
            mark("There are too many lists to search at once. Open a list and search there.")
        }
        ("NOT_A_BOOLEAN", field) => {
            return t("Choose yes or no for {field}.").with("field", field).to_string();
        }
        ("IDENTIFIER_REQUIRED", _) => mark("A contact needs an e-mail address, a phone number or a user ID."),
        ("LIST_NOT_FOUND", _) => mark("The list does not exist any more."),
        ("NOT_UNDOABLE", _) => mark("This request cannot be undone."),
        ("HISTORY_GONE", _) => mark("This request is too old to be undone."),
        ("TOKEN_READ_ONLY", _) => mark("Your role does not allow changes."),
        ("BACKLOG_FULL", _) => mark("The server is busy. Nothing was changed. Try again in a moment."),
        ("NOT_SAVED" | "STORE_UNAVAILABLE", _) => {
            mark("The store is not available. Nothing was changed. Try again in a moment.")
        }
        ("OUTCOME_UNKNOWN", _) => {
            mark("It is not known whether this was saved. Load the page again before you try once more.")
        }
        ("INTERNAL_ERROR", _) => mark("Something went wrong. The log of the server has the reason."),
        _ => return problem.message.clone(),
    };
    t(text).to_string()
}
