//! Certificates of a connection with TLS, and what to say when it does not come about.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use lapin::tcp::{OwnedIdentity, OwnedTLSConfig};

/// Files with certificates and keys in PEM, for addresses that begin with `amqps://`.
///
/// They are read for every connection, so that a renewed certificate is used from the next one on.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TlsFiles {
    /// Certificates of authorities that are trusted beside those of the system.
    pub ca: Option<PathBuf>,
    /// Our certificate, and the key to it.
    pub identity: Option<Identity>,
}

/// Who we are to a broker that asks for a certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// The certificate, with those that lead to its authority after it.
    pub certificate: PathBuf,
    /// Its private key, PKCS #8 without a password.
    pub key: PathBuf,
}

impl TlsFiles {
    /// Reads the files.
    ///
    /// # Errors
    /// The name of the first that cannot be read, and why.
    pub fn check(&self) -> Result<(), String> {
        self.load().map(drop)
    }

    pub(super) fn load(&self) -> Result<OwnedTLSConfig, String> {
        let mut config = OwnedTLSConfig::default();
        if let Some(ca) = &self.ca {
            config.cert_chain = Some(pem(ca, "CERTIFICATE-----")?);
        }
        if let Some(Identity { certificate, key }) = &self.identity {
            let (pem, key) = (pem(certificate, "CERTIFICATE-----")?, pem(key, "PRIVATE KEY-----")?);
            let (pem, key) = (pem.into_bytes(), key.into_bytes());
            config.identity = Some(OwnedIdentity::PKCS8 { pem, key });
        }
        Ok(config)
    }
}

fn pem(file: &Path, holds: &str) -> Result<String, String> {
    let text = fs::read_to_string(file)
        .map_err(|error| format!("the file {} cannot be read: {error}", file.display()))?;
    if text.contains(holds) {
        return Ok(text);
    }
    let what = holds.trim_end_matches('-').to_lowercase();
    Err(format!("the file {} holds no {what} in PEM", file.display()))
}

/// What went wrong with TLS, in words; `None` when something else did.
pub(super) fn fault(error: &io::Error) -> Option<String> {
    let told = deepest(error);
    let about_tls = ["certificate", "fatal alert", "handshake", "corrupt message"];
    if !about_tls.iter().any(|word| told.contains(word)) {
        return None;
    }
    let hint = if told.contains("UnknownIssuer") {
        ": no trusted authority signed the broker's certificate; is it the one of \
         ORDERFLOW_AMQP_CA_FILE?"
    } else if told.contains("CertificateRequired") || told.contains("HandshakeFailure") {
        ": the broker asks for a certificate of ours; set ORDERFLOW_AMQP_CERT_FILE and \
         ORDERFLOW_AMQP_KEY_FILE"
    } else if told.contains("InvalidContentType") {
        ": this port does not speak TLS"
    } else {
        ""
    };
    Some(format!("{told}{hint}"))
}

/// The words of the innermost cause.
fn deepest(error: &io::Error) -> String {
    let mut told = error.to_string();
    let mut cause = error.get_ref().map(|inner| inner as &dyn std::error::Error);
    while let Some(inner) = cause {
        told = inner.to_string();
        cause = inner.source();
    }
    told
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_is_missing_or_something_else_is_named() {
        let files = TlsFiles { ca: Some("/nowhere/ca.pem".into()), identity: None };
        assert!(files.check().unwrap_err().starts_with("the file /nowhere/ca.pem cannot be read"));
        let files = TlsFiles { ca: Some("/etc/hostname".into()), identity: None };
        assert!(files.check().unwrap_err().contains("holds no certificate in PEM"));
    }

    #[test]
    fn only_what_concerns_tls_is_called_so() {
        assert_eq!(fault(&io::ErrorKind::ConnectionRefused.into()), None);
        let alert = io::Error::other("received fatal alert: CertificateRequired");
        assert!(fault(&alert).unwrap().contains("ORDERFLOW_AMQP_CERT_FILE"));
    }
}
