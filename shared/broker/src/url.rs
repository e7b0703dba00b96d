//! Where a broker listens and who we are to it.

use std::{fmt, path::PathBuf, str::FromStr};

use lapin::uri::{AMQPScheme, AMQPUri};

use crate::{Identity, TlsFiles};

/// Address of one broker node; neither `Debug` nor `Display` shows the password.
#[derive(Clone, PartialEq, Eq)]
pub struct AmqpUrl {
    uri: AMQPUri,
    tls: TlsFiles,
}

/// Why a broker URL cannot be used; never repeats the URL, which holds a password.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum UrlError {
    /// Not a URL, or not one with the scheme `amqp` or `amqps`.
    #[error("failed to read the broker url: {0}")]
    Malformed(String),
    /// A parameter in the URL; everything tunable but certificates has its own setting.
    #[error(
        "failed to accept the url parameter `{0}`: cacertfile, certfile and keyfile are known, \
         for amqps only"
    )]
    Parameter(String),
    /// Of a certificate and its key one is missing.
    #[error("failed to accept the url parameters: certfile and keyfile come together")]
    HalfIdentity,
}

impl AmqpUrl {
    /// Whether the connection is encrypted and the broker's certificate verified.
    pub fn uses_tls(&self) -> bool {
        self.uri.scheme == AMQPScheme::AMQPS
    }

    /// The same address with these files, where the URL itself named none.
    #[must_use]
    pub fn or_tls(mut self, files: &TlsFiles) -> Self {
        if self.uses_tls() {
            self.tls.ca = self.tls.ca.or_else(|| files.ca.clone());
            self.tls.identity = self.tls.identity.or_else(|| files.identity.clone());
        }
        self
    }

    /// The certificates to use; none without TLS.
    pub fn tls(&self) -> &TlsFiles {
        &self.tls
    }

    /// What the client library wants, with the heartbeat we want.
    pub(crate) fn to_uri(&self, heartbeat_seconds: u16) -> AMQPUri {
        let mut uri = self.uri.clone();
        uri.query.heartbeat = Some(heartbeat_seconds);
        uri
    }
}

impl FromStr for AmqpUrl {
    type Err = UrlError;

    /// Reads `amqp[s]://user:password@host:port/vhost`.
    ///
    /// No vhost, or an empty one, is the default vhost `/`. An address with TLS may name files of
    /// certificates by the parameters `cacertfile`, `certfile` and `keyfile`.
    fn from_str(text: &str) -> Result<Self, UrlError> {
        let url = url::Url::parse(text).map_err(|error| UrlError::Malformed(error.to_string()))?;
        let tls = tls_files(&url)?;
        if !matches!(url.scheme(), "amqp" | "amqps") {
            return Err(UrlError::Malformed("the scheme is neither amqp nor amqps".to_owned()));
        }
        let Some(host) = url.host_str().filter(|host| !host.is_empty()) else {
            return Err(UrlError::Malformed("it names no host".to_owned()));
        };
        let without_parameters = text.split('?').next().unwrap_or(text);
        let mut uri = AMQPUri::from_str(without_parameters).map_err(UrlError::Malformed)?;
        // The library reads an IPv6 literal as `localhost`; resolvers want it without brackets.
        host.trim_matches(['[', ']']).clone_into(&mut uri.authority.host);
        if uri.vhost.is_empty() {
            "/".clone_into(&mut uri.vhost);
        }
        Ok(Self { uri, tls })
    }
}

/// The files that the parameters name, as in the broker's own documentation of URLs.
fn tls_files(url: &url::Url) -> Result<TlsFiles, UrlError> {
    let (mut ca, mut certificate, mut key) = (None, None, None);
    for (name, value) in url.query_pairs() {
        let place = match &*name {
            "cacertfile" => &mut ca,
            "certfile" => &mut certificate,
            "keyfile" => &mut key,
            _ => return Err(UrlError::Parameter(name.into_owned())),
        };
        if url.scheme() != "amqps" {
            return Err(UrlError::Parameter(name.into_owned()));
        }
        *place = Some(PathBuf::from(value.into_owned()));
    }
    let identity = match (certificate, key) {
        (Some(certificate), Some(key)) => Some(Identity { certificate, key }),
        (None, None) => None,
        (Some(_), None) | (None, Some(_)) => return Err(UrlError::HalfIdentity),
    };
    Ok(TlsFiles { ca, identity })
}

