//! How Postgres is reached: address, password, TLS and limits of time. A name or certificate that is not verified is
//! no connection.

use std::fmt;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use deadpool_postgres::Connect;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use rustls::{ClientConfig, RootCertStore};
use tokio::task::JoinHandle;
use tokio_postgres::config::SslMode;
use tokio_postgres::tls::MakeTlsConnect;
use tokio_postgres::{Client, Config, Connection, Socket};
use tokio_postgres_rustls::MakeRustlsConnect;

use crate::StoreError;

/// How often a silent connection is asked whether its other end is there.
const KEEPALIVE: Duration = Duration::from_secs(10);
const KEEPALIVE_RETRIES_MAX: u32 = 3;

type TlsStream = <MakeRustlsConnect as MakeTlsConnect<Socket>>::Stream;

/// Whether the connection is encrypted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tls {
    /// By TLS, with the certificate's chain and host name verified.
    Verify,
    /// Not at all: for a socket or a network that nobody else is on.
    Off,
}

/// A transaction that ended, for whoever measures.
#[derive(Clone, Copy, Debug)]
pub struct Transacted {
    /// What it is called.
    pub name: &'static str,
    /// From when it was asked for to when it ended, all attempts together.
    pub took: Duration,
    /// How often it was tried again.
    pub retries: u32,
    /// Whether it was committed.
    pub ok: bool,
}

/// Told of each transaction.
pub type Observe = Arc<dyn Fn(&Transacted) + Send + Sync>;

/// Where Postgres is and how long to wait for it.
#[derive(Clone)]
pub struct PostgresOptions {
    /// `postgres://user@host:port/database`, or `key=value` pairs as libpq has them.
    pub url: String,
    /// The file with the password, read again for each connection; without one, what the address says.
    pub password_file: Option<PathBuf>,
    /// Whether the connection is encrypted.
    pub tls: Tls,
    /// The authorities that may have signed the server's certificate, as PEM; the system's without one.
    pub tls_ca_file: Option<PathBuf>,
    /// Connections at once. One is the shipper's alone, if there are two or more; one more listens for changes.
    pub connections_max: usize,
    /// How long a connection may take to be made, and how long to wait for a free one.
    pub connect_max: Duration,
    /// How long a statement may take. A whole transaction may take twice as long.
    pub statement_max: Duration,
    /// How long what was sent may stay unconfirmed by the other end before the connection is given up.
    pub tcp_user_max: Duration,
    /// Told of each transaction.
    pub observe: Observe,
}

impl fmt::Debug for PostgresOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The address may hold a password.
        f.debug_struct("PostgresOptions").field("tls", &self.tls).finish_non_exhaustive()
    }
}

impl PostgresOptions {
    /// An address with limits that suit a database nearby.
    #[must_use]
    pub fn new(url: impl Into<String>) -> Self {
        Self {
            url: url.into(),
            password_file: None,
            tls: Tls::Verify,
            tls_ca_file: None,
            connections_max: 8,
            connect_max: Duration::from_secs(3),
            statement_max: Duration::from_secs(10),
            tcp_user_max: Duration::from_secs(5),
            observe: Arc::new(|_| {}),
        }
    }

    /// The client's configuration, with the password of a file and what it is to do after connecting left out.
    fn config(&self) -> Result<Config, StoreError> {
        // The library's message may quote the address, and with it the password.
        let mut config: Config = self.url.parse().map_err(|_| {
            broken("the address of the store cannot be read; it is written postgres://user@host:port/database")
        })?;
        if config.get_application_name().is_none() {
            config.application_name("telness");
        }
        config
            .ssl_mode(if self.tls == Tls::Verify { SslMode::Require } else { SslMode::Disable })
            .connect_timeout(self.connect_max)
            .tcp_user_timeout(self.tcp_user_max)
            .keepalives(true)
            .keepalives_idle(KEEPALIVE)
            .keepalives_interval(KEEPALIVE)
            .keepalives_retries(KEEPALIVE_RETRIES_MAX);
        Ok(config)
    }

