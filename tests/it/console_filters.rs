//! Conditions on the page of contacts without a script, the segments and views that are saved there, and what is done with
//! all contacts that match.

use serde_json::json;
use url::form_urlencoded;

use crate::console_jobs::Desk;

async fn with_plans() -> Desk {
    let desk = Desk::new().await;
    let contact =
        |name: &str, plan: &str| json!({ "contact": name, "variables": [{ "name": "plan", "value": plan }] });
    let contacts = json!([contact("ann", "pro"), contact("bob", "free"), contact("eve", "pro")]);
    desk.server.update(&desk.list, true, contacts).await;
    desk
}

fn query(pairs: &[(&str, &str)]) -> String {
    form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish()
}

/// Where a page leads.
async fn leads(desk: &Desk, path: &str) -> String {
    let answer = desk.visitor.get(path).await;
    assert_eq!(answer.status.as_u16(), 303, "{path}");
    answer.headers["location"].to_str().expect("text").to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_form_of_conditions_leads_to_an_address_that_others_can_open() {
    let desk = with_plans().await;
    let list = format!("/lists/{}", desk.list);
    let form = query(&[
        ("q", ""),
        ("active", ""),
        ("match", "all"),
        ("group", "all"),
        ("field", "variables.plan"),
        ("op", "is"),
        ("value", "pro"),
        ("field", ""),
        ("op", "is"),
        ("value", ""),
    ]);
    let address = leads(&desk, &format!("{list}?{form}")).await;
    let filter = r#"{"field":"variables.plan","op":"is","value":"pro"}"#;
    assert_eq!(address, format!("{list}?{}", query(&[("filter", filter)])));
    let page = desk.visitor.page(&address).await;
    assert!(page.contains("ann") && page.contains("eve") && !page.contains(">bob<"), "{page}");
    assert!(page.contains(r#"<option value="variables.plan" selected>plan</option>"#), "{page}");
    let counted = desk.visitor.page(&format!("{address}&count=1")).await;
    assert!(counted.contains("2 contacts match, of 3."), "{counted}");
    assert_eq!(desk.visitor.page(&format!("{list}/count?{form}")).await, "2 contacts match, of 3.");

    // A filter that does not read shows no contact: nothing is done with more than was meant.
    let wrong = query(&[("filter", r#"{"field":"contactScore","op":"after","value":"many"}"#)]);
    let page = desk.visitor.page(&format!("{list}?{wrong}")).await;
    assert!(
        page.contains("Argument filter.value must be a number") && page.contains("No contacts match"),
        "{page}"
    );
    assert!(page.contains(r#"value="many""#) && !page.contains(&format!("{list}/export?")), "{page}");
    desk.server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_shown_is_saved_as_a_segment_and_as_a_view() {
    let desk = with_plans().await;
    let list = format!("/lists/{}", desk.list);
    let filter = r#"{"field":"variables.plan","op":"is","value":"pro"}"#;
    let segments = format!("{list}/segments");
    let made =
        desk.visitor.goes(&segments, &[("name", "Pro"), ("kind", "segment"), ("filter", filter)]).await;
    assert_eq!(made, format!("{segments}?done=saved"));
    let twice =
        desk.visitor.post(&segments, &[("name", "Pro"), ("kind", "segment"), ("filter", filter)]).await;
    assert_eq!(twice.status.as_u16(), 400);
    assert!(twice.text().contains("The list already has one with this name."));
    let free = r#"{"field":"variables.plan","op":"is","value":"free"}"#;
    let replaced = [("name", "Pro"), ("kind", "segment"), ("filter", free), ("replace", "1")];
    assert_eq!(desk.visitor.goes(&segments, &replaced).await, format!("{segments}?done=saved"));

    let found = desk.server.ok("/v3/segment/find", &json!({ "contactListId": desk.list })).await;
    assert_eq!(found["data"].as_array().expect("segments").len(), 1, "{found}");
    let id = found["data"][0]["segmentId"].as_str().expect("an id").to_owned();
    assert_eq!(found["data"][0]["filter"]["value"], "free");
    assert_eq!(desk.visitor.page(&format!("{segments}/{id}/size")).await, "1");
    let named = query(&[("filter", &format!(r#"{{"segment":"{id}"}}"#))]);
    let page = desk.visitor.page(&format!("{list}?{named}")).await;
    assert!(page.contains("bob") && !page.contains(">ann<"), "{page}");

    let shown = query(&[("filter", filter), ("order", "oldest"), ("columns", "userId.variables:plan")]);
    let view = [("name", "Payers"), ("kind", "view"), ("filter", filter), ("query", shown.as_str())];
    assert_eq!(desk.visitor.goes(&segments, &view).await, format!("{segments}?done=view-saved"));
    let rename = json!({ "contactListId": desk.list, "name": "plan", "newName": "tariff" });
    desk.server.ok("/v3/contact-list/variables/rename", &rename).await;
    let page = desk.visitor.page(&segments).await;
    let link = crate::visitor::between(&page, &format!("href=\"{list}?"), "\">Payers").to_owned();
    let link = link.rsplit("href=\"").next().expect("a link").replace("&#38;", "&").replace("&amp;", "&");
    let link = link.strip_prefix(&format!("{list}?")).unwrap_or(&link).to_owned();
    let page = desk.visitor.page(&format!("{list}?{link}")).await;
    assert!(page.contains("ann") && page.contains("eve") && !page.contains(">bob<"), "{page}");
    assert!(page.contains(r#"<option value="variables.tariff" selected>tariff</option>"#), "{page}");

    assert_eq!(
        desk.visitor.goes(&format!("{segments}/{id}/rename"), &[("name", "Others")]).await,
        format!("{segments}?done=renamed")
    );
    assert_eq!(
        desk.visitor.goes(&format!("{segments}/{id}/remove"), &[]).await,
        format!("{segments}?done=removed")
    );
    desk.server.stop().await;
}