impl fmt::Display for AmqpUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let AMQPUri { scheme, authority, vhost, .. } = &self.uri;
        let scheme = match scheme {
            AMQPScheme::AMQP => "amqp",
            AMQPScheme::AMQPS => "amqps",
        };
        let (user, host, port) = (&authority.userinfo.username, &authority.host, authority.port);
        write!(f, "{scheme}://{user}@{host}:{port} vhost {vhost}")
    }
}

impl fmt::Debug for AmqpUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "AmqpUrl({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str) -> String {
        text.parse::<AmqpUrl>().unwrap().to_string()
    }

    #[test]
    fn a_url_is_shown_without_its_password() {
        let url: AmqpUrl = "amqps://shop:s3cret@mq.example:5999/live".parse().unwrap();
        assert_eq!(url.to_string(), "amqps://shop@mq.example:5999 vhost live");
        assert!(!format!("{url:?}").contains("s3cret"));
    }

    #[test]
    fn the_default_vhost_is_meant_when_none_is_named() {
        for text in ["amqp://mq", "amqp://mq/", "amqp://mq/%2f"] {
            assert_eq!(shown(text), "amqp://guest@mq:5672 vhost /");
        }
    }

    #[test]
    fn an_ip_literal_stays_the_host() {
        assert_eq!(shown("amqp://127.0.0.1:5672"), "amqp://guest@127.0.0.1:5672 vhost /");
        assert_eq!(shown("amqp://[::1]:5672"), "amqp://guest@::1:5672 vhost /");
    }

    #[test]
    fn an_encrypted_address_may_name_its_certificates() {
        let text = "amqps://mq/live?cacertfile=/ca.pem&certfile=/me.pem&keyfile=/me.key";
        let url: AmqpUrl = text.parse().unwrap();
        let (certificate, key) = ("/me.pem".into(), "/me.key".into());
        let identity = Some(Identity { certificate, key });
        assert_eq!(url.tls(), &TlsFiles { ca: Some("/ca.pem".into()), identity });
        assert_eq!(url.to_string(), "amqps://guest@mq:5671 vhost live");

        let elsewhere = TlsFiles { ca: Some("/other.pem".into()), identity: None };
        assert_eq!(url.clone().or_tls(&elsewhere), url);
        let bare: AmqpUrl = "amqps://mq".parse().unwrap();
        assert_eq!(bare.or_tls(&elsewhere).tls(), &elsewhere);
        let plain: AmqpUrl = "amqp://mq".parse().unwrap();
        assert_eq!(plain.or_tls(&elsewhere).tls(), &TlsFiles::default());

        let half = "amqps://mq?certfile=/me.pem".parse::<AmqpUrl>();
        assert_eq!(half, Err(UrlError::HalfIdentity));
        let plain = "amqp://mq?cacertfile=/ca.pem".parse::<AmqpUrl>();
        assert_eq!(plain, Err(UrlError::Parameter("cacertfile".into())));
    }

    #[test]
    fn a_url_that_would_be_misread_is_refused_without_repeating_it() {
        let refused = |text: &str| text.parse::<AmqpUrl>().unwrap_err();
        assert_eq!(refused("amqp://mq?frame_max=4096"), UrlError::Parameter("frame_max".into()));
        for text in ["", "mq:5672", "http://a:s3cret@mq", "amqp://", "amqp://a:s3cret@mq:99999"] {
            let error = refused(text);
            assert!(matches!(error, UrlError::Malformed(_)), "{text}: {error}");
            assert!(!error.to_string().contains("s3cret"), "{error}");
        }
    }
}
