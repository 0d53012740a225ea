//! The request object: what request/find returns and the status webhook carries (contract, section 5).

use serde_json::{Value, json};

use crate::contact::identifier::Identifiers;
use crate::storage::{DeliveryState, DeliveryStatus, ItemResult, Request, RequestState, UndoneFields};

/// What became of each item, as every answer shows it.
pub fn results_object(results: &[ItemResult]) -> Value {
    let (mut success, mut errors) = (Vec::new(), Vec::new());
    for (position, result) in results.iter().enumerate() {
        match result {
            ItemResult::Done { action, id, identifiers, undone } => {
                let Identifiers { user_id, email, phone_number } = identifiers;
                let mut entry = json!({
                    "position": position, "action": action.name(), "id": id,
                    "email": email, "phone": phone_number, "userId": user_id,
                });
                if let Some(UndoneFields { restored, kept }) = undone {
                    let kept = kept.iter().map(|(field, failure)| {
                        json!({ "field": field, "error": failure.code(), "humanError": failure.text() })
                    });
                    entry["restored"] = json!(restored);
                    entry["kept"] = kept.collect();
                }
                success.push(entry);
            }
            ItemResult::Failed { failure, asked } => {
                let Identifiers { user_id, email, phone_number } = asked;
                errors.push(json!({
                    "position": position, "error": failure.code(),
                    "contact": { "id": null, "email": email, "phone": phone_number, "userId": user_id },
                    "humanError": failure.text(),
                }));
            }
        }
    }
    json!({ "success": success, "errors": errors })
}

/// The object as the webhook carries it.
pub fn webhook_object(request: &Request) -> Value {
    json!({
        "id": request.id,
        "source": request.kind.source(),
        "status": state_name(request.state),
        "webHookUri": request.webhook,
        "createdAt": request.created_at.to_string(),
        "updatedAt": request.updated_at.to_string(),
        "results": results_object(&request.results),
    })
}

/// The object as request/find returns it: with how its webhook fares.
pub fn request_object(request: &Request) -> Value {
    let mut object = webhook_object(request);
    object["webHook"] = match request.delivery {
        None => json!({ "status": "none", "attempts": 0 }),
        Some(DeliveryStatus { state, attempts }) => {
            json!({ "status": delivery_name(state), "attempts": attempts })
        }
    };
    object
}

const fn state_name(state: RequestState) -> &'static str {
    match state {
        RequestState::Queued => "queued",
        RequestState::Processing => "processing",
        RequestState::Processed => "processed",
    }
}

const fn delivery_name(state: DeliveryState) -> &'static str {
    match state {
        DeliveryState::Pending => "pending",
        DeliveryState::Delivered => "delivered",
        DeliveryState::Failed => "failed",
    }
}
