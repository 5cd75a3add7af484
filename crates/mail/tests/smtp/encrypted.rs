//! Encrypted connections.

use std::sync::Arc;

use mail::{MailError, Outlook};
use rcgen::{CertifiedKey, generate_simple_self_signed};
use rustls::{
    ServerConfig, crypto::aws_lc_rs, pki_types::PrivateKeyDer, pki_types::PrivatePkcs8KeyDer,
};
use smtp_sink::Sink;
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

use crate::scene::{mail, mailer, mailer_trusting};

/// A server whose certificate nobody knows but who is shown it; where it is, and the certificate.
async fn encrypted(sink: Arc<Sink>) -> (String, Vec<u8>) {
    let CertifiedKey { cert, signing_key } =
        generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(signing_key.serialize_der()));
    let config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![cert.der().clone()], key)
        .unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    telemetry::spawn(async move {
        while let Ok((stream, _client)) = listener.accept().await {
            if let Ok(stream) = acceptor.accept(stream).await {
                let _ = sink.talk(stream).await;
            }
        }
    });
    (
        format!("smtps://hrms:hunter2@localhost:{port}"),
        cert.der().to_vec(),
    )
}

#[tokio::test]
async fn a_certificate_that_nobody_vouches_for_is_refused_before_anything_is_said() {
    let sink = Arc::new(Sink::start().await.unwrap());
    let (url, certificate) = encrypted(Arc::clone(&sink)).await;
    let stranger = mailer(&url);
    let error = stranger.send(&mail(&stranger, "Acme")).await.unwrap_err();
    let MailError::Unreachable(reason) = &error else {
        panic!("{error:?}");
    };
    assert!(reason.contains("certificate"), "{reason}");
    assert!(!format!("{error:?}").contains("hunter2"));
    assert_eq!(error.outlook(), Outlook::Later);
    assert_eq!(sink.take(), None);

    let friend = mailer_trusting(&url, &certificate);
    friend.send(&mail(&friend, "Acme")).await.unwrap();
    assert_eq!(sink.next().await.signed_in.as_deref(), Some("hrms"));

    // The right certificate of another host.
    let elsewhere = url.replace("localhost", "127.0.0.1");
    let elsewhere = mailer_trusting(&elsewhere, &certificate);
    let error = elsewhere.send(&mail(&elsewhere, "Acme")).await.unwrap_err();
    assert!(matches!(error, MailError::Unreachable(_)), "{error:?}");
    assert_eq!(sink.take(), None);
}

#[tokio::test]
async fn a_server_that_does_not_encrypt_gets_neither_a_password_nor_a_mail() {
    let sink = Sink::start().await.unwrap();
    let mailer = mailer(&format!("smtp+starttls://hrms:hunter2@{}", sink.address()));
    let error = mailer.send(&mail(&mailer, "Acme")).await.unwrap_err();
    assert_eq!(error, MailError::NotOffered("STARTTLS"));
    assert_eq!(error.outlook(), Outlook::OnceRepaired);
    assert_eq!(sink.take(), None);
}
