//! A wire to the broker that can be held up, tampered with and cut.

use testkit::endpoints;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{
        TcpListener, TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
    sync::{broadcast, watch},
    task::JoinSet,
};

/// Passes bytes between clients and the broker; dropping it cuts every connection.
pub(crate) struct Proxy {
    url: String,
    flows: watch::Sender<bool>,
    to_clients: broadcast::Sender<&'static [u8]>,
    _tasks: JoinSet<()>,
}

impl Proxy {
    pub(crate) async fn start() -> Self {
        Self::start_spoiling(b"").await
    }

    /// Also turns every `word` from a client into bytes that no UTF-8 text holds.
    pub(crate) async fn start_spoiling(word: &'static [u8]) -> Self {
        let broker = endpoints().amqp_url;
        let (user, rest) = broker.rsplit_once('@').unwrap();
        let (address, vhost) = rest.split_once('/').unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("{user}@{}/{vhost}", listener.local_addr().unwrap());
        let (flows, gate) = watch::channel(true);
        let to_clients = broadcast::Sender::new(8);
        let mut tasks = JoinSet::new();
        let accept = accept(listener, address.to_owned(), gate, word, to_clients.clone());
        tasks.spawn(accept);
        Self { url, flows, to_clients, _tasks: tasks }
    }

    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// Lets nothing through until [`Proxy::resume`].
    pub(crate) fn pause(&self) {
        self.flows.send_replace(false);
    }

    pub(crate) fn resume(&self) {
        self.flows.send_replace(true);
    }

    /// Tells all clients something in the broker's name.
    pub(crate) fn say(&self, frame: &'static [u8]) {
        self.to_clients.send(frame).unwrap();
    }
}

async fn accept(
    listener: TcpListener,
    broker: String,
    gate: watch::Receiver<bool>,
    word: &'static [u8],
    to_clients: broadcast::Sender<&'static [u8]>,
) {
    let mut pumps = JoinSet::new();
    loop {
        let (client, _) = listener.accept().await.unwrap();
        let server = TcpStream::connect(&broker).await.unwrap();
        let (from_client, to_client) = client.into_split();
        let (from_server, to_server) = server.into_split();
        let nothing = broadcast::Sender::new(1).subscribe();
        pumps.spawn(pump(from_client, to_server, gate.clone(), word, nothing));
        let said = to_clients.subscribe();
        pumps.spawn(pump(from_server, to_client, gate.clone(), b"", said));
    }
}

async fn pump(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    mut gate: watch::Receiver<bool>,
    word: &[u8],
    mut said: broadcast::Receiver<&'static [u8]>,
) {
    let mut buffer = vec![0; 1 << 16];
    loop {
        let bytes = tokio::select! {
            read = from.read(&mut buffer) => match read {
                Ok(count @ 1..) => spoil(&mut buffer[..count], word),
                Ok(0) | Err(_) => return,
            },
            Ok(frame) = said.recv() => frame,
        };
        let open = gate.wait_for(|flows| *flows).await.is_ok();
        if !open || to.write_all(bytes).await.is_err() {
            return;
        }
    }
}

fn spoil<'a>(bytes: &'a mut [u8], word: &[u8]) -> &'a [u8] {
    if !word.is_empty() {
        while let Some(at) = bytes.windows(word.len()).position(|found| found == word) {
            bytes[at..at + word.len()].fill(0xff);
        }
    }
    bytes
}