    /// Why the password cannot be had, if so.
    pub(super) fn password_trouble(&self) -> Option<StoreError> {
        self.password_file.as_deref().and_then(|file| password(file).err())
    }

    /// What encrypts a connection and verifies its other end.
    fn connector(&self) -> Result<MakeRustlsConnect, StoreError> {
        let roots = if self.tls == Tls::Off { RootCertStore::empty() } else { self.roots()? };
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let client = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|error| broken(error.to_string()))?
            .with_root_certificates(roots)
            .with_no_client_auth();
        Ok(MakeRustlsConnect::new(client))
    }

    fn roots(&self) -> Result<RootCertStore, StoreError> {
        let mut roots = RootCertStore::empty();
        if let Some(file) = &self.tls_ca_file {
            let unreadable = |why: String| broken(format!("the CA file {}: {why}", file.display()));
            let authorities = CertificateDer::pem_file_iter(file).map_err(|why| unreadable(why.to_string()))?;
            for authority in authorities {
                let authority = authority.map_err(|why| unreadable(why.to_string()))?;
                roots.add(authority).map_err(|why| unreadable(why.to_string()))?;
            }
            if roots.is_empty() {
                return Err(unreadable("there is no certificate in it".to_owned()));
            }
            return Ok(roots);
        }
        // Some system files hold certificates that are none; the others count.
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        if roots.is_empty() {
            return Err(broken("the system has no certificate authorities; name a file with store.tls_ca_file"));
        }
        Ok(roots)
    }
}

/// Makes connections. What changes while a node runs is read for each: the password and the authorities of their files.
#[derive(Clone)]
pub(super) struct Connector {
    options: PostgresOptions,
    config: Config,
    tls: MakeRustlsConnect,
}

impl Connector {
    /// # Errors
    /// When the address or the TLS settings cannot be read. A password may come later than the node.
    pub(super) fn new(options: &PostgresOptions) -> Result<Self, StoreError> {
        Ok(Self { options: options.clone(), config: options.config()?, tls: options.connector()? })
    }

    pub(super) const fn options(&self) -> &PostgresOptions {
        &self.options
    }

    pub(super) const fn config(&self) -> &Config {
        &self.config
    }

    /// Connects; whoever asked drives the connection.
    pub(super) async fn open(&self) -> Result<(Client, Connection<Socket, TlsStream>), tokio_postgres::Error> {
        let mut config = self.config.clone();
        // Without one the server says that it wants one, and the pool says why there is none.
        if let Some(Ok(password)) = self.options.password_file.as_deref().map(password) {
            config.password(password);
        }
        let renewed = self.options.tls_ca_file.as_ref().and_then(|_| self.options.connector().ok());
        config.connect(renewed.unwrap_or_else(|| self.tls.clone())).await
    }
}

impl Connect for Connector {
    #[allow(clippy::disallowed_methods, reason = "a task that ends with its connection")]
    fn connect(
        &self,
        _: &Config,
    ) -> Pin<Box<dyn Future<Output = Result<(Client, JoinHandle<()>), tokio_postgres::Error>> + Send + '_>> {
        Box::pin(async {
            let (client, connection) = self.open().await?;
            let task = tokio::spawn(async move {
                if let Err(error) = connection.await {
                    tracing::debug!(%error, "a connection to the database ended");
                }
            });
            Ok((client, task))
        })
    }
}

fn password(file: &Path) -> Result<String, StoreError> {
    let text = std::fs::read_to_string(file).map_err(|why| {
        StoreError::Unavailable(format!("the password file {} cannot be read: {why}", file.display()))
    })?;
    Ok(text.trim_end_matches(['\r', '\n']).to_owned())
}

fn broken(why: impl Into<String>) -> StoreError {
    StoreError::Broken(why.into())
}
