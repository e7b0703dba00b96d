//! The way of spans to a collector: a bounded queue, a thread of its own, and what is counted.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use metrics::Counter;
use opentelemetry::trace::TracerProvider as _;
use opentelemetry::{Context, KeyValue};
use opentelemetry_http::{Bytes, HttpClient, HttpError, Request, Response};
use opentelemetry_otlp::{ExporterBuildError, WithExportConfig as _, WithHttpConfig as _};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::trace::{
    BatchConfigBuilder, BatchSpanProcessor, SdkTracer, SdkTracerProvider, Span, SpanData,
    SpanExporter, SpanProcessor,
};
use ureq::tls::{Certificate, PemItem, RootCerts, TlsConfig};

use super::settings::SpanSettings;
use crate::catalogue::SPANS;
use crate::happenings::SpansNotExported;

/// Most of a collector's answer that is read.
const ANSWER_BYTES: u64 = 64 * 1024;

/// What makes spans and brings them away.
#[derive(Debug)]
pub(super) struct Export {
    pub(super) tracer: SdkTracer,
    provider: SdkTracerProvider,
}

impl Export {
    /// Starts the thread that exports.
    pub(super) fn start(
        worker: &'static str,
        settings: &SpanSettings,
    ) -> Result<Self, ExporterBuildError> {
        let inner = opentelemetry_otlp::SpanExporter::builder()
            .with_http()
            .with_http_client(Client::new(settings))
            .with_endpoint(&settings.endpoint)
            .with_protocol(settings.protocol)
            .with_timeout(settings.timeout)
            .build()?;
        let queue = Arc::new(Queue::new(worker, settings.queue));
        let batches = BatchConfigBuilder::default().with_max_queue_size(settings.queue).build();
        let exporter = Counted { inner, queue: Arc::clone(&queue) };
        let inner = BatchSpanProcessor::builder(exporter).with_batch_config(batches).build();
        let provider = SdkTracerProvider::builder()
            .with_resource(resource(worker, settings))
            .with_span_processor(Bounded { inner, queue })
            .build();
        Ok(Self { tracer: provider.tracer("orderflow"), provider })
    }

    /// Brings away what waits, for so long at most.
    pub(super) fn stop(&self, within: Duration) {
        if let Err(error) = self.provider.shutdown_with_timeout(within) {
            tracing::debug!(%error, "the last spans were not exported");
        }
    }
}

fn resource(worker: &'static str, settings: &SpanSettings) -> Resource {
    let version = KeyValue::new("service.version", env!("CARGO_PKG_VERSION"));
    let resource = Resource::builder().with_attribute(version);
    if settings.has_name { resource.build() } else { resource.with_service_name(worker).build() }
}

/// Spans on their way, counted: what finds no room is left out, never waited for.
#[derive(Debug)]
struct Queue {
    worker: &'static str,
    room: usize,
    waiting: AtomicUsize,
    exported: Counter,
    failed: Counter,
    dropped: Counter,
    was_told: AtomicBool,
}

impl Queue {
    fn new(worker: &'static str, room: usize) -> Self {
        let counter = |result| SPANS.counter(&[worker, result]);
        Self {
            worker,
            room,
            waiting: AtomicUsize::new(0),
            exported: counter("exported"),
            failed: counter("failed"),
            dropped: counter("dropped"),
            was_told: AtomicBool::new(false),
        }
    }

    fn has_room(&self) -> bool {
        if self.waiting.fetch_add(1, Ordering::AcqRel) < self.room {
            return true;
        }
        self.waiting.fetch_sub(1, Ordering::AcqRel);
        self.dropped.increment(1);
        self.tell("the queue is full");
        false
    }

    fn left(&self, count: usize, result: &OTelSdkResult) {
        self.waiting.fetch_sub(count, Ordering::AcqRel);
        let spans = u64::try_from(count).unwrap_or(u64::MAX);
        match result {
            Ok(()) => self.exported.increment(spans),
            Err(error) => {
                self.failed.increment(spans);
                self.tell(&error.to_string());
            }
        }
    }

    /// Said once in the life of a process: from then on the counter tells.
    fn tell(&self, why: &str) {
        if !self.was_told.swap(true, Ordering::Relaxed) {
            SpansNotExported { worker: self.worker, why }.emit();
        }
    }
}

/// Lets spans in as long as there is room.
#[derive(Debug)]
struct Bounded {
    inner: BatchSpanProcessor,
    queue: Arc<Queue>,
}

impl SpanProcessor for Bounded {
    fn on_start(&self, span: &mut Span, context: &Context) {
        self.inner.on_start(span, context);
    }

    fn on_end(&self, span: SpanData) {
        if self.queue.has_room() {
            self.inner.on_end(span);
        }
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.inner.force_flush()
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.inner.shutdown_with_timeout(timeout)
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.inner.set_resource(resource);
    }
}

/// Counts what became of each batch.
#[derive(Debug)]
struct Counted {
    inner: opentelemetry_otlp::SpanExporter,
    queue: Arc<Queue>,
}

impl SpanExporter for Counted {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        let count = batch.len();
        let result = self.inner.export(batch).await;
        self.queue.left(count, &result);
        result
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.inner.shutdown_with_timeout(timeout)
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.inner.set_resource(resource);
    }
}

/// HTTP for a thread that may block.
#[derive(Debug)]
struct Client(ureq::Agent);

impl Client {
    fn new(settings: &SpanSettings) -> Self {
        let mut config = ureq::Agent::config_builder()
            .timeout_global(Some(settings.timeout))
            .http_status_as_error(false)
            .max_redirects(0);
        if settings.endpoint.starts_with("https:") {
            config = config.tls_config(tls(settings));
        }
        Self(config.build().new_agent())
    }
}

fn tls(settings: &SpanSettings) -> TlsConfig {
    let trusted: Vec<_> = if let Some(pem) = &settings.authority {
        ureq::tls::parse_pem(pem).filter_map(Result::ok).filter_map(own).collect()
    } else {
        let system = rustls_native_certs::load_native_certs().certs;
        system.iter().map(|it| Certificate::from_der(it.as_ref()).to_owned()).collect()
    };
    let provider = rustls::crypto::ring::default_provider();
    TlsConfig::builder()
        .root_certs(RootCerts::new_with_certs(&trusted))
        .unversioned_rustls_crypto_provider(Arc::new(provider))
        .build()
}

fn own(item: PemItem<'static>) -> Option<Certificate<'static>> {
    match item {
        PemItem::Certificate(certificate) => Some(certificate),
        _ => None,
    }
}

#[async_trait]
impl HttpClient for Client {
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let response = self.0.run(request.map(|body| body.to_vec()))?;
        let (head, mut body) = response.into_parts();
        let body = body.with_config().limit(ANSWER_BYTES).read_to_vec()?;
        Ok(Response::from_parts(head, body.into()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_finds_no_room_is_left_out_until_there_is_room_again() {
        let queue = Queue::new("test", 2);
        assert_eq!([queue.has_room(), queue.has_room(), queue.has_room()], [true, true, false]);
        queue.left(2, &Ok(()));
        assert!(queue.has_room());
        assert_eq!(queue.waiting.load(Ordering::Relaxed), 1);
    }
}
