//! As much of HTTP/1.1 as clients of AWS speak with an engine on loopback: one request and one answer per connection.

use std::collections::BTreeMap;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, TcpStream};
use std::time::Duration;

/// Longer than any engine takes; what hangs fails its test.
const PATIENCE: Duration = Duration::from_secs(120);

/// A request.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Request {
    pub(crate) method: String,
    /// The path, with the query.
    pub(crate) path: String,
    /// Headers by their names in lower case.
    pub(crate) headers: BTreeMap<String, String>,
    pub(crate) body: Vec<u8>,
}

/// An answer.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    /// Headers by their names in lower case.
    pub(crate) headers: BTreeMap<String, String>,
    pub(crate) body: Vec<u8>,
}

fn odd(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what.to_owned())
}

/// The first line and the headers; nothing at the end of the connection.
fn read_head(reader: &mut impl BufRead) -> io::Result<Option<(String, BTreeMap<String, String>)>> {
    let line = |reader: &mut dyn BufRead| -> io::Result<String> {
        let mut line = String::new();
        reader.read_line(&mut line)?;
        Ok(line.trim_end().to_owned())
    };
    let first = line(reader)?;
    if first.is_empty() {
        return Ok(None);
    }
    let mut headers = BTreeMap::new();
    loop {
        let header = line(reader)?;
        if header.is_empty() {
            return Ok(Some((first, headers)));
        }
        let (name, value) = header.split_once(':').ok_or_else(|| odd("a header without `:`"))?;
        headers.insert(name.to_ascii_lowercase(), value.trim().to_owned());
    }
}

/// The body, by its length, in chunks, or up to the end of the connection.
fn read_body(reader: &mut impl BufRead, headers: &BTreeMap<String, String>, to_end: bool) -> io::Result<Vec<u8>> {
    let mut body = Vec::new();
    if headers.get("transfer-encoding").is_some_and(|value| value.eq_ignore_ascii_case("chunked")) {
        loop {
            let mut line = String::new();
            reader.read_line(&mut line)?;
            let size = line.trim().split(';').next().unwrap_or_default().to_owned();
            let size = u64::from_str_radix(&size, 16).map_err(|_| odd("a chunk without its size"))?;
            reader.by_ref().take(size).read_to_end(&mut body)?;
            line.clear();
            reader.read_line(&mut line)?;
            if size == 0 {
                break;
            }
        }
    } else if let Some(length) = headers.get("content-length") {
        let length: u64 = length.parse().map_err(|_| odd("a length that is no number"))?;
        reader.take(length).read_to_end(&mut body)?;
        if body.len() as u64 != length {
            return Err(odd("a body that ends too soon"));
        }
    } else if to_end {
        reader.read_to_end(&mut body)?;
    }
    Ok(body)
}

impl Request {
    /// The next request of a connection; nothing at its end.
    pub(crate) fn read(stream: &TcpStream) -> io::Result<Option<Self>> {
        stream.set_read_timeout(Some(PATIENCE))?;
        let mut reader = BufReader::new(stream);
        let Some((first, headers)) = read_head(&mut reader)? else { return Ok(None) };
        let mut words = first.split(' ');
        let (Some(method), Some(path)) = (words.next(), words.next()) else { return Err(odd("no request")) };
        if headers.get("expect").is_some_and(|value| value.eq_ignore_ascii_case("100-continue")) {
            (&*stream).write_all(b"HTTP/1.1 100 Continue\r\n\r\n")?;
        }
        let body = read_body(&mut reader, &headers, false)?;
        Ok(Some(Self { method: method.to_owned(), path: path.to_owned(), headers, body }))
    }

    /// Sends the request to a port of loopback and waits for the answer.
    pub(crate) fn send(&self, port: u16) -> io::Result<Answer> {
        let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port))?;
        stream.set_read_timeout(Some(PATIENCE))?;
        let mut head = format!("{} {} HTTP/1.1\r\n", self.method, self.path);
        for (name, value) in &self.headers {
            if !matches!(name.as_str(), "connection" | "transfer-encoding" | "content-length" | "expect") {
                head += &format!("{name}: {value}\r\n");
            }
        }
        if !self.headers.contains_key("host") {
            head += &format!("host: 127.0.0.1:{port}\r\n");
        }
        head += &format!("content-length: {}\r\nconnection: close\r\n\r\n", self.body.len());
        stream.write_all(head.as_bytes())?;
        stream.write_all(&self.body)?;
        Answer::read(&stream, self.method == "HEAD")
    }
}

impl Answer {
    /// An answer with a body.
    pub(crate) fn new(status: u16, kind: &str, body: impl Into<Vec<u8>>) -> Self {
        let headers = BTreeMap::from([("content-type".to_owned(), kind.to_owned())]);
        Self { status, headers, body: body.into() }
    }

    fn read(stream: &TcpStream, bare: bool) -> io::Result<Self> {
        let mut reader = BufReader::new(stream);
        loop {
            let (first, headers) = read_head(&mut reader)?.ok_or_else(|| odd("no answer"))?;
            let status = first.split(' ').nth(1).and_then(|word| word.parse().ok());
            let status = status.ok_or_else(|| odd("an answer without a status"))?;
            if status == 100 {
                continue;
            }
            let bare = bare || status == 204 || status == 304;
            let body = if bare { Vec::new() } else { read_body(&mut reader, &headers, true)? };
            return Ok(Self { status, headers, body });
        }
    }

    /// Writes the answer, as the last one of its connection.
    pub(crate) fn write(&self, mut stream: &TcpStream, bare: bool) -> io::Result<()> {
        let mut head = format!("HTTP/1.1 {} Answer\r\n", self.status);
        for (name, value) in &self.headers {
            let own = matches!(name.as_str(), "connection" | "transfer-encoding" | "content-length");
            if !own || bare && name == "content-length" {
                head += &format!("{name}: {value}\r\n");
            }
        }
        if !bare {
            head += &format!("content-length: {}\r\n", self.body.len());
        }
        head += "connection: close\r\n\r\n";
        stream.write_all(head.as_bytes())?;
        if !bare {
            stream.write_all(&self.body)?;
        }
        stream.flush()
    }

    /// The body as text.
    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}
