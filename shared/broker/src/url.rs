//! Where a broker listens and who we are to it.

use std::{fmt, str::FromStr};

use lapin::uri::{AMQPScheme, AMQPUri};

/// Address of one broker node; neither `Debug` nor `Display` shows the password.
#[derive(Clone, PartialEq, Eq)]
pub struct AmqpUrl(AMQPUri);

/// Why a broker URL cannot be used; never repeats the URL, which holds a password.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum UrlError {
    /// Not a URL, or not one with the scheme `amqp` or `amqps`.
    #[error("failed to read the broker url: {0}")]
    Malformed(String),
    /// A parameter in the URL; everything tunable has its own setting.
    #[error("failed to accept the url parameter `{0}`: parameters are not supported")]
    Parameter(String),
}

impl AmqpUrl {
    /// What the client library wants, with the heartbeat we want.
    pub(crate) fn to_uri(&self, heartbeat_seconds: u16) -> AMQPUri {
        let mut uri = self.0.clone();
        uri.query.heartbeat = Some(heartbeat_seconds);
        uri
    }
}

impl FromStr for AmqpUrl {
    type Err = UrlError;

    /// Reads `amqp[s]://user:password@host:port/vhost`.
    ///
    /// No vhost, or an empty one, is the default vhost `/`.
    fn from_str(text: &str) -> Result<Self, UrlError> {
        let url = url::Url::parse(text).map_err(|error| UrlError::Malformed(error.to_string()))?;
        if let Some((name, _)) = url.query_pairs().next() {
            return Err(UrlError::Parameter(name.into_owned()));
        }
        if !matches!(url.scheme(), "amqp" | "amqps") {
            return Err(UrlError::Malformed("the scheme is neither amqp nor amqps".to_owned()));
        }
        let Some(host) = url.host_str().filter(|host| !host.is_empty()) else {
            return Err(UrlError::Malformed("it names no host".to_owned()));
        };
        let mut uri = AMQPUri::from_str(text).map_err(UrlError::Malformed)?;
        // The library reads an IPv6 literal as `localhost`; resolvers want it without brackets.
        host.trim_matches(['[', ']']).clone_into(&mut uri.authority.host);
        if uri.vhost.is_empty() {
            "/".clone_into(&mut uri.vhost);
        }
        Ok(Self(uri))
    }
}

impl fmt::Display for AmqpUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let AMQPUri { scheme, authority, vhost, .. } = &self.0;
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
