//! Whose certificates are believed when a gateway is asked by TLS.

use std::path::PathBuf;
use std::sync::Arc;

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use rustls::{ClientConfig, RootCertStore};
use tokio_rustls::TlsConnector;

/// The authorities that may have signed a gateway's certificate.
#[derive(Clone, Debug, Default)]
pub struct TlsRoots {
    file: Option<PathBuf>,
}

impl TlsRoots {
    /// Those of a PEM file, or the system's without one.
    #[must_use]
    pub const fn new(file: Option<PathBuf>) -> Self {
        Self { file }
    }

    /// What verifies the other end of a connection. The authorities are read each time, so that they can be changed
    /// while a node runs. Blocks on the disk.
    pub(super) fn connector(&self) -> Result<TlsConnector, String> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let client = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|error| error.to_string())?
            .with_root_certificates(self.read()?)
            .with_no_client_auth();
        Ok(TlsConnector::from(Arc::new(client)))
    }

    fn read(&self) -> Result<RootCertStore, String> {
        let mut roots = RootCertStore::empty();
        match &self.file {
            Some(file) => {
                let unreadable = |why: &dyn std::fmt::Display| format!("the CA file {}: {why}", file.display());
                for authority in CertificateDer::pem_file_iter(file).map_err(|why| unreadable(&why))? {
                    roots.add(authority.map_err(|why| unreadable(&why))?).map_err(|why| unreadable(&why))?;
                }
            }
            // Some system files hold certificates that are none; the others count.
            None => {
                roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
            }
        }
        if roots.is_empty() {
            return Err("there is no certificate authority; name a file with the setting probe.tls_ca_file".to_owned());
        }
        Ok(roots)
    }
}
