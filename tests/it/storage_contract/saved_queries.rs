//! Saved filters of lists.

use storage::{AddError, SavedChange, SavedKind, SavedQuery};

use super::{Desk, on_every_backend};

on_every_backend! {
    saved_filters_are_of_their_list_and_kind_and_go_with_the_list,
    a_name_is_taken_once_per_kind,
}

fn query(desk: &Desk, kind: SavedKind, name: &str) -> SavedQuery {
    let (id, now) = (desk.ids.next(desk.now), desk.now);
    SavedQuery { id, kind, name: name.to_owned(), content: "{}".to_owned(), created_at: now, updated_at: now }
}

async fn saved_filters_are_of_their_list_and_kind_and_go_with_the_list(mut desk: Desk) {
    let (b, a) = (query(&desk, SavedKind::Segment, "b"), query(&desk, SavedKind::Segment, "a"));
    let view = query(&desk, SavedKind::View, "a");
    for one in [&b, &a, &view] {
        desk.storage().add_saved_query(desk.list, one.clone(), 2).await.expect("it is added");
    }
    desk.reopen();
    let segments = desk.storage().saved_queries(desk.list, SavedKind::Segment).await.expect("a look");
    assert_eq!(segments, [a.clone(), b.clone()]);
    assert_eq!(
        desk.storage().saved_queries(desk.list, SavedKind::View).await.expect("a look"),
        std::slice::from_ref(&view)
    );

    let change = SavedChange { name: None, content: Some("[]".to_owned()) };
    let later = desk.now.after(std::time::Duration::from_secs(1));
    desk.storage()
        .update_saved_query(desk.list, SavedKind::Segment, a.id, change, later)
        .await
        .expect("it is changed");
    let segments = desk.storage().saved_queries(desk.list, SavedKind::Segment).await.expect("a look");
    assert_eq!(segments[0], SavedQuery { content: "[]".to_owned(), updated_at: later, ..a.clone() });

    let remove =
        async |kind, id| desk.storage().remove_saved_query(desk.list, kind, id).await.expect("a change");
    assert!(!remove(SavedKind::View, a.id).await, "it is no view");
    assert!(remove(SavedKind::Segment, a.id).await);
    assert!(!remove(SavedKind::Segment, a.id).await);

    let list = desk.storage().find_list(desk.list_id).await.expect("a look").expect("the list");
    assert!(desk.storage().remove_list(desk.list, list.about.name).await.expect("a change"));
    for kind in [SavedKind::Segment, SavedKind::View] {
        assert_eq!(desk.storage().saved_queries(desk.list, kind).await.expect("a look"), []);
    }
    let gone = desk.storage().add_saved_query(desk.list, query(&desk, SavedKind::View, "x"), 9).await;
    assert!(matches!(gone, Err(AddError::Gone)), "{gone:?}");
}

async fn a_name_is_taken_once_per_kind(desk: Desk) {
    let (a, b) = (query(&desk, SavedKind::Segment, "a"), query(&desk, SavedKind::Segment, "b"));
    for one in [&a, &b] {
        desk.storage().add_saved_query(desk.list, one.clone(), 2).await.expect("it is added");
    }
    let more = desk.storage().add_saved_query(desk.list, query(&desk, SavedKind::Segment, "c"), 2).await;
    assert!(matches!(more, Err(AddError::TooMany(2))), "{more:?}");
    let twice = desk.storage().add_saved_query(desk.list, query(&desk, SavedKind::Segment, "a"), 3).await;
    assert!(matches!(twice, Err(AddError::Exists(_))), "{twice:?}");
    let rename = |name: &str| SavedChange { name: Some(name.to_owned()), content: None };
    let change = async |id, name: &str| {
        desk.storage().update_saved_query(desk.list, SavedKind::Segment, id, rename(name), desk.now).await
    };
    assert!(matches!(change(b.id, "a").await, Err(AddError::Exists(_))));
    assert!(change(b.id, "b").await.is_ok(), "its own name");
    assert!(matches!(change(desk.ids.next(desk.now), "z").await, Err(AddError::Gone)));
}
