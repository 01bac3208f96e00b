//! The Model Context Protocol: Swell's API as tools, resources and prompts of an agent.
//!
//! Over HTTP at `/mcp`, and over standard input and output with `swell mcp`. Either way a call becomes a
//! request to the REST API, in this process or over the network ([`Backend`]), so that agents meet the same
//! rules, limits and refusals however they come. A tool's schema is its operation's in the OpenAPI document.
//!
//! Nothing is kept between two calls: any server over the same database can answer any of them.

mod backend;
mod prompts;
mod resources;
mod schema;
mod tools;

use std::sync::Arc;

use axum::Router;
use rmcp::{
    ErrorData, RoleServer, ServerHandler, ServiceExt,
    model::{
        CallToolRequestParams, CallToolResponse, CallToolResult, GetPromptRequestParams,
        GetPromptResponse, Implementation, ListPromptsResult, ListResourceTemplatesResult,
        ListResourcesResult, ListToolsResult, PaginatedRequestParams, ReadResourceRequestParams,
        ReadResourceResponse, ReadResourceResult, ServerCapabilities, ServerConfig, Tool,
    },
    service::RequestContext,
    transport::streamable_http_server::{
        StreamableHttpServerConfig, StreamableHttpService, session::never::NeverSessionManager,
    },
};

use crate::{cli::To, client::Client, config::Serve};

use backend::Backend;

/// What an agent is told of Swell when it connects.
const ABOUT: &str = "Swell coordinates many agents that work at once. A job is a session; it is cut into waves that \
    run one after another; a wave holds batches of subtasks that agents work on in parallel. \
    Orchestrators: decompose and launch_plan (or submit_batch), start_wave, follow with status, complete_batch, \
    next_wave. Workers: claim, then heartbeat while working and before every longer step, reserve_files before \
    editing, report with the lease's token. The prompts `orchestrator` and `worker` say it step by step.";

/// One agent's side of the protocol; cheap to clone.
#[derive(Clone, Debug)]
pub struct Mcp {
    backend: Backend,
    tools: Arc<[Tool]>,
}

impl Mcp {
    fn new(backend: Backend) -> Self {
        Self { backend, tools: tools::all(&crate::openapi::document()).into() }
    }

    fn tool(&self, name: &str) -> Option<&Tool> {
        self.tools.iter().find(|tool| tool.name == name)
    }
}

/// `/mcp` over the REST API's router.
pub fn router(rest: Router, config: &Serve) -> Router {
    let mcp = Mcp::new(Backend::Here(rest));
    let config = StreamableHttpServerConfig::default()
        .with_legacy_session_mode(false)
        .with_json_response(true)
        // `edge` has looked at Host and Origin already, and knows which ones are allowed.
        .disable_allowed_hosts()
        .with_max_request_body_bytes(config.body_limit);
    let service = StreamableHttpService::new(
        move || Ok(mcp.clone()),
        Arc::new(NeverSessionManager::default()),
        config,
    );
    Router::new().route_service("/mcp", service)
}

/// `swell mcp`: speaks on standard input and output, for the server that it is pointed to.
///
/// # Errors
/// One sentence.
pub async fn run(to: &To, token: Option<String>) -> Result<(), String> {
    let mcp = Mcp::new(Backend::There(Client::new(&to.url, token)));
    let running = mcp.serve(rmcp::transport::stdio()).await.map_err(|error| error.to_string())?;
    running.waiting().await.map(|_| ()).map_err(|error| error.to_string())
}

impl ServerHandler for Mcp {
    fn get_info(&self) -> ServerConfig {
        let capabilities = ServerCapabilities::builder()
            .enable_tools()
            .enable_resources()
            .enable_prompts()
            .build();
        let me = Implementation::new("swell", env!("CARGO_PKG_VERSION"));
        ServerConfig::new(capabilities)
            .with_server_info(me.with_title("Swell"))
            .with_instructions(ABOUT)
    }

    async fn list_tools(
        &self,
        _: Option<PaginatedRequestParams>,
        _: RequestContext<RoleServer>,
    ) -> Result<ListToolsResult, ErrorData> {
        Ok(ListToolsResult::with_all_items(self.tools.to_vec()))
    }

    fn get_tool(&self, name: &str) -> Option<Tool> {
        self.tool(name).cloned()
    }

    async fn call_tool(
        &self,
        request: CallToolRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        let (Some(known), Some(tool)) = (tools::find(&request.name), self.tool(&request.name))
        else {
            let message = format!("There is no tool `{}`.", request.name);
            return Err(ErrorData::invalid_params(message, None));
        };
        let arguments = request.arguments.unwrap_or_default();
        let asked = match tools::misnamed(tool, &arguments) {
            Some(strange) => Err(strange),
            None => known.request(arguments),
        };
        // What cannot be done is an answer too, which the agent reads and acts upon.
        let answer = match asked {
            Ok((path, body)) => {
                let backend = self.backend.clone();
                let mut call =
                    tokio::spawn(async move { backend.call(known.method, &path, body).await });
                tokio::select! {
                    answer = &mut call => answer.unwrap_or_else(|error| Err(error.to_string())),
                    () = context.ct.cancelled() => {
                        let backend = self.backend.clone();
                        tokio::spawn(async move {
                            if let Ok(Ok(late)) = call.await {
                                backend.give_back(&late).await;
                            }
                        });
                        Err("The call was called off.".to_owned())
                    }
                }
            }
            Err(missing) => Err(missing),
        };
        Ok(match answer {
            Ok(value) => CallToolResult::structured(value).into(),
            Err(reason) => {
                CallToolResult::error(vec![rmcp::model::ContentBlock::text(reason)]).into()
            }
        })
    }

    async fn list_resources(
        &self,
        request: Option<PaginatedRequestParams>,
        _: RequestContext<RoleServer>,
    ) -> Result<ListResourcesResult, ErrorData> {
        let cursor = request.and_then(|request| request.cursor);
        resources::list(&self.backend, cursor.as_deref()).await
    }

    async fn list_resource_templates(
        &self,
        _: Option<PaginatedRequestParams>,
        _: RequestContext<RoleServer>,
    ) -> Result<ListResourceTemplatesResult, ErrorData> {
        Ok(ListResourceTemplatesResult::with_all_items(resources::templates()))
    }

    async fn read_resource(
        &self,
        request: ReadResourceRequestParams,
        _: RequestContext<RoleServer>,
    ) -> Result<ReadResourceResponse, ErrorData> {
        let contents = resources::read(&self.backend, &request.uri).await?;
        Ok(ReadResourceResult::new(vec![contents]).into())
    }

    async fn list_prompts(
        &self,
        _: Option<PaginatedRequestParams>,
        _: RequestContext<RoleServer>,
    ) -> Result<ListPromptsResult, ErrorData> {
        Ok(ListPromptsResult::with_all_items(prompts::all()))
    }

    async fn get_prompt(
        &self,
        request: GetPromptRequestParams,
        _: RequestContext<RoleServer>,
    ) -> Result<GetPromptResponse, ErrorData> {
        prompts::get(&request.name, &request.arguments.unwrap_or_default()).map(Into::into)
    }
}
