//! What the pages of an import show and ask: how the file is read, what its columns are, and what holds for all rows.

use std::time::Duration;

use serde_json::{Value, json};

use crate::console_jobs::{Desk, ended, figure, figures};
use crate::files_values::{row, workbook};

const PATIENCE: Duration = Duration::from_secs(30);

#[tokio::test(flavor = "multi_thread")]
async fn a_doubtful_encoding_is_asked_for_and_chosen() {
    let Desk { server, visitor, list } = Desk::new().await;
    let job = visitor.uploaded(&list, "people.csv", b"userId,firstName\nu1,\xc8\xe2\xe0\xed\n").await;
    let page = visitor.page(&job).await;
    assert!(page.contains("windows-1252 (guessed), commas between cells"), "{page}");
    assert!(page.contains("windows-1251 reads &#34;Иван&#34;"), "{page}");
    let columns = [("column-0", "userId"), ("column-1", "firstName"), ("do", "begin")];
    let told = visitor.post(&format!("{job}/begin"), &columns).await;
    assert_eq!(told.status.as_u16(), 400);
    assert!(told.text().contains("Choose the encoding of the file"), "{}", told.text());
    let page = visitor.page(&format!("{job}?read=1&encoding=windows-1251")).await;
    assert!(
        page.contains("<div>Иван</div>") && page.contains("name=\"said-encoding\" value=\"windows-1251\""),
        "{page}"
    );
    let page = visitor.page(&format!("{job}?read=1&header=soon")).await;
    assert!(page.contains("Enter a number from 1 as the row of the column names, or none."), "{page}");
    let said = [&columns[..], &[("said-encoding", "windows-1251")]].concat();
    visitor.goes(&format!("{job}/begin"), &said).await;
    let page = ended(&visitor, &job, PATIENCE).await;
    assert_eq!(figures(&page), [1, 0, 0, 0], "{page}");
    assert_eq!(server.contact(&list, "userId", "u1").await["firstName"], "Иван");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sheet_and_a_header_are_chosen() {
    let Desk { server, visitor, list } = Desk::new().await;
    let cover = row(&["Report"]);
    let people = [row(&["Our people", ""]), row(&["User ID", "Name"]), row(&["u1", "Jo"])].concat();
    let book = workbook(&[("Cover", false, &cover), ("People", false, &people)]);
    let job = visitor.uploaded(&list, "people.xlsx", &book).await;
    let page = visitor.page(&job).await;
    assert!(
        page.contains("XLSX, sheet &#34;Cover&#34;") && page.contains("<option>People</option>"),
        "{page}"
    );
    let page = visitor.page(&format!("{job}?read=1&sheet=People&header=2")).await;
    assert!(page.contains("1 rows of XLSX, sheet &#34;People&#34;"), "{page}");
    let fields = [
        ("column-0", "userId"),
        ("column-1", "name"),
        ("said-sheet", "People"),
        ("said-header", "2"),
        ("do", "begin"),
    ];
    visitor.goes(&format!("{job}/begin"), &fields).await;
    assert_eq!(figures(&ended(&visitor, &job, PATIENCE).await), [1, 0, 0, 0]);
    assert_eq!(server.contact(&list, "userId", "u1").await["name"], "Jo");
}

#[tokio::test(flavor = "multi_thread")]
async fn choices_hold_for_all_rows_and_warnings_are_counted() {
    let Desk { server, visitor, list } = Desk::new().await;
    let text = "CONTACT ID,EMAIL,SMS,EMAIL_BLACKLISTED,SMS_BLACKLISTED,Birthday,birthdayDate\n\
                1,ann@example.com,33612345678,Yes,No,--02-29,x\n2,bob@example.com,555 5555 5,No,No,1/2/1990,x\n";
    let job = visitor.uploaded(&list, "people.csv", text.as_bytes()).await;
    let page = visitor.page(&job).await;
    assert!(page.contains("an export of Brevo") && page.contains("Did you mean contactBirthday?"), "{page}");
    assert!(page.contains("<option value=\"not emailSubscribe\" selected>"), "{page}");
    let columns = [
        "ignore",
        "email",
        "phoneNumber",
        "not emailSubscribe",
        "not smsSubscribe",
        "contactBirthday",
        "ignore",
    ];
    let names: Vec<_> = (0..columns.len()).map(|place| format!("column-{place}")).collect();
    let mut fields: Vec<_> = names.iter().map(String::as_str).zip(columns).collect();
    fields.extend([
        ("mode", "create"),
        ("all-active", "yes"),
        ("all-emailSubscribe", "yes"),
        ("all-field-0", "contactLanguage"),
        ("all-value-0", "fr-FR"),
        ("dates", "day-first"),
        ("bad_values", "leave_out"),
        ("match_by", "email"),
    ]);
    let wrong =
        [&fields[..], &[("all-field-1", "contactScore"), ("all-value-1", " "), ("do", "try")]].concat();
    let told = visitor.post(&format!("{job}/begin"), &wrong).await;
    assert!(told.text().contains("contactScore has no value for all rows"), "{}", told.text());
    visitor.goes(&format!("{job}/begin"), &[&fields[..], &[("do", "try")]].concat()).await;
    let page = ended(&visitor, &job, PATIENCE).await;
    assert!(page.contains("2 rows: 2 new, 0 updated, 0 unchanged, 0 with errors."), "{page}");
    assert!(page.contains("the birthday has no year"), "{page}");
    visitor.goes(&format!("{job}/begin"), &[&fields[..], &[("do", "begin")]].concat()).await;
    let page = ended(&visitor, &job, PATIENCE).await;
    assert_eq!((figures(&page), figure(&page, "Warnings")), ([2, 0, 0, 0], 1), "{page}");
    let [ann, bob] = ["ann@example.com", "bob@example.com"];
    let (ann, bob) = (server.contact(&list, "email", ann).await, server.contact(&list, "email", bob).await);
    let keys = ["active", "emailSubscribe", "contactLanguage", "contactBirthday", "phoneNumber"];
    let shown = |contact: &Value| keys.map(|key| contact[key].clone());
    assert_eq!(shown(&ann), [json!(true), json!(false), json!("fr"), Value::Null, json!("+33612345678")]);
    assert_eq!(shown(&bob), [json!(true), json!(true), json!("fr"), json!("1990-02-01"), json!("+55555555")]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_is_imported_into_several_lists_at_once() {
    let Desk { server, visitor, list } = Desk::new().await;
    let other = server.list().await;
    let job = visitor.uploaded(&list, "people.csv", b"userId,name\nu1,Jo\n").await;
    assert!(visitor.page(&job).await.contains(&format!("name=\"also\" value=\"{other}\"")));
    let columns = [("column-0", "userId"), ("column-1", "name"), ("do", "begin"), ("also", other.as_str())];
    visitor.goes(&format!("{job}/begin"), &columns).await;
    assert_eq!(figures(&ended(&visitor, &job, PATIENCE).await), [1, 0, 0, 0]);
    server
        .wait_for("the other list to have the contact", async || {
            let contact = server.contact(&other, "userId", "u1").await;
            (contact["name"] == "Jo").then_some(())
        })
        .await;
}
