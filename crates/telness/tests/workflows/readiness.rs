//! Whoever spreads calls asks the real process by SIP OPTIONS, as by `/readyz` and `/readyz/emergency`.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream, UdpSocket};

use telness_core::plan::Transport;
use telness_engine::sip::{Asked, Client, TlsRoots};
use telness_testkit::{Dice, Service, ServiceOptions, eventually};

use super::{PATIENCE, options};

/// What our own client hears, which asks gateways in the same way.
fn ask(address: SocketAddr, transport: Transport) -> Asked {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(Client::new(PATIENCE, TlsRoots::default()).ask(&address.to_string(), transport))
}

fn everywhere(addresses: [SocketAddr; 2]) -> Vec<Asked> {
    let each = |address| [Transport::Udp, Transport::Tcp].map(|transport| ask(address, transport));
    addresses.into_iter().flat_map(each).collect()
}

fn with_sip(folder: &tempfile::TempDir) -> ServiceOptions {
    let options = options(folder).set("workflow.high.sip_listen", "127.0.0.1:0");
    options.set("workflow.low.sip_listen", "127.0.0.1:0")
}

fn addresses(service: &Service) -> [SocketAddr; 2] {
    service.addresses_of_sip().map(|address| address.expect("it answers SIP"))
}

/// Waits for the first synthetic emergency calls.
fn wait_until_ready(service: &Service) {
    let ready = || service.client().get("/readyz/emergency").unwrap().is_success().then_some(());
    eventually(PATIENCE, ready).unwrap_or_else(|| panic!("not ready: {}", service.log()));
}

#[test]
fn e16_options_is_answered_as_readiness_is_and_fails_from_the_moment_that_a_stop_is_announced() {
    let folder = tempfile::tempdir().unwrap();
    let mut service = Service::start(&with_sip(&folder).set("http.drain_announce_ms", "3600000"));
    wait_until_ready(&service);
    let addresses = addresses(&service);
    assert_eq!(everywhere(addresses), [const { Asked::Answered(200) }; 4]);
    service.ask_to_stop();
    let told = eventually(PATIENCE, || (everywhere(addresses) == [const { Asked::Answered(503) }; 4]).then_some(()));
    assert!(told.is_some(), "{:?}", everywhere(addresses));
    for path in ["/readyz", "/readyz/emergency"] {
        assert_eq!(service.client().get(path).unwrap().status, 503, "{path}");
    }
    // The second signal waits for nothing.
    service.ask_to_stop();
    service.stopped();
}

#[test]
fn e16_hostile_bytes_stop_no_answer_to_options_and_no_call() {
    let folder = tempfile::tempdir().unwrap();
    let service = Service::start(&with_sip(&folder).set("sip.connections_max", "4"));
    wait_until_ready(&service);
    let addresses = addresses(&service);
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    let mut dice = Dice::seeded(16);
    let request = "OPTIONS sip:a SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1:9;branch=z9hG4bK1\r\nFrom: <sip:a>;tag=1\r\n\
                   To: <sip:a>\r\nCall-ID: 1\r\nCSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n";
    for round in 0..500_usize {
        let mut bytes = request.as_bytes().to_vec();
        for _ in 0..=round % 8 {
            let at = usize::try_from(dice.below(u64::try_from(bytes.len()).unwrap())).unwrap();
            bytes[at] = u8::try_from(dice.below(256)).unwrap();
        }
        for address in addresses {
            // The system drops what is too much.
            let _ = socket.send_to(&bytes, address);
            if round % 10 == 0 {
                let mut stream = TcpStream::connect(address).unwrap();
                let _ = stream.write_all(&bytes);
                let _ = stream.shutdown(std::net::Shutdown::Write);
                let _ = stream.read(&mut [0; 512]);
            }
        }
    }
    // They are open and say nothing.
    let silent: Vec<TcpStream> = (0..20).map(|at| TcpStream::connect(addresses[at % 2]).unwrap()).collect();
    assert_eq!(everywhere(addresses), [const { Asked::Answered(200) }; 4]);
    let answer = service.client().post("/v1/calls", &super::emergency()).unwrap();
    assert_eq!(answer.status, 201, "{}", answer.text());
    let metrics = service.client().get("/metrics").unwrap().text();
    assert!(
        metrics.contains("telness_sip_answers_total{workflow=\"high\",method=\"OPTIONS\",status=\"200\"}"),
        "{metrics}"
    );
    assert!(metrics.contains("telness_sip_dropped_total{workflow=\"high\",why=\"failed\"} 0\n"), "{metrics}");
    drop(silent);
}

#[test]
fn a_sip_address_that_is_taken_is_told_and_the_doctor_says_by_whom() {
    let folder = tempfile::tempdir().unwrap();
    let service = Service::start(&with_sip(&folder));
    wait_until_ready(&service);
    let [_, high] = addresses(&service);
    let run = |arguments: &[&str]| {
        let other = tempfile::tempdir().unwrap();
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_telness"));
        telness_testkit::without_settings(&mut command);
        command.args(arguments).args(["--listen", "127.0.0.1:0", "--data"]).arg(other.path().join("data"));
        command.args(["--set", &format!("workflow.high.sip_listen={high}")]).output().unwrap()
    };
    let refused = run(&["serve"]);
    let told = String::from_utf8_lossy(&refused.stderr);
    assert_eq!(refused.status.code(), Some(5), "{told}");
    assert!(told.contains("workflow.high.sip_listen"), "{told}");
    let doctor = run(&["doctor"]);
    let told = String::from_utf8_lossy(&doctor.stdout);
    assert!(told.contains(&format!("what is at {high} answers OPTIONS and is ready")), "{told}");
}
