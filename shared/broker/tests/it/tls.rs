//! Connections with TLS: who is let in, and what is said to whoever is not.

use broker::{AmqpUrl, Class, Error, Identity, Session, TlsFiles};
use testkit::endpoints;
use testkit::tls::{Authority, Issued, Protocol, TlsDoor, Validity};

use crate::stage::config;

/// The broker behind a door that shows `shown`.
async fn door(shown: &Issued, clients_of: Option<&Authority>) -> TlsDoor {
    let url = endpoints().amqp_url;
    let place = url.rsplit_once('@').unwrap().1;
    let address = place.split(['/', ',']).next().unwrap().to_owned();
    TlsDoor::open(Protocol::Amqp, address, shown, clients_of).await
}

fn files(ca: &Authority, me: Option<&Issued>) -> TlsFiles {
    let identity = me.map(|Issued { certificate, key }| Identity {
        certificate: certificate.clone(),
        key: key.clone(),
    });
    TlsFiles { ca: Some(ca.certificate()), identity }
}

async fn open(door: &TlsDoor, host: &str, files: &TlsFiles) -> Result<Session, Error> {
    let url = endpoints().amqp_url;
    let (login, _) = url.strip_prefix("amqp://").unwrap().split_once('@').unwrap();
    let url = format!("amqps://{login}@{host}:{}/%2f", door.port());
    let url = url.parse::<AmqpUrl>().unwrap().or_tls(files);
    let mut config = config(&[]);
    config.urls = vec![url];
    Session::open(&config).await
}

/// Opens a session that must not come about; what is said names the place and `what`.
async fn refused(door: &TlsDoor, host: &str, files: &TlsFiles, what: &str) {
    let error = open(door, host, files).await.unwrap_err();
    assert_eq!((error.class(), error.code()), (Class::DependencyDown, "broker-tls-failed"));
    let told = error.to_string();
    let place = format!("{host}:{}", door.port());
    assert!(told.contains(what) && told.contains(&place), "{told}");
}

#[tokio::test]
async fn a_broker_is_reached_with_tls_by_a_private_authority() {
    let authority = Authority::new();
    let door = door(&authority.server("localhost", Validity::Current), None).await;
    let session = open(&door, "localhost", &files(&authority, None)).await.unwrap();
    session.close().await;
}

#[tokio::test]
async fn a_broker_that_asks_for_a_certificate_takes_ours() {
    let authority = Authority::new();
    let shown = authority.server("localhost", Validity::Current);
    let door = door(&shown, Some(&authority)).await;
    let me = authority.client("order-created");
    let session = open(&door, "localhost", &files(&authority, Some(&me))).await.unwrap();
    session.close().await;

    let hint = "set ORDERFLOW_AMQP_CERT_FILE and ORDERFLOW_AMQP_KEY_FILE";
    refused(&door, "localhost", &files(&authority, None), hint).await;
    let others = Authority::new();
    let stranger = others.client("order-created");
    let files = files(&authority, Some(&stranger));
    refused(&door, "localhost", &files, "received fatal alert").await;
}

#[tokio::test]
async fn a_broker_that_another_authority_vouches_for_is_not_trusted() {
    let (authority, other) = (Authority::new(), Authority::new());
    let door = door(&authority.server("localhost", Validity::Current), None).await;
    refused(&door, "localhost", &files(&other, None), "ORDERFLOW_AMQP_CA_FILE").await;
    refused(&door, "localhost", &TlsFiles::default(), "UnknownIssuer").await;
}

#[tokio::test]
async fn a_broker_with_a_certificate_for_another_name_is_not_trusted() {
    let authority = Authority::new();
    let door = door(&authority.server("mq.example", Validity::Current), None).await;
    let what = "not valid for name \"localhost\"";
    refused(&door, "localhost", &files(&authority, None), what).await;
}

#[tokio::test]
async fn a_broker_whose_certificate_has_expired_is_not_trusted() {
    let authority = Authority::new();
    let door = door(&authority.server("localhost", Validity::Expired), None).await;
    refused(&door, "localhost", &files(&authority, None), "certificate expired").await;
}

#[tokio::test]
async fn a_certificate_that_went_missing_is_named() {
    let authority = Authority::new();
    let door = door(&authority.server("localhost", Validity::Current), None).await;
    let gone = TlsFiles { ca: Some("/nowhere/ca.pem".into()), identity: None };
    refused(&door, "localhost", &gone, "the file /nowhere/ca.pem cannot be read").await;
}
