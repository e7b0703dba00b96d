//! A collector of spans, as OpenTelemetry's is: OTLP over HTTP.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue};
use opentelemetry_proto::tonic::trace::v1::Span;
use prost::Message as _;
use tokio::net::TcpListener;

/// A span with what was said of its process.
#[derive(Clone, Debug)]
pub struct CollectedSpan {
    /// What the process says of itself.
    pub process: BTreeMap<String, String>,
    /// What is said of the span.
    pub attributes: BTreeMap<String, String>,
    /// The span.
    pub span: Span,
    /// The headers that its request came with.
    pub headers: HeaderMap,
}

/// Takes what is exported, in both encodings, and keeps it.
#[derive(Debug)]
pub struct Collector {
    address: SocketAddr,
    spans: Spans,
}

type Spans = Arc<Mutex<Vec<CollectedSpan>>>;

impl Collector {
    /// Listens on a free port until the test ends.
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
        let address = listener.local_addr().expect("it is bound");
        let spans = Spans::default();
        let pages = Router::new().route("/v1/traces", post(take)).with_state(Arc::clone(&spans));
        tokio::spawn(async move { axum::serve(listener, pages).await });
        Self { address, spans }
    }

    /// What `OTEL_EXPORTER_OTLP_ENDPOINT` is set to.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Its host and port.
    pub fn place(&self) -> String {
        self.address.to_string()
    }

    /// Everything that came so far.
    pub fn spans(&self) -> Vec<CollectedSpan> {
        self.spans.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The spans about one message, by its id.
    pub fn about(&self, message_id: &str) -> Vec<CollectedSpan> {
        let is_about = |it: &CollectedSpan| it.attributes["messaging.message.id"] == message_id;
        self.spans().into_iter().filter(is_about).collect()
    }
}

async fn take(State(spans): State<Spans>, headers: HeaderMap, body: Bytes) -> StatusCode {
    let content_type = headers.get("content-type").and_then(|it| it.to_str().ok());
    let request = match content_type {
        Some("application/x-protobuf") => ExportTraceServiceRequest::decode(body).ok(),
        Some("application/json") => serde_json::from_slice(&body).ok(),
        Some(_) | None => None,
    };
    let Some(request) = request else { return StatusCode::BAD_REQUEST };
    let mut taken = spans.lock().unwrap_or_else(PoisonError::into_inner);
    for of_process in request.resource_spans {
        let process = texts(of_process.resource.map(|it| it.attributes).unwrap_or_default());
        for span in of_process.scope_spans.into_iter().flat_map(|scope| scope.spans) {
            taken.push(CollectedSpan {
                process: process.clone(),
                attributes: texts(span.attributes.clone()),
                span,
                headers: headers.clone(),
            });
        }
    }
    StatusCode::OK
}

fn texts(pairs: Vec<KeyValue>) -> BTreeMap<String, String> {
    pairs.into_iter().map(|pair| (pair.key, text(pair.value))).collect()
}

fn text(value: Option<AnyValue>) -> String {
    match value.and_then(|it| it.value) {
        Some(Value::StringValue(text)) => text,
        Some(Value::IntValue(number)) => number.to_string(),
        other => format!("{other:?}"),
    }
}
