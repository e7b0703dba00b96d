//! A line between workers and a server that can be cut, held up and slowed down.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::tcp::{ReadHalf, WriteHalf};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, sleep_until};

/// Most bytes read at once.
const CHUNK: usize = 16 * 1024;
/// Most chunks that are on their way in one direction of one connection.
const ON_THEIR_WAY: usize = 64;

/// How a line behaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Weather {
    /// Everything passes at once.
    Clear,
    /// Connections are closed, and none is taken.
    Cut,
    /// Connections stay, and nothing passes.
    Silent,
    /// Everything comes this much later.
    Late(Duration),
    /// No more bytes than these pass in a second, per connection and direction.
    Narrow(u32),
}

/// A line to one server; dropping it cuts every connection.
#[derive(Debug)]
pub struct Link {
    address: SocketAddr,
    state: Arc<State>,
    _accepting: JoinSet<()>,
}

#[derive(Debug)]
struct State {
    weather: watch::Sender<Weather>,
    server: watch::Sender<SocketAddr>,
    /// Counts up when every open connection is to be reset.
    resets: watch::Sender<u64>,
    /// Counts up when every open connection is to be stranded.
    strandings: watch::Sender<u64>,
}

impl Link {
    /// A clear line to this server, on a free port of the loopback address.
    ///
    /// # Errors
    /// When there is no free port.
    ///
    /// # Panics
    /// Outside of a runtime.
    pub fn to(server: SocketAddr) -> anyhow::Result<Self> {
        let socket = TcpSocket::new_v4().context("failed to make a socket")?;
        socket.set_reuseaddr(true).context("failed to set up a socket")?;
        socket.bind(SocketAddr::from(([127, 0, 0, 1], 0))).context("no port is free")?;
        let address = socket.local_addr().context("a bound socket has an address")?;
        let state = Arc::new(State {
            weather: watch::Sender::new(Weather::Clear),
            server: watch::Sender::new(server),
            resets: watch::Sender::new(0),
            strandings: watch::Sender::new(0),
        });
        let listener = socket.listen(1024).context("failed to listen")?;
        let mut accepting = JoinSet::new();
        accepting.spawn(accept(address, listener, Arc::clone(&state)));
        Ok(Self { address, state, _accepting: accepting })
    }

    /// Where workers connect.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The same URL, by this line.
    ///
    /// # Errors
    /// When the URL has no host.
    pub fn url(&self, direct: &str) -> anyhow::Result<String> {
        let (scheme, rest) = direct.split_once("://").context("a URL has a scheme")?;
        let (login, host) = rest.split_once('@').map_or((None, rest), |(l, h)| (Some(l), h));
        let path = host.find('/').map_or("", |at| &host[at..]);
        let login = login.map(|login| format!("{login}@")).unwrap_or_default();
        Ok(format!("{scheme}://{login}{}{path}", self.address))
    }

    /// Changes how the line behaves, for open connections and new ones.
    pub fn set(&self, weather: Weather) {
        self.state.weather.send_replace(weather);
    }

    /// Resets every open connection; new ones are taken at once.
    pub fn reset(&self) {
        self.state.resets.send_modify(|resets| *resets += 1);
    }

    /// Strands every open connection: nothing passes any more, and neither side hears of it, as
    /// when a server loses its power. New ones are well.
    pub fn strand(&self) {
        self.state.strandings.send_modify(|strandings| *strandings += 1);
    }

    /// Leads new connections to another server.
    pub fn lead_to(&self, server: SocketAddr) {
        self.state.server.send_replace(server);
    }
}

