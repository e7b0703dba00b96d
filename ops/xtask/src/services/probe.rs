//! Whether a server answers, asked with the first bytes of its protocol.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpStream, ToSocketAddrs};
use std::time::Duration;

/// How long a healthy server may take.
const PATIENCE: Duration = Duration::from_secs(5);

/// What a client of AMQP 0-9-1 sends first.
const AMQP_HEADER: &[u8; 8] = b"AMQP\x00\x00\x09\x01";

/// The type of a method frame, the answer of a broker that takes connections.
const AMQP_METHOD: u8 = 1;

/// A request to encrypt the connection: every Postgres answers it with one letter.
const POSTGRES_SSL_REQUEST: &[u8; 8] = b"\x00\x00\x00\x08\x04\xd2\x16\x2f";

/// Whether a broker takes AMQP connections there.
pub(super) fn speaks_amqp(host: &str, port: u16) -> bool {
    first_answer(host, port, AMQP_HEADER) == Some(AMQP_METHOD)
}

/// Whether a Postgres takes connections there.
pub(super) fn speaks_postgres(host: &str, port: u16) -> bool {
    matches!(first_answer(host, port, POSTGRES_SSL_REQUEST), Some(b'S' | b'N'))
}

/// Whether anybody takes connections there.
pub(super) fn accepts(host: &str, port: u16) -> bool {
    connect(host, port).is_some()
}

fn connect(host: &str, port: u16) -> Option<TcpStream> {
    let addresses = (host, port).to_socket_addrs().ok()?;
    let mut tried = addresses.map(|address| TcpStream::connect_timeout(&address, PATIENCE));
    let stream = tried.find_map(Result::ok)?;
    stream.set_read_timeout(Some(PATIENCE)).ok()?;
    stream.set_write_timeout(Some(PATIENCE)).ok()?;
    Some(stream)
}

fn first_answer(host: &str, port: u16, greeting: &[u8]) -> Option<u8> {
    let mut stream = connect(host, port)?;
    stream.write_all(greeting).ok()?;
    let mut answer = [0];
    stream.read_exact(&mut answer).ok()?;
    Some(answer[0])
}

/// The status code of `GET path` on this machine; `None` when nothing sensible came back.
pub(super) fn http_status(port: u16, path: &str, user: &str, password: &str) -> Option<u16> {
    let mut stream = connect(&Ipv4Addr::LOCALHOST.to_string(), port)?;
    let credentials = base64(format!("{user}:{password}").as_bytes());
    let request = format!(
        "GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n\
         Authorization: Basic {credentials}\r\nConnection: close\r\n\r\n"
    );
    stream.write_all(request.as_bytes()).ok()?;
    let mut head = [0; 12];
    stream.read_exact(&mut head).ok()?;
    parse_status(&head)
}

/// Reads the code of `HTTP/1.1 200`.
fn parse_status(head: &[u8]) -> Option<u16> {
    let rest = head.strip_prefix(b"HTTP/1.")?;
    std::str::from_utf8(rest.get(2..5)?).ok()?.parse().ok()
}

/// Base64 with padding (RFC 4648, section 4).
fn base64(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let group = chunk.iter().fold(0_u32, |bits, byte| bits << 8 | u32::from(*byte));
        let group = group << (8 * (3 - chunk.len()));
        for position in 0..4 {
            let index = (group >> (18 - 6 * position)) & 0x3f;
            let padded = position > chunk.len();
            text.push(if padded { '=' } else { char::from(ALPHABET[index as usize]) });
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::TcpListener;
    use std::thread;

    /// A server that answers its first client with these bytes.
    fn answering(answer: &'static [u8]) -> u16 {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        thread::spawn(move || {
            let (mut client, _) = listener.accept().unwrap();
            client.read_exact(&mut [0; 8]).unwrap();
            client.write_all(answer).unwrap();
        });
        port
    }

    #[test]
    fn a_server_is_known_by_its_first_answer() {
        assert!(speaks_amqp("127.0.0.1", answering(b"\x01\x00\x00")));
        assert!(!speaks_amqp("127.0.0.1", answering(b"HTTP/1.1 400")));
        assert!(speaks_postgres("127.0.0.1", answering(b"N")));
        assert!(!speaks_postgres("127.0.0.1", answering(b"AMQP")));
    }

    #[test]
    fn base64_gives_the_published_vectors() {
        for (plain, coded) in [
            ("", ""),
            ("f", "Zg=="),
            ("fo", "Zm8="),
            ("foo", "Zm9v"),
            ("foob", "Zm9vYg=="),
            ("fooba", "Zm9vYmE="),
            ("foobar", "Zm9vYmFy"),
        ] {
            assert_eq!(base64(plain.as_bytes()), coded);
        }
    }

    #[test]
    fn only_a_status_line_has_a_status() {
        assert_eq!(parse_status(b"HTTP/1.1 401"), Some(401));
        assert_eq!(parse_status(b"HTTP/1.0 200"), Some(200));
        assert_eq!(parse_status(b"AMQP\0\0\x09\x01...."), None);
    }
}
