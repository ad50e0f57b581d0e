//! Gateways as they are met: by the book, silent, refusing, of another mind, and one behind TLS.

use std::net::SocketAddr;
use std::process::Command;

use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

use super::*;

/// What a gateway by the book answers.
fn response(request: &str, status: u16) -> String {
    let kept = request
        .lines()
        .filter(|line| ["Via:", "From:", "To:", "Call-ID:", "CSeq:"].iter().any(|name| line.starts_with(name)));
    format!("SIP/2.0 {status} Said\r\n{}\r\nContent-Length: 0\r\n\r\n", kept.collect::<Vec<_>>().join("\r\n"))
}

fn client(wait_ms: u64) -> Client {
    Client::new(Duration::from_millis(wait_ms), TlsRoots::default())
}

async fn udp() -> (UdpSocket, String) {
    let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let address = socket.local_addr().unwrap().to_string();
    (socket, address)
}

/// The next request, and from where.
async fn asked(socket: &UdpSocket) -> (String, SocketAddr) {
    let mut buffer = [0; 2048];
    let (bytes, from) = socket.recv_from(&mut buffer).await.unwrap();
    (String::from_utf8(buffer[..bytes].to_vec()).unwrap(), from)
}

#[tokio::test]
async fn e17_a_gateway_that_answers_is_there_whatever_it_says() {
    let (socket, address) = udp().await;
    let gateway = async {
        for status in [200, 404, 503] {
            let (request, from) = asked(&socket).await;
            socket.send_to(response(&request, status).as_bytes(), from).await.unwrap();
        }
    };
    let (client, mut heard) = (client(10_000), Vec::new());
    let asking = async {
        for _ in 0..3 {
            heard.push(client.ask(&address, Transport::Udp).await);
        }
    };
    tokio::join!(gateway, asking);
    assert_eq!(heard, [200, 404, 503].map(Asked::Answered));
}

#[tokio::test]
async fn a_datagram_that_is_lost_is_sent_again_and_foreign_ones_are_passed_over() {
    let (socket, address) = udp().await;
    let gateway = async {
        let (first, _) = asked(&socket).await;
        let (again, from) = asked(&socket).await;
        assert_eq!(first, again);
        let foreign = response(&again, 200).replace("z9hG4bK", "z9hG4bKx");
        for datagram in [foreign, "no SIP".to_owned(), response(&again, 100), response(&again, 486)] {
            socket.send_to(datagram.as_bytes(), from).await.unwrap();
        }
    };
    let client = client(10_000);
    let (heard, ()) = tokio::join!(client.ask(&address, Transport::Udp), gateway);
    assert_eq!(heard, Asked::Answered(486));
}

#[tokio::test]
async fn silence_and_a_closed_port_are_told_apart() {
    let (silent, address) = udp().await;
    assert_eq!(client(100).ask(&address, Transport::Udp).await, Asked::Silent);
    drop(silent);
    for transport in [Transport::Udp, Transport::Tcp] {
        let refused = client(10_000).ask(&address, transport).await;
        assert!(matches!(refused, Asked::Refused(_)), "{transport:?}: {refused:?}");
    }
}

#[tokio::test]
async fn a_name_that_nobody_knows_tells_nothing_of_the_gateway() {
    let asked = client(10_000).ask("gw1.carrier.invalid:5060", Transport::Udp).await;
    assert!(matches!(asked, Asked::Unasked(_)), "{asked:?}");
}

/// Takes a connection, reads a request, and writes what is made of it piece by piece.
async fn by_tcp(answer: impl Fn(&str) -> String) -> Asked {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let gateway = async {
        let (mut stream, _) = listener.accept().await.unwrap();
        stream.set_nodelay(true).unwrap();
        let mut request = Vec::new();
        while !request.ends_with(b"\r\n\r\n") {
            request.push(stream.read_u8().await.unwrap());
        }
        for piece in answer(&String::from_utf8(request).unwrap()).as_bytes().chunks(50) {
            // Whoever asked may have heard enough.
            if stream.write_all(piece).await.is_err() {
                break;
            }
            tokio::task::yield_now().await;
        }
    };
    let client = client(10_000);
    tokio::join!(client.ask(&address, Transport::Tcp), gateway).0
}

#[tokio::test]
async fn a_stream_is_read_as_it_comes() {
    let in_pieces = by_tcp(|request| format!("{}{}", response(request, 100), response(request, 200))).await;
    assert_eq!(in_pieces, Asked::Answered(200));
    for (what, nothing) in [("garbage", "HTTP/1.1 400 Bad Request\r\n\r\n"), ("nothing", "")] {
        let heard = by_tcp(|_| nothing.to_owned()).await;
        assert!(matches!(heard, Asked::Refused(_)), "{what}: {heard:?}");
    }
    let endless = by_tcp(|_| "SIP/2.0 200 OK\r\nA: ".to_owned() + &"x".repeat(HEAD_BYTES_MAX)).await;
    assert!(matches!(endless, Asked::Refused(_)), "{endless:?}");
}

#[tokio::test]
async fn a_gateway_by_tls_is_believed_by_its_certificate_alone() {
    let folder = tempfile::tempdir().unwrap();
    let made = Command::new("openssl")
        .args(["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"])
        .args(["-subj", "/CN=gateway", "-addext", "subjectAltName=IP:127.0.0.1"])
        .args(["-addext", "basicConstraints=critical,CA:FALSE"])
        .args(["-keyout", "key.pem", "-out", "cert.pem"])
        .current_dir(folder.path())
        .output()
        .unwrap();
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    let (cert, key) = (folder.path().join("cert.pem"), folder.path().join("key.pem"));
    let server = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(
            vec![CertificateDer::from_pem_file(&cert).unwrap()],
            PrivateKeyDer::from_pem_file(key).unwrap(),
        )
        .unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(server));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let gateway = async {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            let Ok(mut stream) = acceptor.accept(stream).await else { continue };
            let mut request = vec![0; 2048];
            let bytes = stream.read(&mut request).await.unwrap();
            let request = String::from_utf8(request[..bytes].to_vec()).unwrap();
            stream.write_all(response(&request, 200).as_bytes()).await.unwrap();
            stream.shutdown().await.unwrap();
        }
    };
    let believed = Client::new(Duration::from_secs(10), TlsRoots::new(Some(cert)));
    let asking = async {
        assert_eq!(believed.ask(&address, Transport::Tls).await, Asked::Answered(200));
        let unknown = client(10_000).ask(&address, Transport::Tls).await;
        assert!(matches!(unknown, Asked::Unasked(_)), "{unknown:?}");
    };
    tokio::select! {
        () = asking => {}
        () = gateway => {}
    }
}