/// Takes connections while the line is not cut; a refused one is refused by the system itself.
async fn accept(address: SocketAddr, first: TcpListener, state: Arc<State>) {
    let mut listener = Some(first);
    let mut weather = state.weather.subscribe();
    let mut connections = JoinSet::new();
    loop {
        let cut = *weather.borrow_and_update() == Weather::Cut;
        if cut {
            listener = None;
        } else if listener.is_none() {
            listener = listen_again(address).await;
        }
        tokio::select! {
            changed = weather.changed() => {
                if changed.is_err() {
                    return;
                }
            }
            Some(client) = next(listener.as_ref()) => {
                connections.spawn(connect(client, Arc::clone(&state)));
            }
            Some(_ended) = connections.join_next() => {}
        }
    }
}

async fn next(listener: Option<&TcpListener>) -> Option<TcpStream> {
    let listener = listener?;
    if let Ok((client, _)) = listener.accept().await {
        return Some(client);
    }
    // Out of files, say: that passes.
    sleep(Duration::from_millis(50)).await;
    None
}

async fn listen_again(address: SocketAddr) -> Option<TcpListener> {
    let listen = || -> io::Result<TcpListener> {
        let socket = TcpSocket::new_v4()?;
        socket.set_reuseaddr(true)?;
        socket.bind(address)?;
        socket.listen(1024)
    };
    loop {
        match listen() {
            Ok(listener) => return Some(listener),
            Err(_) => sleep(Duration::from_millis(20)).await,
        }
    }
}

/// One connection, until either side or the weather ends it.
async fn connect(mut client: TcpStream, state: Arc<State>) {
    let server = *state.server.borrow();
    let Ok(mut server) = TcpStream::connect(server).await else { return };
    if client.set_nodelay(true).and(server.set_nodelay(true)).is_err() {
        return;
    }
    let (mut weather, mut resets) = (state.weather.subscribe(), state.resets.subscribe());
    let mut strandings = state.strandings.subscribe();
    let (from_client, to_client) = client.split();
    let (from_server, to_server) = server.split();
    let cut = async { weather.wait_for(|weather| *weather == Weather::Cut).await.map(drop) };
    let reset = tokio::select! {
        _ = cut => false,
        _ = resets.changed() => true,
        _ = strandings.changed() => std::future::pending().await,
        _ = pass(from_client, to_server, &state) => false,
        _ = pass(from_server, to_client, &state) => false,
    };
    if reset {
        // A socket that lingers for no time at all is reset instead of closed.
        for socket in [&client, &server] {
            socket.set_zero_linger().unwrap_or_default();
        }
    }
}

