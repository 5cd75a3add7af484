use std::{sync::Arc, time::Duration};

use kernel::{Ambient, FixedClock, JobId, SeededEntropy};
use mail::{Authority, Content, Line, Mail, Mailbox, Mailer, SmtpSettings};
use time::macros::datetime;

pub(crate) const ID: &str = "01930000-0000-7000-8000-000000000001";

pub(crate) fn settings(url: &str) -> SmtpSettings {
    SmtpSettings {
        url: url.parse().unwrap(),
        sender: "no-reply@hrms.example".parse().unwrap(),
        timeout: Duration::from_secs(10),
        authorities: Vec::new(),
    }
}

pub(crate) fn mailer_of(settings: SmtpSettings) -> Mailer {
    let clock = FixedClock::at(datetime!(2026-11-27 17:05:09 UTC));
    let ambient = Ambient::new(Arc::new(clock), Arc::new(SeededEntropy::new(1)));
    Mailer::new(Some(settings), ambient)
}

pub(crate) fn mailer(url: &str) -> Mailer {
    mailer_of(settings(url))
}

pub(crate) fn mailer_trusting(url: &str, authority: &[u8]) -> Mailer {
    mailer_of(SmtpSettings {
        authorities: vec![Authority(authority.to_vec())],
        ..settings(url)
    })
}

pub(crate) fn mail(mailer: &Mailer, tenant: &str) -> Mail {
    Mail {
        id: JobId::new(ID.parse().unwrap()),
        from: mailer.sender(tenant).unwrap(),
        to: Mailbox {
            name: Line::new("Jörg Müller"),
            address: "joerg@acme.example".parse().unwrap(),
        },
        content: Content {
            subject: Line::new("Ihr Import für Köln ist beendet"),
            text: "Grüße\n.\n\n-- \nHRMS\n".to_owned(),
            html: "<!DOCTYPE html><html><body><p>Grüße &amp; mehr</p></body></html>".to_owned(),
        },
    }
}
