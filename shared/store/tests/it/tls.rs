//! Connections with TLS: who is let in, and what is said to whoever is not.

use std::path::PathBuf;

use store::{Class, Database, DatabaseConfig, Error};
use testkit::TestDatabase;
use testkit::tls::{Authority, Issued, Protocol, TlsDoor, Validity};

/// A test's database behind a door.
struct Guarded {
    database: TestDatabase,
    door: TlsDoor,
}

impl Guarded {
    async fn behind(shown: &Issued, clients_of: Option<&Authority>) -> Self {
        let database = TestDatabase::empty().await;
        let place = database.url().rsplit_once('@').unwrap().1;
        let address = place.split('/').next().unwrap().to_owned();
        let door = TlsDoor::open(Protocol::Postgres, address, shown, clients_of).await;
        Self { database, door }
    }

    async fn connect(&self, ca: Option<PathBuf>, me: Option<&Issued>) -> Result<Database, Error> {
        let (login, place) = self.database.url().rsplit_once('@').unwrap();
        let name = place.split_once('/').unwrap().1;
        let port = self.door.port();
        let mut url = format!("{login}@localhost:{port}/{name}?sslmode=verify-full");
        for (parameter, file) in [
            ("sslrootcert", ca.as_ref()),
            ("sslcert", me.map(|me| &me.certificate)),
            ("sslkey", me.map(|me| &me.key)),
        ] {
            if let Some(file) = file {
                url = format!("{url}&{parameter}={}", file.display());
            }
        }
        let config = DatabaseConfig::new(url.parse().unwrap(), "store tests");
        Database::connect(&config).await
    }

    /// Connects in vain; what is said names the place and `what`.
    async fn refuses(&self, ca: Option<PathBuf>, me: Option<&Issued>, what: &str) {
        let error = self.connect(ca, me).await.unwrap_err();
        let told = error.to_string();
        assert_eq!((error.class(), error.code()), (Class::DependencyDown, "database-tls-failed"));
        let place = format!("localhost:{}", self.door.port());
        assert!(told.contains(what) && told.contains(&place), "{told}");
    }
}

#[tokio::test]
async fn a_database_is_reached_with_tls_by_a_private_authority() {
    let authority = Authority::new();
    let shown = authority.server("localhost", Validity::Current);
    let guarded = Guarded::behind(&shown, None).await;
    let mut database = guarded.connect(Some(authority.certificate()), None).await.unwrap();
    database.ping().await.unwrap();
    database.close().await.unwrap();
}

#[tokio::test]
async fn a_database_that_asks_for_a_certificate_takes_ours() {
    let authority = Authority::new();
    let shown = authority.server("localhost", Validity::Current);
    let guarded = Guarded::behind(&shown, Some(&authority)).await;
    let (ca, me) = (Some(authority.certificate()), authority.client("orderflow_order_created"));
    let mut database = guarded.connect(ca.clone(), Some(&me)).await.unwrap();
    database.ping().await.unwrap();

    guarded.refuses(ca.clone(), None, "set sslcert and sslkey").await;
    let others = Authority::new();
    let stranger = others.client("orderflow_order_created");
    guarded.refuses(ca, Some(&stranger), "received fatal alert").await;
}

#[tokio::test]
async fn a_database_that_another_authority_vouches_for_is_not_trusted() {
    let (authority, other) = (Authority::new(), Authority::new());
    let shown = authority.server("localhost", Validity::Current);
    let guarded = Guarded::behind(&shown, None).await;
    guarded.refuses(Some(other.certificate()), None, "is it the one of sslrootcert").await;
    guarded.refuses(None, None, "UnknownIssuer").await;
}

#[tokio::test]
async fn a_database_with_a_certificate_for_another_name_is_not_trusted() {
    let authority = Authority::new();
    let shown = authority.server("db.example", Validity::Current);
    let guarded = Guarded::behind(&shown, None).await;
    let what = "not valid for name \"localhost\"";
    guarded.refuses(Some(authority.certificate()), None, what).await;
}

#[tokio::test]
async fn a_database_whose_certificate_has_expired_is_not_trusted() {
    let authority = Authority::new();
    let shown = authority.server("localhost", Validity::Expired);
    let guarded = Guarded::behind(&shown, None).await;
    guarded.refuses(Some(authority.certificate()), None, "certificate expired").await;
}

#[tokio::test]
async fn a_database_without_tls_is_never_spoken_to_in_plain_text() {
    let database = TestDatabase::empty().await;
    let url = format!("{}?sslmode=verify-full", database.url());
    let config = DatabaseConfig::new(url.parse().unwrap(), "store tests");
    let error = Database::connect(&config).await.unwrap_err();
    assert_eq!(error.code(), "database-tls-failed");
    assert!(error.to_string().contains("does not support TLS"), "{error}");
}
