//! What the environment says of exporting spans, in the words of OpenTelemetry.

use std::time::Duration;

use opentelemetry_otlp::Protocol;
use ureq::http::Uri;

/// Longest wait for a collector's answer, unless the environment says otherwise.
const TIMEOUT: Duration = Duration::from_secs(10);
/// Spans that wait for their export at most, unless the environment says otherwise: some 2 MB.
const QUEUE: usize = 2048;

const SAMPLERS: [&str; 6] = [
    "parentbased_always_on",
    "parentbased_always_off",
    "parentbased_traceidratio",
    "always_on",
    "always_off",
    "traceidratio",
];

/// Where spans go, and what is said of them; made only where the environment asks for it.
///
/// Headers, sampling, the pace of batches and further attributes of the process are read from the
/// environment by OpenTelemetry's own libraries.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SpanSettings {
    pub(super) endpoint: String,
    pub(super) protocol: Protocol,
    pub(super) timeout: Duration,
    pub(super) queue: usize,
    /// Whether the environment names the service; else the worker's name does.
    pub(super) has_name: bool,
    /// The authority to trust instead of the system's, as PEM.
    pub(super) authority: Option<Vec<u8>>,
}

/// A variable that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    /// Its name.
    pub variable: &'static str,
    /// What is wrong and what would be right.
    pub reason: String,
}

impl SpanSettings {
    /// Reads the environment; `None` where it does not ask for spans.
    ///
    /// # Errors
    /// Every variable that cannot be used, all at once.
    pub fn from_environment(
        variable: impl Fn(&str) -> Option<String>,
    ) -> Result<Option<Self>, Vec<Refused>> {
        let mut read = Reader { variable: &variable, refused: Vec::new() };
        if read.is_off() {
            return if read.refused.is_empty() { Ok(None) } else { Err(read.refused) };
        }
        let Some(endpoint) = read.endpoint() else {
            return if read.refused.is_empty() { Ok(None) } else { Err(read.refused) };
        };
        read.sampler();
        let settings = Self {
            endpoint,
            protocol: read.protocol(),
            timeout: read.timeout(),
            queue: read.queue(),
            has_name: read.has_name(),
            authority: read.authority(),
        };
        if read.refused.is_empty() { Ok(Some(settings)) } else { Err(read.refused) }
    }
}

struct Reader<'a> {
    variable: &'a dyn Fn(&str) -> Option<String>,
    refused: Vec<Refused>,
}

