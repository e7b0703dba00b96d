//! HTTP for the thread that exports, and what the collector's answer says.

use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use opentelemetry_http::{Bytes, HttpClient, HttpError, Request, Response};
use opentelemetry_otlp::Protocol;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceResponse;
use prost::Message as _;
use ureq::tls::{Certificate, PemItem, RootCerts, TlsConfig};

use super::settings::SpanSettings;

/// Most of a collector's answer that is read.
const ANSWER_BYTES: u64 = 64 * 1024;

/// What the collector said to the last batch, beside its status.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Answer {
    /// How many spans it refused, although it took the batch.
    pub(super) rejected: u64,
    /// Why spans were refused, or why there was no answer.
    pub(super) why: Option<String>,
}

/// The last answer, for whoever counts.
pub(super) type LastAnswer = Arc<Mutex<Answer>>;

/// Takes the last answer away.
pub(super) fn taken(last: &LastAnswer) -> Answer {
    std::mem::take(&mut *last.lock().unwrap_or_else(PoisonError::into_inner))
}

/// A client that may block.
#[derive(Debug)]
pub(super) struct Client {
    agent: ureq::Agent,
    protocol: Protocol,
    last: LastAnswer,
}

impl Client {
    /// A client for the collector of these settings, and where its answers are kept.
    pub(super) fn new(settings: &SpanSettings) -> (Self, LastAnswer) {
        let mut config = ureq::Agent::config_builder()
            .timeout_global(Some(settings.timeout))
            .http_status_as_error(false)
            .max_redirects(0);
        if settings.endpoint.starts_with("https:") {
            config = config.tls_config(tls(settings));
        }
        let (agent, last) = (config.build().new_agent(), LastAnswer::default());
        (Self { agent, protocol: settings.protocol, last: Arc::clone(&last) }, last)
    }

    fn send(&self, request: Request<Bytes>) -> Result<Response<Bytes>, ureq::Error> {
        let response = self.agent.run(request.map(|body| body.to_vec()))?;
        let (head, mut body) = response.into_parts();
        let body = body.with_config().limit(ANSWER_BYTES).read_to_vec()?;
        Ok(Response::from_parts(head, body.into()))
    }

    fn keep(&self, answer: Answer) {
        *self.last.lock().unwrap_or_else(PoisonError::into_inner) = answer;
    }
}

#[async_trait]
impl HttpClient for Client {
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let sent = self.send(request);
        self.keep(match &sent {
            Ok(response) if response.status().is_success() => {
                read_answer(response.body(), self.protocol)
            }
            Ok(_) => Answer::default(),
            Err(error) => Answer { rejected: 0, why: Some(why_not_sent(error)) },
        });
        Ok(sent?)
    }
}

/// The library that exports says only that the network is at fault.
fn why_not_sent(error: &ureq::Error) -> String {
    let told = error.to_string();
    let hint = if told.contains("UnknownIssuer") {
        ": no trusted authority signed the collector's certificate; is it the one of \
         OTEL_EXPORTER_OTLP_CERTIFICATE?"
    } else {
        ""
    };
    format!("{told}{hint}")
}

/// What an answer says of spans that were refused; one that cannot be read says nothing.
fn read_answer(body: &[u8], protocol: Protocol) -> Answer {
    let read = match protocol {
        Protocol::HttpJson => read_json(body),
        _ => read_binary(body),
    };
    let Some((rejected, why)) = read else { return Answer::default() };
    Answer { rejected, why: Some(why).filter(|why| !why.is_empty()) }
}

fn read_binary(body: &[u8]) -> Option<(u64, String)> {
    let partial = ExportTraceServiceResponse::decode(body).ok()?.partial_success?;
    Some((u64::try_from(partial.rejected_spans).unwrap_or_default(), partial.error_message))
}

/// Numbers of 64 bits are texts in the JSON of protobuf, and what is usual may be left out; the
/// library's own type takes neither.
fn read_json(body: &[u8]) -> Option<(u64, String)> {
    let answer: serde_json::Value = serde_json::from_slice(body).ok()?;
    let partial = answer.get("partialSuccess")?;
    let rejected = &partial["rejectedSpans"];
    let rejected = rejected.as_u64().or_else(|| rejected.as_str()?.parse().ok());
    let why = partial["errorMessage"].as_str().unwrap_or_default();
    Some((rejected.unwrap_or_default(), why.to_owned()))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_that_cannot_be_read_says_nothing_and_json_says_the_same_as_protobuf() {
        let refused = Answer { rejected: 3, why: Some("too many".to_owned()) };
        let json = br#"{"partialSuccess": {"rejectedSpans": "3", "errorMessage": "too many"}}"#;
        assert_eq!(read_answer(json, Protocol::HttpJson), refused);
        let binary = b"\x0a\x0c\x08\x03\x12\x08too many";
        assert_eq!(read_answer(binary, Protocol::HttpBinary), refused);
        for body in [&b""[..], b"{}", b"\xff\xff", b"<html>"] {
            assert_eq!(read_answer(body, Protocol::HttpJson), Answer::default());
            assert_eq!(read_answer(body, Protocol::HttpBinary), Answer::default());
        }
    }
}
