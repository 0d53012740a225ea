//! `rollbook mcp`: the tools of a running server, on standard input and output.
//!
//! It speaks the protocol with the assistant, and passes each call to `/mcp` of the server: so it opens no store, the
//! server checks the token, and both ways have the same tools.

use bytes::Bytes;
use rmcp::model::{
    CallToolRequestParams, CallToolResponse, CallToolResult, ContentBlock, JsonObject, ListToolsResult,
    PaginatedRequestParams, ServerConfig,
};
use rmcp::service::{RequestContext, RoleServer};
use rmcp::{ErrorData, ServerHandler, ServiceExt as _};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::Result;
use super::client::{Server, ServerArguments};
use files::remote::refusal;
use mcp::PATH;
use mcp::server::about;

/// The version of the protocol between this command and the server. Both are of one program or nearly so, and this
/// version needs no other headers.
const VERSION: &str = "2025-11-25";

#[derive(Debug, clap::Args)]
pub struct Arguments {
    #[command(flatten)]
    server: ServerArguments,
}

pub async fn run(arguments: Arguments) -> Result {
    let bridge = Bridge(arguments.server.client()?.0);
    // Nothing but messages may be on standard output: some clients fail at the first other line.
    let serving = bridge.serve(rmcp::transport::stdio()).await;
    let serving = match serving {
        Ok(serving) => serving,
        // The assistant has left before the first message.
        Err(rmcp::service::ServerInitializeError::ConnectionClosed(_)) => return Ok(()),
        Err(error) => return Err(error.to_string()),
    };
    serving.waiting().await.map(drop).map_err(|error| error.to_string())
}

/// Passes calls to a server.
struct Bridge(Server);

/// An answer of JSON-RPC.
#[derive(Deserialize)]
struct Answer<T> {
    result: Option<T>,
    error: Option<ErrorData>,
}

impl Bridge {
    /// Sends a request, and returns its result.
    ///
    /// # Errors
    /// The outer one: there was no answer of the protocol, and why. The inner one: an error of the protocol.
    async fn ask<T: DeserializeOwned>(
        &self,
        method: &str,
        params: Value,
    ) -> std::result::Result<std::result::Result<T, ErrorData>, String> {
        let body = json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params });
        let headers = [("accept", "application/json, text/event-stream"), ("mcp-protocol-version", VERSION)];
        let reply = self.0.send(PATH, &headers, Bytes::from(body.to_string())).await?;
        let answer = serde_json::from_slice::<Answer<T>>(&reply.body);
        match answer {
            Ok(Answer { error: Some(error), .. }) => Ok(Err(error)),
            Ok(Answer { result: Some(result), .. }) if reply.status == 200 => Ok(Ok(result)),
            _ => Err(refusal(PATH, &reply.body)),
        }
    }
}

impl ServerHandler for Bridge {
    fn get_info(&self) -> ServerConfig {
        about()
    }

    async fn list_tools(
        &self,
        _: Option<PaginatedRequestParams>,
        _: RequestContext<RoleServer>,
    ) -> std::result::Result<ListToolsResult, ErrorData> {
        let listed = self.ask::<ListToolsResult>("tools/list", json!({})).await;
        let listed = listed.map_err(|text| {
            // Clients rarely show this error: the log of the assistant does.
            eprintln!("rollbook: {text}");
            ErrorData::internal_error(text, None)
        })??;
        Ok(ListToolsResult::with_all_items(listed.tools))
    }

    async fn call_tool(
        &self,
        request: CallToolRequestParams,
        context: RequestContext<RoleServer>,
    ) -> std::result::Result<CallToolResponse, ErrorData> {
        let arguments: JsonObject = request.arguments.unwrap_or_default();
        let params = json!({ "name": request.name, "arguments": arguments });
        let called = tokio::select! {
            called = self.ask::<CallToolResult>("tools/call", params) => called,
            () = context.ct.cancelled() => Err("the call was cancelled".to_owned()),
        };
        match called {
            Ok(result) => {
                let CallToolResult { content, structured_content, is_error, .. } = result?;
                let mut passed = CallToolResult::default();
                (passed.content, passed.structured_content, passed.is_error) =
                    (content, structured_content, is_error);
                Ok(passed.into())
            }
            Err(text) => Ok(CallToolResult::error(vec![ContentBlock::text(text)]).into()),
        }
    }
}
