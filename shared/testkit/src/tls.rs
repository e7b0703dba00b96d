//! Private authorities, the certificates they give, and servers that show them.

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, ExtendedKeyUsagePurpose, IsCa, KeyPair,
};
use tempfile::TempDir;
use time::{Duration, OffsetDateTime};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::server::WebPkiClientVerifier;
use tokio_rustls::rustls::{RootCertStore, ServerConfig, crypto::ring};

use crate::unique;

/// How a client of Postgres asks for TLS.
const SSL_REQUEST: [u8; 8] = *b"\x00\x00\x00\x08\x04\xd2\x16\x2f";

/// A private authority with a folder of its own for what it issues.
#[derive(Debug)]
pub struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
    folder: TempDir,
}

/// A certificate and its key, in files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Issued {
    /// The certificate, PEM.
    pub certificate: PathBuf,
    /// Its key, PKCS #8 in PEM.
    pub key: PathBuf,
}

/// When a certificate can be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Validity {
    /// Now.
    Current,
    /// It could be, until yesterday.
    Expired,
}

impl Authority {
    /// An authority nobody else knows.
    ///
    /// # Panics
    /// When no key can be made or no file written.
    pub fn new() -> Self {
        let mut params = CertificateParams::new(Vec::new()).expect("no name is a valid list");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        // Of two authorities with one name, a certificate is said to be forged, not unknown.
        let name = format!("authority {}", unique::name());
        params.distinguished_name.push(rcgen::DnType::CommonName, name);
        let key = KeyPair::generate().expect("a key can be made");
        let issuer = CertifiedIssuer::self_signed(params, key).expect("it can sign itself");
        let folder = tempfile::tempdir().expect("a folder can be made");
        let authority = Self { issuer, folder };
        fs::write(authority.certificate(), authority.issuer.pem()).expect("a file can be written");
        authority
    }

    /// The file that whoever trusts this authority is given.
    pub fn certificate(&self) -> PathBuf {
        self.folder.path().join("ca.pem")
    }

    /// A certificate for a server that is reached by this name or address.
    ///
    /// # Panics
    /// When no file can be written.
    pub fn server(&self, host: &str, validity: Validity) -> Issued {
        let usage = ExtendedKeyUsagePurpose::ServerAuth;
        self.issue(&format!("server-{host}-{validity:?}"), host, usage, validity)
    }

    /// A certificate for a client of this name.
    ///
    /// # Panics
    /// When no file can be written.
    pub fn client(&self, name: &str) -> Issued {
        let usage = ExtendedKeyUsagePurpose::ClientAuth;
        self.issue(&format!("client-{name}"), name, usage, Validity::Current)
    }

    fn issue(
        &self,
        file: &str,
        name: &str,
        usage: ExtendedKeyUsagePurpose,
        validity: Validity,
    ) -> Issued {
        let mut params = CertificateParams::new([name.to_owned()]).expect("a host has a name");
        params.distinguished_name.push(rcgen::DnType::CommonName, name);
        params.extended_key_usages.push(usage);
        if validity == Validity::Expired {
            params.not_before = OffsetDateTime::UNIX_EPOCH + Duration::days(365);
            params.not_after = OffsetDateTime::UNIX_EPOCH + Duration::days(730);
        }
        let key = KeyPair::generate().expect("a key can be made");
        let certificate = params.signed_by(&key, &self.issuer).expect("the authority signs");
        let place = |kind: &str| self.folder.path().join(format!("{file}.{kind}"));
        let issued = Issued { certificate: place("pem"), key: place("key") };
        fs::write(&issued.certificate, certificate.pem()).expect("a file can be written");
        fs::write(&issued.key, key.serialize_pem()).expect("a file can be written");
        issued
    }
}

impl Default for Authority {
    fn default() -> Self {
        Self::new()
    }
}

/// What is spoken before TLS begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    /// Nothing: the first byte is encrypted.
    Amqp,
    /// A request to encrypt what follows.
    Postgres,
}

/// Speaks TLS to clients and passes what they say to a server in plain text.
#[derive(Debug)]
pub struct TlsDoor {
    port: u16,
    _tasks: JoinSet<()>,
}

impl TlsDoor {
    /// Opens a door before the server at `address`, which shows the certificate `shown`.
    ///
    /// With `clients_of`, it asks for a certificate of that authority.
    ///
    /// # Panics
    /// When no port is free.
    pub async fn open(
        protocol: Protocol,
        address: String,
        shown: &Issued,
        clients_of: Option<&Authority>,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
        let port = listener.local_addr().expect("it listens somewhere").port();
        let acceptor = TlsAcceptor::from(Arc::new(server_config(shown, clients_of)));
        let mut tasks = JoinSet::new();
        tasks.spawn(async move {
            let mut guests = JoinSet::new();
            while let Ok((client, _)) = listener.accept().await {
                guests.spawn(guide(protocol, client, acceptor.clone(), address.clone()));
            }
        });
        Self { port, _tasks: tasks }
    }

    /// The port it listens on, on the loopback address.
    pub fn port(&self) -> u16 {
        self.port
    }
}

/// Whatever goes wrong ends this one connection, which is what the client then sees.
async fn guide(protocol: Protocol, mut client: TcpStream, door: TlsAcceptor, address: String) {
    if protocol == Protocol::Postgres {
        let mut request = [0; SSL_REQUEST.len()];
        let asked = client.read_exact(&mut request).await.is_ok() && request == SSL_REQUEST;
        if !asked || client.write_all(b"S").await.is_err() {
            return;
        }
    }
    if let (Ok(mut inside), Ok(mut server)) =
        (door.accept(client).await, TcpStream::connect(&address).await)
    {
        copy_bidirectional(&mut inside, &mut server).await.unwrap_or_default();
    }
}

fn server_config(shown: &Issued, clients_of: Option<&Authority>) -> ServerConfig {
    let provider = Arc::new(ring::default_provider());
    let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .expect("the provider has them");
    let builder = match clients_of {
        None => builder.with_no_client_auth(),
        Some(authority) => {
            let mut roots = RootCertStore::empty();
            let trusted = CertificateDer::from_pem_file(authority.certificate());
            roots.add(trusted.expect("it was written here")).expect("it is a certificate");
            let roots = Arc::new(roots);
            let verifier = WebPkiClientVerifier::builder_with_provider(roots, provider).build();
            builder.with_client_cert_verifier(verifier.expect("it has a root"))
        }
    };
    let certificate = CertificateDer::from_pem_file(&shown.certificate);
    let key = PrivateKeyDer::from_pem_file(&shown.key).expect("it was written here");
    let chain = vec![certificate.expect("it was written here")];
    builder.with_single_cert(chain, key).expect("certificate and key belong together")
}
