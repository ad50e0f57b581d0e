//! One kept-alive connection of the load: sends bytes that were built beforehand, and reads no more of an answer
//! than its status and its length.

use std::io::{self, Read as _, Write as _};
use std::net::SocketAddr;

use mio::net::TcpStream;
use mio::{Interest, Registry, Token};

/// The largest answer that is expected, head and all.
const ANSWER_BYTES_MAX: usize = 64 * 1024;

/// What came back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) bytes: usize,
}

#[derive(Debug)]
pub(super) struct Connection {
    stream: TcpStream,
    buffer: Vec<u8>,
    filled: usize,
}

impl Connection {
    pub(super) fn open(address: SocketAddr, registry: &Registry, token: Token) -> io::Result<Self> {
        let stream = std::net::TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        stream.set_nonblocking(true)?;
        let mut stream = TcpStream::from_std(stream);
        registry.register(&mut stream, token, Interest::READABLE)?;
        Ok(Self { stream, buffer: vec![0; ANSWER_BYTES_MAX], filled: 0 })
    }

    pub(super) fn send(&mut self, mut request: &[u8]) -> io::Result<()> {
        while !request.is_empty() {
            match self.stream.write(request) {
                Ok(written) => request = &request[written..],
                // One request always fits an idle socket's buffer, so this is for a moment only.
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => std::thread::yield_now(),
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Reads what is there; tells the answer once it is whole. Nothing else is in flight then, so there is no
    /// need to read until the socket is empty: the next answer raises the next event.
    pub(super) fn receive(&mut self) -> io::Result<Option<Answer>> {
        loop {
            match self.stream.read(&mut self.buffer[self.filled..]) {
                Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
                Ok(read) => self.filled += read,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(None),
                Err(error) => return Err(error),
            }
            if let Some(answer) = whole_answer(&self.buffer[..self.filled])? {
                self.filled = 0;
                return Ok(Some(answer));
            }
        }
    }

    /// The last answer's bytes, to show one that was not expected.
    pub(super) fn shown(&self, answer: Answer) -> String {
        String::from_utf8_lossy(&self.buffer[..answer.bytes]).into_owned()
    }
}

fn whole_answer(bytes: &[u8]) -> io::Result<Option<Answer>> {
    let Some(head) = bytes.windows(4).position(|window| window == b"\r\n\r\n") else {
        return Ok(None);
    };
    let unreadable = || io::Error::new(io::ErrorKind::InvalidData, "an answer without a status or a length");
    let text = std::str::from_utf8(&bytes[..head]).map_err(|_| unreadable())?;
    let mut lines = text.split("\r\n");
    let status = lines.next().and_then(|line| line.split(' ').nth(1)).and_then(|status| status.parse().ok());
    let length = lines.filter_map(|line| line.split_once(':')).find_map(|(name, value)| {
        name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse::<usize>().ok())?
    });
    let (Some(status), Some(length)) = (status, length) else { return Err(unreadable()) };
    let whole = head + 4 + length;
    Ok((bytes.len() >= whole).then_some(Answer { status, bytes: whole }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_whole_by_its_length() {
        let bytes = b"HTTP/1.1 201 Created\r\nX: y\r\ncontent-LENGTH: 3\r\n\r\nabc";
        assert_eq!(whole_answer(bytes).unwrap(), Some(Answer { status: 201, bytes: bytes.len() }));
        for cut in 0..bytes.len() {
            assert_eq!(whole_answer(&bytes[..cut]).unwrap(), None, "at {cut}");
        }
        assert!(whole_answer(b"HTTP/1.1 201 Created\r\n\r\n").is_err());
    }
}
