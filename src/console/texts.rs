//! What is wrong with a form, in words for people: the console's one table. It goes by the code and the field; the
//! texts of the API are not read.

use crate::problem::Problem;

/// The text for a problem. One that no form can have keeps the text of the API.
pub fn text(problem: &Problem) -> String {
    let field = problem.field.as_deref().unwrap_or_default();
    let text = match (problem.code.as_ref(), field) {
        ("INVALID_NAME", _) => "Enter a name of 1 to 150 characters.",
        ("NAME_TAKEN", _) => "The list already has one with this name.",
        ("TOO_MANY_SAVED", _) => "A list can have at most 100 segments and 100 views.",
        ("SEGMENT_NOT_FOUND", _) => "The list does not have this segment any more.",
        ("INVALID_CONFIRM", _) => "That does not match the name. Nothing was deleted.",
        ("VARIABLE_NAME_EMPTY", _) => "Enter a name.",
        ("VARIABLE_NAME_INVALID" | "VARIABLE_NAME_NOT_A_STRING", _) => {
            "Use letters only, and begin with a small one: favouriteColour."
        }
        ("VARIABLE_NAME_RESERVED", _) => "This is the name of a built-in field. Choose another.",
        ("VARIABLE_EXISTS", _) => "The list already has a custom field with this name.",
        ("TOO_MANY_VARIABLES", _) => "A list can have at most 500 custom fields.",
        ("VARIABLE_NOT_FOUND", _) => "The list does not have this custom field any more.",
        ("VARIABLE_NOT_A_DATE", _) => "Enter a date as YYYY-MM-DD.",
        ("INVALID_VARIABLES", _) => "Enter at most 10,000 characters.",
        ("SOURCE_EXISTS", _) => "The account already has a source with this name or ID.",
        ("SOURCE_NOT_FOUND", _) => "This source does not exist any more. Choose another.",
        ("INVALID_CUSTOMER_SOURCE_ID", _) => "Use letters and digits only, at most 40.",
        ("INVALID_CAC_VALUE" | "INVALID_CAC", _) => "Enter an amount above 0, such as 2.05.",
        ("INVALID_CAC_CURRENCY", _) => "Choose a currency: EUR or USD.",
        ("INVALID_EMAIL", _) => "This is not an e-mail address.",
        ("INVALID_PHONE_NUMBER", _) => "Enter the number with + and the country code: +15555555.",
        ("NOT_A_STRING", "userId") => {
            "Use at most 255 characters, without line breaks and invisible characters."
        }
        ("NOT_A_STRING", _) => "This text has characters that cannot be stored.",
        ("TOO_LONG", _) => "Enter at most 255 characters.",
        ("INVALID_BIRTHDAY", _) => "Enter a date as YYYY-MM-DD.",
        ("INVALID_LANGUAGE", _) => "Enter a language of two letters, such as en.",
        ("INVALID_GENDER", _) => "Choose one of the list.",
        ("INVALID_TIMEZONE", _) => "Enter a time zone, such as Europe/Tallinn or +02:00.",
        ("INVALID_SCORE", _) => "Enter a whole number.",
        ("INVALID_URL", _) => "Enter a web address, such as https://example.com/me.",
        ("INVALID_TIME", _) => "Enter a time as YYYY-MM-DD hh:mm:ss or YYYY-MM-DD.",
        ("INVALID_SEARCH", _) => "Search for letters or digits: at most 10 words and 255 characters.",
        ("TOO_MANY_LISTS", _) => "There are too many lists to search at once. Open a list and search there.",
        ("NOT_A_BOOLEAN", field) => return format!("Choose yes or no for {field}."),
        ("IDENTIFIER_REQUIRED", _) => "A contact needs an e-mail address, a phone number or a user ID.",
        ("LIST_NOT_FOUND", _) => "The list does not exist any more.",
        ("NOT_UNDOABLE", _) => "This request cannot be undone.",
        ("HISTORY_GONE", _) => "This request is too old to be undone.",
        ("TOKEN_READ_ONLY", _) => "Your role does not allow changes.",
        ("BACKLOG_FULL", _) => "The server is busy. Nothing was changed. Try again in a moment.",
        ("NOT_SAVED" | "STORE_UNAVAILABLE", _) => {
            "The store is not available. Nothing was changed. Try again in a moment."
        }
        ("OUTCOME_UNKNOWN", _) => {
            "It is not known whether this was saved. Load the page again before you try once more."
        }
        ("INTERNAL_ERROR", _) => "Something went wrong. The log of the server has the reason.",
        _ => return problem.message.clone(),
    };
    text.to_owned()
}
