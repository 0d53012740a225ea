//! Receivers of webhooks.

use std::sync::Arc;
use std::time::Duration;

use app::webhook::send::{Message, Transport};
use app::webhook::sign::{self, Secret};
use async_trait::async_trait;
use domain::clock::Clock as _;
use storage::{DeliveryEnd, Response};

use super::ground::webhook_secret;
use super::plan::Manner;
use super::world::{Life, Receipt, World};

/// What a receiver has to answer.
const LIMIT: u64 = 1_500;

/// The way from one life of the node to the receivers.
pub struct Network {
    pub world: Arc<World>,
    pub life: Arc<Life>,
}

/// The URI of a receiver.
pub fn uri(receiver: usize) -> String {
    format!("http://r{receiver}.example.com/hook")
}

impl Network {
    /// How long an attempt takes, and what comes of it.
    fn answer(&self, manner: Manner) -> (u64, DeliveryEnd) {
        let mut state = self.world.state();
        let dice = &mut state.dice;
        let quick = dice.between(1, 40);
        let good = match manner {
            Manner::Good => true,
            Manner::Fickle => dice.chance(400),
            Manner::Dead | Manner::Private => false,
        };
        if manner == Manner::Private {
            return (quick, DeliveryEnd::Forbidden);
        }
        if good {
            return (quick, DeliveryEnd::Delivered);
        }
        match dice.index(6) {
            // A redirect is an answer as any other.
            0 => (quick, DeliveryEnd::Status(307)),
            1 => (quick, DeliveryEnd::Status(500)),
            2 => (quick, DeliveryEnd::NoConnection),
            3 => (quick, DeliveryEnd::NoAnswer),
            // It hangs, or answers when nobody listens any more.
            _ => (LIMIT, DeliveryEnd::TimedOut),
        }
    }

    fn look_at(&self, message: &Message) -> Result<(), String> {
        let secret = Secret::parse(&webhook_secret()).unwrap();
        let Message { id, timestamp_seconds, body, signature, .. } = message;
        if !sign::verifies(&secret, id, *timestamp_seconds, body, signature) {
            return Err(format!("the webhook of {id} is signed wrongly"));
        }
        if !self.world.state().book.entries.contains_key(id) {
            return Err(format!("a webhook of {id} is sent, and there is no such request"));
        }
        let moved = !self.world.state().jumps.is_empty();
        if !moved && self.world.clock.now().seconds() - timestamp_seconds > 60 {
            return Err(format!("the webhook of {id} was signed long ago"));
        }
        Ok(())
    }
}

#[async_trait]
impl Transport for Network {
    async fn send(&self, message: Message) -> Option<Response> {
        self.life.go_on().await;
        self.world.check(self.look_at(&message));
        let receiver = (0..self.world.plan.receivers.len()).find(|no| uri(*no) == message.uri);
        let Some(receiver) = receiver else {
            self.world.check(Err(format!("a webhook goes to {}", message.uri)));
            return Some(DeliveryEnd::Forbidden.into());
        };
        let (takes, outcome) = self.answer(self.world.plan.receivers[receiver]);
        let body = String::from_utf8(message.body.to_vec()).unwrap();
        self.world.note(format!("webhook {} to {receiver}: {outcome:?} in {takes} ms: {body}", message.id));
        let at = self.world.clock.now().millis();
        let place = {
            let mut state = self.world.state();
            let life = state.life;
            state.receipts.push(Receipt { id: message.id, at, life, body, outcome: None });
            state.receipts.len() - 1
        };
        tokio::time::sleep(Duration::from_millis(takes)).await;
        self.life.go_on().await;
        self.world.state().receipts[place].outcome = Some(outcome);
        Some(outcome.into())
    }
}
