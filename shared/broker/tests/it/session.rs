use std::time::Duration;

use broker::{
    AmqpConfig, Class, DelayProvider, Error, Link, Outcome, Publication, PublisherConfig, Session,
    SessionEnd, SessionState, topology::Topology,
};
use testkit::{endpoints, eventually};
use tokio::{
    io::AsyncReadExt as _,
    net::TcpListener,
    time::{Instant, timeout},
};

use crate::{
    proxy::Proxy,
    stage::{SOON, Stage, config, identified},
};

/// A port nobody listens on.
async fn deserted_url() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    format!("amqp://{}", listener.local_addr().unwrap())
}

async fn failure(config: &AmqpConfig) -> Error {
    let opened = timeout(SOON, Session::open(config)).await.expect("opening ends");
    opened.expect_err("no broker is there")
}

#[tokio::test]
async fn without_a_broker_the_dependency_is_down() {
    let url = deserted_url().await;
    let error = failure(&config(&[&url])).await;
    assert_eq!((error.class(), error.code()), (Class::DependencyDown, "broker-unreachable"));
}

#[tokio::test]
async fn a_wrong_password_is_permanent_even_beside_a_node_that_is_down() {
    let (deserted, real) = (deserted_url().await, endpoints().amqp_url);
    let (head, address) = real.rsplit_once('@').unwrap();
    let wrong = format!("{head}-not@{address}");
    let error = failure(&config(&[&wrong, &deserted])).await;
    assert_eq!((error.class(), error.code()), (Class::Permanent, "broker-access-refused"));
}

#[tokio::test]
async fn a_vhost_that_does_not_exist_is_permanent() {
    let real = endpoints().amqp_url;
    let (head, _) = real.rsplit_once('/').unwrap();
    let error = failure(&config(&[&format!("{head}/no-such-vhost")])).await;
    assert_eq!((error.class(), error.code()), (Class::Permanent, "broker-access-refused"));
}

#[tokio::test]
async fn a_url_that_asks_for_tls_never_falls_back_to_plain_text() {
    // Without a certificate store built in, the client library would do just that.
    let plain_port = endpoints().amqp_url.replacen("amqp://", "amqps://", 1);
    let error = failure(&config(&[&plain_port])).await;
    assert_eq!((error.class(), error.code()), (Class::DependencyDown, "broker-tls-failed"));
    assert!(error.to_string().contains("this port does not speak TLS"), "{error}");
}

#[tokio::test]
async fn without_any_url_the_configuration_is_at_fault() {
    let error = failure(&config(&[])).await;
    assert_eq!((error.class(), error.code()), (Class::Permanent, "broker-url-missing"));
}

#[tokio::test]
async fn a_peer_that_stays_silent_is_given_up_in_time_and_hung_up_on() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("amqp://{}", listener.local_addr().unwrap());
    let operation_timeout = Duration::from_millis(300);
    let started = Instant::now();
    let error = failure(&AmqpConfig { operation_timeout, ..config(&[&url]) }).await;
    assert!(started.elapsed() < Duration::from_secs(5), "{:?}", started.elapsed());
    assert_eq!((error.class(), error.code()), (Class::DependencyDown, "broker-timeout"));
    for _ in [Link::Consume, Link::Publish] {
        let (mut socket, _) = listener.accept().await.unwrap();
        let mut greeting = Vec::new();
        let read = timeout(SOON, socket.read_to_end(&mut greeting)).await;
        read.expect("the caller hangs up").unwrap();
        assert_eq!(greeting, b"AMQP\x00\x00\x09\x01");
    }
}

#[tokio::test]
async fn the_next_node_is_used_when_one_is_down() {
    let deserted = deserted_url().await;
    let session = Session::open(&config(&[&deserted, &endpoints().amqp_url])).await.unwrap();
    assert!(matches!(session.watch().state(), SessionState::Open));
    session.close().await;
}

#[tokio::test]
async fn a_cut_wire_ends_the_session_and_whoever_publishes_knows() {
    let stage = Stage::set().await;
    let proxy = Proxy::start().await;
    let session = Session::open(&config(&[proxy.url()])).await.unwrap();
    let publisher = session.publisher(PublisherConfig::default()).await.unwrap();
    let mut watch = session.watch();
    drop(proxy);
    let end = timeout(SOON, watch.ended()).await.expect("the end is noticed");
    let SessionEnd::Lost { cause, .. } = end else { panic!("{end:?}") };
    assert_eq!((cause.class(), cause.code()), (Class::DependencyDown, "broker-connection-lost"));
    assert!(matches!(session.watch().state(), SessionState::Ended(SessionEnd::Lost { .. })));

    // The other connection follows, if it was not the first.
    let error = timeout(SOON, async {
        loop {
            if let Err(error) = publisher.publish_all(vec![stage.to_queue("late")]).await {
                return error;
            }
        }
    });
    let error = error.await.expect("publishing fails");
    assert_eq!(error.class(), Class::DependencyDown, "{error:?}");
}

const BLOCKED: &[u8] = b"\x01\0\0\0\0\0\x12\0\x0a\0\x3c\x0dlow on memory\xce";
const UNBLOCKED: &[u8] = b"\x01\0\0\0\0\0\x04\0\x0a\0\x3d\xce";

async fn until_blocked(session: &Session, proxy: &Proxy) {
    proxy.say(BLOCKED);
    timeout(SOON, session.watch().blocked()).await.expect("it is told");
    let told = session.watch().state();
    assert!(matches!(&told, SessionState::Blocked { reason } if reason == "low on memory"));
}