impl Reader<'_> {
    /// A variable that is set; an empty one counts as not set.
    fn text(&self, name: &str) -> Option<String> {
        (self.variable)(name).map(|it| it.trim().to_owned()).filter(|it| !it.is_empty())
    }

    /// The first of these that is set: what is said of traces goes before what is said of all.
    fn first(&self, names: [&'static str; 2]) -> Option<(&'static str, String)> {
        names.into_iter().find_map(|name| Some((name, self.text(name)?)))
    }

    fn refuse(&mut self, variable: &'static str, reason: impl Into<String>) {
        self.refused.push(Refused { variable, reason: reason.into() });
    }

    fn is_off(&mut self) -> bool {
        const EXPORTER: &str = "OTEL_TRACES_EXPORTER";
        let disabled = self.text("OTEL_SDK_DISABLED");
        let exporter = self.text(EXPORTER);
        if let Some(other) = exporter.as_ref().filter(|it| *it != "otlp" && *it != "none") {
            self.refuse(EXPORTER, format!("must be otlp or none, not `{other}`"));
        }
        exporter.is_some_and(|it| it == "none")
            || disabled.is_some_and(|it| it.eq_ignore_ascii_case("true"))
    }

    /// The address, with the path that traces have.
    fn endpoint(&mut self) -> Option<String> {
        const OF_ALL: &str = "OTEL_EXPORTER_OTLP_ENDPOINT";
        let (variable, address) = self.first(["OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", OF_ALL])?;
        let address = if variable == OF_ALL {
            format!("{}/v1/traces", address.trim_end_matches('/'))
        } else {
            address
        };
        let parsed = address.parse::<Uri>().ok();
        let fits = parsed.is_some_and(|it| matches!(it.scheme_str(), Some("http" | "https")));
        if !fits {
            // Not quoted: it may hold a password.
            self.refuse(variable, "must be an address such as `http://collector:4318`");
        }
        fits.then_some(address)
    }

    fn protocol(&mut self) -> Protocol {
        let given =
            self.first(["OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL"]);
        let Some((variable, text)) = given else { return Protocol::HttpBinary };
        match text.as_str() {
            "http/protobuf" => Protocol::HttpBinary,
            "http/json" => Protocol::HttpJson,
            other => {
                let reason = format!("must be http/protobuf or http/json, not `{other}`");
                self.refuse(variable, reason);
                Protocol::HttpBinary
            }
        }
    }

    fn timeout(&mut self) -> Duration {
        let given = self.first(["OTEL_EXPORTER_OTLP_TRACES_TIMEOUT", "OTEL_EXPORTER_OTLP_TIMEOUT"]);
        let Some((variable, text)) = given else { return TIMEOUT };
        if let Ok(milliseconds @ 1..) = text.parse() {
            return Duration::from_millis(milliseconds);
        }
        self.refuse(variable, format!("must be milliseconds, from 1, not `{text}`"));
        TIMEOUT
    }

    fn queue(&mut self) -> usize {
        const SIZE: &str = "OTEL_BSP_MAX_QUEUE_SIZE";
        let Some(text) = self.text(SIZE) else { return QUEUE };
        if let Ok(spans @ 1..=1_000_000) = text.parse() {
            return spans;
        }
        self.refuse(SIZE, format!("must be a number from 1 to 1000000, not `{text}`"));
        QUEUE
    }

    /// Checked here, because the library takes what it cannot read for its default, silently.
    fn sampler(&mut self) {
        const SAMPLER: &str = "OTEL_TRACES_SAMPLER";
        const ARGUMENT: &str = "OTEL_TRACES_SAMPLER_ARG";
        let Some(sampler) = self.text(SAMPLER) else { return };
        if !SAMPLERS.contains(&sampler.as_str()) {
            let reason = format!("must be one of {}, not `{sampler}`", SAMPLERS.join(", "));
            self.refuse(SAMPLER, reason);
        }
        let ratio = self.text(ARGUMENT).and_then(|text| text.parse::<f64>().ok());
        let fits = ratio.is_some_and(|ratio| (0.0..=1.0).contains(&ratio));
        if sampler.ends_with("traceidratio") && !fits {
            self.refuse(ARGUMENT, format!("`{sampler}` needs a number from 0 to 1"));
        }
    }

    fn has_name(&self) -> bool {
        let attributes = self.text("OTEL_RESOURCE_ATTRIBUTES").unwrap_or_default();
        let names = attributes.split(',').filter_map(|pair| pair.split_once('='));
        let mut names = names.map(|(name, _)| name.trim());
        self.text("OTEL_SERVICE_NAME").is_some() || names.any(|name| name == "service.name")
    }

    fn authority(&mut self) -> Option<Vec<u8>> {
        let names = ["OTEL_EXPORTER_OTLP_TRACES_CERTIFICATE", "OTEL_EXPORTER_OTLP_CERTIFICATE"];
        let (variable, file) = self.first(names)?;
        match std::fs::read(&file) {
            Ok(pem) => Some(pem),
            Err(error) => {
                self.refuse(variable, format!("{file} cannot be read: {error}"));
                None
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    type Read = Result<Option<SpanSettings>, Vec<Refused>>;

    fn read(environment: &[(&str, &str)]) -> Read {
        let value = |name: &str| environment.iter().find(|(known, _)| *known == name);
        SpanSettings::from_environment(|name| value(name).map(|(_, text)| (*text).to_owned()))
    }

    const ENDPOINT: (&str, &str) = ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://collector:4318/");

    #[test]
    fn without_an_address_nothing_is_made_whatever_else_is_set() {
        let others = [("OTEL_SERVICE_NAME", "shop"), ("OTEL_TRACES_SAMPLER", "always_on")];
        assert_eq!(read(&[]), Ok(None));
        assert_eq!(read(&others), Ok(None));
        assert_eq!(read(&[("OTEL_EXPORTER_OTLP_ENDPOINT", " ")]), Ok(None));
    }

    #[test]
    fn what_is_switched_off_is_off() {
        for off in [("OTEL_SDK_DISABLED", "true"), ("OTEL_TRACES_EXPORTER", "none")] {
            assert_eq!(read(&[ENDPOINT, off]), Ok(None));
        }
    }

    #[test]
    fn the_address_of_all_signals_gets_the_path_of_traces_and_that_of_traces_is_kept() {
        let settings = read(&[ENDPOINT]).unwrap().unwrap();
        assert_eq!(settings.endpoint, "http://collector:4318/v1/traces");
        assert_eq!((settings.protocol, settings.timeout), (Protocol::HttpBinary, TIMEOUT));
        let own = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "https://traces.example/in");
        assert_eq!(read(&[ENDPOINT, own]).unwrap().unwrap().endpoint, own.1);
    }

    #[test]
    fn the_environment_may_name_the_service_in_two_ways() {
        let names = |pair| read(&[ENDPOINT, pair]).unwrap().unwrap().has_name;
        assert!(names(("OTEL_SERVICE_NAME", "shop")));
        assert!(names(("OTEL_RESOURCE_ATTRIBUTES", "zone=a, service.name=shop")));
        assert!(!names(("OTEL_RESOURCE_ATTRIBUTES", "zone=a")));
    }

    #[test]
    fn whatever_cannot_be_used_is_named_at_once() {
        let wrong = [
            ENDPOINT,
            ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc"),
            ("OTEL_EXPORTER_OTLP_TIMEOUT", "10s"),
            ("OTEL_BSP_MAX_QUEUE_SIZE", "0"),
            ("OTEL_TRACES_SAMPLER", "traceidratio"),
            ("OTEL_EXPORTER_OTLP_CERTIFICATE", "/nowhere/ca.pem"),
        ];
        let refused = read(&wrong).unwrap_err();
        let mut variables: Vec<_> = refused.iter().map(|it| it.variable).collect();
        variables.sort_unstable();
        assert_eq!(
            variables,
            [
                "OTEL_BSP_MAX_QUEUE_SIZE",
                "OTEL_EXPORTER_OTLP_CERTIFICATE",
                "OTEL_EXPORTER_OTLP_PROTOCOL",
                "OTEL_EXPORTER_OTLP_TIMEOUT",
                "OTEL_TRACES_SAMPLER_ARG",
            ]
        );
        for address in ["collector:4318", "grpc://collector:4317", "http://"] {
            let refused = read(&[("OTEL_EXPORTER_OTLP_ENDPOINT", address)]).unwrap_err();
            assert_eq!(refused[0].variable, "OTEL_EXPORTER_OTLP_ENDPOINT", "{address}");
        }
        let refused = read(&[ENDPOINT, ("OTEL_TRACES_SAMPLER", "xray")]).unwrap_err();
        assert_eq!(refused[0].variable, "OTEL_TRACES_SAMPLER");
    }
}