/// Passes bytes in one direction: reads ahead as a line does, and hands on as the weather allows.
async fn pass(mut from: ReadHalf<'_>, mut to: WriteHalf<'_>, state: &State) -> io::Result<()> {
    let (send, mut receive) = mpsc::channel::<(Instant, Vec<u8>)>(ON_THEIR_WAY);
    let read = async {
        loop {
            let mut chunk = vec![0; CHUNK];
            let count = from.read(&mut chunk).await?;
            chunk.truncate(count);
            // Nobody listening means that the other half has ended.
            if count == 0 || send.send((Instant::now(), chunk)).await.is_err() {
                return Ok(());
            }
        }
    };
    let write = async {
        let mut weather = state.weather.subscribe();
        while let Some((read_at, chunk)) = receive.recv().await {
            let open = |weather: &Weather| !matches!(weather, Weather::Silent | Weather::Cut);
            let now = *weather.wait_for(open).await.map_err(io::Error::other)?;
            match now {
                Weather::Late(by) => sleep_until(read_at + by).await,
                Weather::Narrow(rate) => {
                    let bytes = u32::try_from(chunk.len()).unwrap_or(u32::MAX);
                    sleep(Duration::from_secs(1) * bytes / rate.max(1)).await;
                }
                Weather::Clear | Weather::Cut | Weather::Silent => {}
            }
            to.write_all(&chunk).await?;
        }
        Ok(())
    };
    tokio::select! {
        ended = read => ended,
        ended = write => ended,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A server that says everything back.
    async fn echo() -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move {
            while let Ok((mut client, _)) = listener.accept().await {
                tokio::spawn(async move {
                    let (mut from, mut to) = client.split();
                    tokio::io::copy(&mut from, &mut to).await
                });
            }
        });
        address
    }

    async fn say(stream: &mut TcpStream, word: &[u8]) -> io::Result<Duration> {
        let said = Instant::now();
        stream.write_all(word).await?;
        let mut answer = vec![0; word.len()];
        stream.read_exact(&mut answer).await?;
        assert_eq!(answer, word);
        Ok(said.elapsed())
    }

    #[tokio::test]
    async fn a_clear_line_passes_everything_on() {
        let link = Link::to(echo().await).unwrap();
        let mut stream = TcpStream::connect(link.address()).await.unwrap();
        say(&mut stream, &vec![7; 100_000]).await.unwrap();
    }

    #[tokio::test]
    async fn a_cut_line_closes_and_refuses_until_it_is_clear_again() {
        let link = Link::to(echo().await).unwrap();
        let mut stream = TcpStream::connect(link.address()).await.unwrap();
        say(&mut stream, b"hello").await.unwrap();
        link.set(Weather::Cut);
        say(&mut stream, b"hello").await.unwrap_err();
        while let Ok(mut stream) = TcpStream::connect(link.address()).await {
            say(&mut stream, b"hello").await.unwrap_err();
        }
        link.set(Weather::Clear);
        let mut stream = loop {
            match TcpStream::connect(link.address()).await {
                Ok(stream) => break stream,
                Err(_) => sleep(Duration::from_millis(5)).await,
            }
        };
        say(&mut stream, b"hello").await.unwrap();
    }

    #[tokio::test]
    async fn a_reset_ends_open_connections_only() {
        let link = Link::to(echo().await).unwrap();
        let mut stream = TcpStream::connect(link.address()).await.unwrap();
        say(&mut stream, b"hello").await.unwrap();
        link.reset();
        let mut byte = [0];
        let error = stream.read_exact(&mut byte).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::ConnectionReset);
        let mut stream = TcpStream::connect(link.address()).await.unwrap();
        say(&mut stream, b"hello").await.unwrap();
    }

    #[tokio::test]
    async fn stranded_connections_stay_and_pass_nothing_and_new_ones_are_well() {
        let link = Link::to(echo().await).unwrap();
        let mut stream = TcpStream::connect(link.address()).await.unwrap();
        say(&mut stream, b"hello").await.unwrap();
        link.strand();
        let mut other = TcpStream::connect(link.address()).await.unwrap();
        say(&mut other, b"hello").await.unwrap();
        stream.write_all(b"x").await.unwrap();
        let mut byte = [0];
        let heard = tokio::time::timeout(Duration::from_millis(100), stream.read_exact(&mut byte));
        heard.await.unwrap_err();
    }

    #[tokio::test]
    async fn a_late_line_takes_its_time_and_a_silent_one_passes_nothing() {
        let link = Link::to(echo().await).unwrap();
        let mut stream = TcpStream::connect(link.address()).await.unwrap();
        let by = Duration::from_millis(60);
        link.set(Weather::Late(by));
        assert!(say(&mut stream, b"hello").await.unwrap() >= 2 * by);
        link.set(Weather::Silent);
        stream.write_all(b"x").await.unwrap();
        let mut byte = [0];
        let heard = tokio::time::timeout(Duration::from_millis(100), stream.read_exact(&mut byte));
        heard.await.unwrap_err();
        link.set(Weather::Clear);
        stream.read_exact(&mut byte).await.unwrap();
    }

    #[tokio::test]
    async fn a_url_leads_over_the_line_with_its_user_and_path() {
        let link = Link::to(SocketAddr::from(([127, 0, 0, 1], 9))).unwrap();
        let url = link.url("amqp://me:secret@127.0.0.1:5672/%2f").unwrap();
        assert_eq!(url, format!("amqp://me:secret@{}/%2f", link.address()));
        assert_eq!(link.url("http://a:1").unwrap(), format!("http://{}", link.address()));
    }
}