#[tokio::test]
async fn a_publisher_waits_while_the_broker_takes_nothing() {
    let stage = Stage::set().await;
    let proxy = Proxy::start().await;
    let session = Session::open(&config(&[proxy.url()])).await.unwrap();
    let publisher = session.publisher(PublisherConfig::default()).await.unwrap();
    until_blocked(&session, &proxy).await;
    let mut publishing = std::pin::pin!(publisher.publish_all(vec![stage.to_queue("late")]));
    let early = timeout(Duration::from_millis(300), publishing.as_mut()).await;
    assert!(early.is_err(), "{early:?}");
    proxy.say(UNBLOCKED);
    let outcomes = timeout(SOON, publishing).await.expect("it goes on").unwrap();
    assert_eq!(outcomes, [Outcome::Confirmed]);
    assert!(matches!(session.watch().state(), SessionState::Open));
}

#[tokio::test]
async fn the_time_for_confirms_does_not_run_while_the_broker_takes_nothing() {
    let stage = Stage::set().await;
    let proxy = Proxy::start().await;
    let session = Session::open(&config(&[proxy.url()])).await.unwrap();
    let limit = Duration::from_millis(500);
    let mut patience = session.watch().patience(limit);
    until_blocked(&session, &proxy).await;
    let early = timeout(limit * 3, patience.over()).await;
    assert!(early.is_err(), "{early:?}");
    proxy.say(UNBLOCKED);
    timeout(SOON, patience.over()).await.expect("the time runs again").unwrap();
    drop(stage);
}

#[tokio::test]
async fn a_publisher_that_does_not_want_to_wait_says_so() {
    let stage = Stage::set().await;
    let proxy = Proxy::start().await;
    let session = Session::open(&config(&[proxy.url()])).await.unwrap();
    let publisher = session.publisher(PublisherConfig::hasty()).await.unwrap();
    until_blocked(&session, &proxy).await;
    let publish = async || publisher.publish_all(vec![stage.to_queue("late")]).await;
    assert_eq!(publish().await.unwrap_err().code(), "broker-blocked");
    proxy.say(UNBLOCKED);
    let outcomes = eventually(SOON, "a publication", publish).await;
    assert_eq!(outcomes, [Outcome::Confirmed]);
}

#[tokio::test]
async fn a_publisher_that_waits_hears_of_the_end_of_its_session() {
    let stage = Stage::set().await;
    let proxy = Proxy::start().await;
    let session = Session::open(&config(&[proxy.url()])).await.unwrap();
    let publisher = session.publisher(PublisherConfig::default()).await.unwrap();
    until_blocked(&session, &proxy).await;
    drop(proxy);
    let sent = timeout(SOON, publisher.publish_all(vec![stage.to_queue("late")])).await;
    let error = sent.expect("the end is noticed").unwrap_err();
    assert_eq!(error.class(), Class::DependencyDown, "{error:?}");
}

#[tokio::test]
async fn a_channel_closed_by_the_broker_does_not_end_the_session() {
    let stage = Stage::bare().await;
    let mut watch = stage.session.watch();
    // Looking for a queue that is not there costs a channel, and is told to the connection.
    let looked = stage.session.ready_messages("no.such.queue").await.unwrap();
    assert_eq!(looked, None);
    let ended = timeout(Duration::from_millis(300), watch.ended()).await;
    assert!(ended.is_err(), "{ended:?}");
    assert!(matches!(watch.state(), SessionState::Open));
}

#[tokio::test]
async fn a_connection_closed_by_the_broker_ends_the_session() {
    let stage = Stage::bare().await;
    let mut watch = stage.session.watch();
    let impossible = Topology::of(&stage.names, &[], DelayProvider::Plugin);
    let error = impossible.apply(&stage.session).await.unwrap_err();
    assert_eq!(error.class(), Class::Permanent);
    if error.code() == "broker-precondition-failed" {
        // From RabbitMQ 4.0 on, an exchange type it does not know costs the channel only.
        assert!(matches!(watch.state(), SessionState::Open));
        return;
    }
    assert_eq!(error.code(), "broker-protocol-broken");
    let end = timeout(SOON, watch.ended()).await.expect("the end is noticed");
    assert!(matches!(end, SessionEnd::Lost { link: Link::Consume, .. }), "{end:?}");
}

#[tokio::test]
async fn a_session_that_is_closed_tells_every_watch() {
    let stage = Stage::bare().await;
    let (mut watch, mut other) = (stage.session.watch(), stage.session.watch());
    stage.session.close().await;
    assert!(matches!(watch.changed().await, SessionState::Ended(SessionEnd::Closed)));
    assert!(matches!(other.ended().await, SessionEnd::Closed));
    assert!(matches!(other.state(), SessionState::Ended(SessionEnd::Closed)));
}

#[tokio::test]
async fn a_session_that_is_dropped_tells_every_watch() {
    let stage = Stage::bare().await;
    let mut watch = stage.session.watch();
    drop(stage.session);
    assert!(matches!(watch.ended().await, SessionEnd::Closed));
    assert!(matches!(watch.changed().await, SessionState::Ended(SessionEnd::Closed)));
}

#[tokio::test]
async fn an_error_of_the_protocol_ends_only_what_it_must() {
    // A message is refused with its channel; the connection and everybody else on it go on.
    let stage = Stage::set().await;
    let publisher = stage.publisher().await;
    let missing = Publication::new("missing", "", identified("m"), Vec::new());
    assert!(publisher.publish_all(vec![missing]).await.is_err());
    assert!(matches!(stage.session.watch().state(), SessionState::Open));
}
