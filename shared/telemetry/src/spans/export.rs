//! The way of spans to a collector: a bounded queue, a thread of its own, and what is counted.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use metrics::Counter;
use opentelemetry::trace::TracerProvider as _;
use opentelemetry::{Context, KeyValue};
use opentelemetry_otlp::{ExporterBuildError, WithExportConfig as _, WithHttpConfig as _};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::trace::{
    BatchConfigBuilder, BatchSpanProcessor, SdkTracer, SdkTracerProvider, Span, SpanData,
    SpanExporter, SpanProcessor,
};

use super::client::{Answer, Client, LastAnswer, taken};
use super::ids::Ids;
use super::settings::SpanSettings;
use crate::catalogue::SPANS;
use crate::happenings::SpansNotExported;

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
        let (client, answer) = Client::new(settings);
        let inner = opentelemetry_otlp::SpanExporter::builder()
            .with_http()
            .with_http_client(client)
            .with_endpoint(&settings.endpoint)
            .with_protocol(settings.protocol)
            .with_timeout(settings.timeout)
            .build()?;
        let queue = Arc::new(Queue::new(worker, settings.queue));
        let batches = BatchConfigBuilder::default().with_max_queue_size(settings.queue).build();
        let exporter = Counted { inner, answer, queue: Arc::clone(&queue) };
        let inner = BatchSpanProcessor::builder(exporter).with_batch_config(batches).build();
        let provider = SdkTracerProvider::builder()
            .with_resource(resource(worker, settings))
            .with_id_generator(Ids::default())
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

    /// So many have left the queue: with this result, and this answer of the collector.
    fn left(&self, count: usize, result: &OTelSdkResult, answer: &Answer) {
        self.waiting.fetch_sub(count, Ordering::AcqRel);
        let spans = u64::try_from(count).unwrap_or(u64::MAX);
        let rejected = if result.is_ok() { answer.rejected.min(spans) } else { spans };
        self.exported.increment(spans - rejected);
        self.failed.increment(rejected);
        if rejected > 0 {
            let why = match (&answer.why, result) {
                (Some(why), _) => why.clone(),
                (None, Err(error)) => error.to_string(),
                (None, Ok(())) => format!("the collector refused {rejected} spans of a batch"),
            };
            self.tell(&why);
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
    answer: LastAnswer,
    queue: Arc<Queue>,
}

impl SpanExporter for Counted {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        let count = batch.len();
        let result = self.inner.export(batch).await;
        self.queue.left(count, &result, &taken(&self.answer));
        result
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.inner.shutdown_with_timeout(timeout)
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.inner.set_resource(resource);
    }
}

#[cfg(test)]
mod tests {
    use std::io::{BufRead as _, BufReader, Read as _, Write as _};
    use std::net::{SocketAddr, TcpListener, TcpStream};

    use metrics_exporter_prometheus::PrometheusBuilder;
    use opentelemetry::trace::{Span as _, Tracer as _};

    use super::*;

    #[test]
    fn what_finds_no_room_is_left_out_until_there_is_room_again() {
        let queue = Queue::new("test", 2);
        assert_eq!([queue.has_room(), queue.has_room(), queue.has_room()], [true, true, false]);
        queue.left(2, &Ok(()), &Answer::default());
        assert!(queue.has_room());
        assert_eq!(queue.waiting.load(Ordering::Relaxed), 1);
    }

    /// A collector that gives every request this answer, in protobuf.
    fn collector(answer: &'static [u8]) -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                serve(stream, answer);
            }
        });
        address
    }

    fn serve(stream: TcpStream, answer: &[u8]) {
        let mut lines = BufReader::new(stream);
        let mut length = 0;
        loop {
            let mut line = String::new();
            if lines.read_line(&mut line).unwrap() == 0 {
                return;
            }
            let line = line.trim().to_ascii_lowercase();
            if let Some(given) = line.strip_prefix("content-length: ") {
                length = given.parse().unwrap();
            }
            if line.is_empty() {
                break;
            }
        }
        let mut body = vec![0; length];
        lines.read_exact(&mut body).unwrap();
        let head = "HTTP/1.1 200 OK\r\ncontent-type: application/x-protobuf\r\n\
                    connection: close\r\ncontent-length: ";
        let head = format!("{head}{}\r\n\r\n", answer.len());
        lines.get_mut().write_all(&[head.as_bytes(), answer].concat()).unwrap();
    }

    /// What is counted of five spans that a collector gives this answer to.
    fn counted(answer: &'static [u8]) -> String {
        let address = format!("http://{}", collector(answer));
        let variable =
            |name: &str| (name == "OTEL_EXPORTER_OTLP_ENDPOINT").then(|| address.clone());
        let settings = SpanSettings::from_environment(variable).unwrap().unwrap();
        let recorder = PrometheusBuilder::new().build_recorder();
        let export = metrics::with_local_recorder(&recorder, || Export::start("test", &settings));
        let export = export.unwrap();
        for _span in 0..5 {
            export.tracer.start("publish").end();
        }
        export.stop(Duration::from_secs(30));
        recorder.handle().render()
    }

    fn has(page: &str, result: &str, count: u32) -> bool {
        let series = format!("orderflow_spans_total{{worker=\"test\",result=\"{result}\"}}");
        page.lines().any(|line| line == format!("{series} {count}"))
    }

    #[test]
    fn spans_that_a_collector_refuses_of_a_batch_are_lost_and_the_others_exported() {
        // partial_success { rejected_spans: 2, error_message: "odd" }
        let page = counted(b"\x0a\x07\x08\x02\x12\x03odd");
        assert!(has(&page, "exported", 3) && has(&page, "failed", 2), "{page}");
        let page = counted(b"");
        assert!(has(&page, "exported", 5) && has(&page, "failed", 0), "{page}");
        // More than there were cannot be refused.
        let page = counted(b"\x0a\x02\x08\x09");
        assert!(has(&page, "exported", 0) && has(&page, "failed", 5), "{page}");
    }
}
