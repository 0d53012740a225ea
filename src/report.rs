//! The request object: what request/find returns and the status webhook carries (contract, section 5).

use serde_json::{Value, json};

use crate::contact::identifier::Identifiers;
use crate::storage::{
    Counts, DeliveryState, DeliveryStatus, ItemResult, Request, RequestState, RequestSummary,
};

/// The object as the webhook carries it.
pub fn webhook_object(request: &Request) -> Value {
    let (mut success, mut errors) = (Vec::new(), Vec::new());
    for (position, result) in request.results.iter().enumerate() {
        match result {
            ItemResult::Done { action, id, identifiers } => {
                let Identifiers { user_id, email, phone_number } = identifiers;
                success.push(json!({
                    "position": position, "action": action.name(), "id": id,
                    "email": email, "phone": phone_number, "userId": user_id,
                }));
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
    json!({
        "id": request.id,
        "source": request.kind.source(),
        "status": state_name(request.state),
        "webHookUri": request.webhook,
        "createdAt": request.created_at.to_string(),
        "updatedAt": request.updated_at.to_string(),
        "results": { "success": success, "errors": errors },
    })
}

/// The object as request/find returns it: with how its webhook fares.
pub fn request_object(request: &Request) -> Value {
    let mut object = webhook_object(request);
    object["webHook"] = delivery(request.delivery);
    object
}

/// The object as request/list returns it: counts stand in the place of the results.
pub fn summary_object(request: &RequestSummary) -> Value {
    let counts =
        request.counts.map(|Counts { success, errors }| json!({ "success": success, "errors": errors }));
    json!({
        "id": request.id,
        "source": request.kind.source(),
        "status": state_name(request.state),
        "webHookUri": request.webhook,
        "createdAt": request.created_at.to_string(),
        "updatedAt": request.updated_at.to_string(),
        "counts": counts,
        "webHook": delivery(request.delivery),
    })
}

fn delivery(status: Option<DeliveryStatus>) -> Value {
    match status {
        None => json!({ "status": "none", "attempts": 0 }),
        Some(DeliveryStatus { state, attempts }) => {
            json!({ "status": delivery_name(state), "attempts": attempts })
        }
    }
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
