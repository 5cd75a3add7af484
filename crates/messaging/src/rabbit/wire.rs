//! Messages as RabbitMQ carries them: all is said in headers, the body is empty.

use kernel::{JobId, Slug, TenantId};
use lapin::{
    BasicProperties,
    message::Delivery,
    types::{AMQPValue, FieldTable, ShortString},
};
use telemetry::TraceContext;

use crate::{Envelope, EnvelopeFault, Queue};

const JOB_ID: &str = "job_id";
const TENANT_ID: &str = "tenant_id";
const TENANT_SLUG: &str = "tenant_slug";
const SCHEMA_NAME: &str = "schema_name";
const PLACEMENT_EPOCH: &str = "placement_epoch";
const KIND: &str = "kind";
const ATTEMPT: &str = "attempt";
const REQUEST_ID: &str = "request_id";
const TRACEPARENT: &str = "traceparent";
const TRACESTATE: &str = "tracestate";

/// All that a message has to say.
const OURS: [&str; 10] = [
    JOB_ID,
    TENANT_ID,
    TENANT_SLUG,
    SCHEMA_NAME,
    PLACEMENT_EPOCH,
    KIND,
    ATTEMPT,
    REQUEST_ID,
    TRACEPARENT,
    TRACESTATE,
];

/// Why a message was not followed.
const REASON: &str = "x-hrms-reason";

/// Which queue it was in.
const QUEUE: &str = "x-hrms-queue";

/// Survives a restart of RabbitMQ.
const PERSISTENT: u8 = 2;

/// The longest texts, in bytes, as in the table of jobs.
const LONGEST_NAME: usize = 63;
const LONGEST_KIND: usize = 163;
const LONGEST_REQUEST_ID: usize = 128;
const LONGEST_STATE: usize = 512;

/// How much of a message that is not followed is kept of each header, and of the body.
const LONGEST_KEPT: usize = 1024;

/// A message that is to be published.
pub(super) struct Letter {
    pub(super) properties: BasicProperties,
    pub(super) body: Vec<u8>,
}

fn text(value: impl Into<Vec<u8>>) -> AMQPValue {
    AMQPValue::LongString(value.into().into())
}

fn set(headers: &mut FieldTable, name: &str, value: AMQPValue) {
    headers.insert(ShortString::try_new(name).unwrap_or_default(), value);
}

/// Writes a message.
pub(super) fn write(envelope: &Envelope) -> Letter {
    let job = envelope.job_id.to_string();
    let mut headers = FieldTable::default();
    set(&mut headers, JOB_ID, text(job.as_str()));
    set(
        &mut headers,
        TENANT_ID,
        text(envelope.tenant_id.to_string()),
    );
    set(
        &mut headers,
        TENANT_SLUG,
        text(envelope.tenant_slug.as_str()),
    );
    set(
        &mut headers,
        SCHEMA_NAME,
        text(envelope.schema_name.as_str()),
    );
    let epoch = AMQPValue::LongLongInt(envelope.placement_epoch);
    set(&mut headers, PLACEMENT_EPOCH, epoch);
    set(&mut headers, KIND, text(envelope.kind.as_str()));
    set(
        &mut headers,
        ATTEMPT,
        AMQPValue::LongInt(envelope.attempt.into()),
    );
    let optional = [
        (REQUEST_ID, &envelope.request_id),
        (TRACEPARENT, &envelope.traceparent),
        (TRACESTATE, &envelope.tracestate),
    ];
    for (name, value) in optional {
        if let Some(value) = value {
            set(&mut headers, name, text(value.as_str()));
        }
    }
    let properties = BasicProperties::default()
        .with_delivery_mode(PERSISTENT)
        .with_message_id(ShortString::try_new(job).unwrap_or_default())
        .with_headers(headers);
    Letter {
        properties,
        body: Vec::new(),
    }
}

/// Reads a message, and believes nothing that this program would not have written.
pub(super) fn read(message: &Delivery) -> Result<Envelope, EnvelopeFault> {
    let headers = Headers(message.properties.headers().as_ref());
    let job_id: JobId = headers.id(JOB_ID)?;
    let message_id = message.properties.message_id().as_ref();
    let message_id = message_id.ok_or(EnvelopeFault::Missing("message_id"))?;
    if message_id.as_str() != job_id.to_string() {
        return Err(EnvelopeFault::Malformed("message_id"));
    }
    if !message.data.is_empty() && message.data != job_id.to_string().as_bytes() {
        return Err(EnvelopeFault::Malformed("body"));
    }
    let tenant_id: TenantId = headers.id(TENANT_ID)?;
    let tenant_slug = headers.text(TENANT_SLUG, |it| Slug::existing(it).is_ok())?;
    let schema_name = headers.text(SCHEMA_NAME, |it| is_name(it, LONGEST_NAME, b""))?;
    let placement_epoch = match headers.get(PLACEMENT_EPOCH)? {
        AMQPValue::LongLongInt(epoch) if *epoch >= 0 => *epoch,
        _ => return Err(EnvelopeFault::Malformed(PLACEMENT_EPOCH)),
    };
    let kind = headers.text(KIND, |it| is_name(it, LONGEST_KIND, b"."))?;
    let attempt = match headers.get(ATTEMPT)? {
        AMQPValue::LongInt(attempt) => i16::try_from(*attempt).ok().filter(|it| *it >= 0),
        _ => None,
    };
    Ok(Envelope {
        job_id,
        tenant_id,
        tenant_slug,
        schema_name,
        placement_epoch,
        kind,
        attempt: attempt.ok_or(EnvelopeFault::Malformed(ATTEMPT))?,
        request_id: headers.optional(REQUEST_ID, |it| it.len() <= LONGEST_REQUEST_ID)?,
        traceparent: headers.optional(TRACEPARENT, |it| TraceContext::parse(it).is_some())?,
        tracestate: headers.optional(TRACESTATE, |it| it.len() <= LONGEST_STATE)?,
    })
}

/// A copy for the dead letters that says why the message lies there. Of what came it has what this
/// program would look at: a header of a stranger could send the copy elsewhere, or be too long to
/// be sent at all.
pub(super) fn apart(message: &Delivery, queue: Queue, reason: &str) -> Letter {
    let mut headers = FieldTable::default();
    let came = message.properties.headers().as_ref();
    for name in OURS {
        let value = came.and_then(|it| it.inner().get(name));
        if let Some(value) = value.filter(|it| is_short(it)) {
            set(&mut headers, name, value.clone());
        }
    }
    set(&mut headers, REASON, text(reason));
    set(&mut headers, QUEUE, text(queue.as_str()));
    let mut properties = BasicProperties::default()
        .with_delivery_mode(PERSISTENT)
        .with_headers(headers);
    if let Some(id) = message.properties.message_id() {
        properties = properties.with_message_id(id.clone());
    }
    let body = message.data.iter().take(LONGEST_KEPT).copied().collect();
    Letter { properties, body }
}

fn is_short(value: &AMQPValue) -> bool {
    match value {
        AMQPValue::LongString(text) => text.len() <= LONGEST_KEPT,
        AMQPValue::FieldArray(_) | AMQPValue::FieldTable(_) | AMQPValue::ByteArray(_) => false,
        _ => true,
    }
}

/// Small letters, digits, underscores, and what else is named.
fn is_name(text: &str, longest: usize, and: &[u8]) -> bool {
    let is_fine =
        |it: u8| it.is_ascii_lowercase() || it.is_ascii_digit() || it == b'_' || and.contains(&it);
    (1..=longest).contains(&text.len()) && text.bytes().all(is_fine)
}

struct Headers<'a>(Option<&'a FieldTable>);

impl Headers<'_> {
    fn find(&self, name: &str) -> Option<&AMQPValue> {
        self.0.and_then(|it| it.inner().get(name))
    }

    fn get(&self, name: &'static str) -> Result<&AMQPValue, EnvelopeFault> {
        self.find(name).ok_or(EnvelopeFault::Missing(name))
    }

    fn text(
        &self,
        name: &'static str,
        is_fine: impl Fn(&str) -> bool,
    ) -> Result<String, EnvelopeFault> {
        let AMQPValue::LongString(value) = self.get(name)? else {
            return Err(EnvelopeFault::Malformed(name));
        };
        let value = std::str::from_utf8(value.as_bytes()).ok();
        let value = value.filter(|it| is_fine(it) && !it.contains('\0'));
        value
            .map(str::to_owned)
            .ok_or(EnvelopeFault::Malformed(name))
    }

    fn optional(
        &self,
        name: &'static str,
        is_fine: impl Fn(&str) -> bool,
    ) -> Result<Option<String>, EnvelopeFault> {
        self.find(name)
            .map(|_| self.text(name, is_fine))
            .transpose()
    }

    /// An id as it is written here: there are other ways to write one.
    fn id<T: std::str::FromStr + ToString>(&self, name: &'static str) -> Result<T, EnvelopeFault> {
        let text = self.text(name, |_| true)?;
        let id: Option<T> = text.parse().ok();
        id.filter(|it| it.to_string() == text)
            .ok_or(EnvelopeFault::Malformed(name))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use uuid::Uuid;

    use super::*;

    fn arrive(letter: Letter) -> Delivery {
        let mut message = Delivery::mock(1, "".into(), "".into(), false, letter.body);
        message.properties = letter.properties;
        message
    }

    fn envelope() -> impl Strategy<Value = Envelope> {
        let names = (
            "[a-z][a-z0-9-]{0,38}[a-z0-9]",
            "[a-z][a-z0-9_]{0,62}",
            "[a-z_]{1,40}(\\.[a-z_]{1,40}){1,3}",
        );
        let origin = (
            proptest::option::of("\\PC{1,32}"),
            proptest::option::of("\\PC{1,64}"),
            any::<bool>(),
        );
        (any::<[u128; 2]>(), names, 0..i64::MAX, 0..i16::MAX, origin).prop_map(
            |([job, tenant], names, placement_epoch, attempt, origin)| Envelope {
                job_id: JobId::new(Uuid::from_u128(job)),
                tenant_id: TenantId::new(Uuid::from_u128(tenant)),
                tenant_slug: names.0,
                schema_name: names.1,
                placement_epoch,
                kind: names.2,
                attempt,
                request_id: origin.0,
                traceparent: origin
                    .2
                    .then(|| "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01".to_owned()),
                tracestate: origin.1,
            },
        )
    }

    proptest! {
        #[test]
        fn a_message_is_read_as_it_was_written(envelope in envelope()) {
            prop_assert_eq!(read(&arrive(write(&envelope))), Ok(envelope));
        }

        #[test]
        fn a_message_without_one_of_its_headers_is_not_read(
            envelope in envelope(), which in 0_usize..7,
        ) {
            let mut message = arrive(write(&envelope));
            let mut headers = message.properties.headers().clone().unwrap().inner().clone();
            prop_assert!(headers.remove(OURS[which]).is_some());
            message.properties = message.properties.with_headers(headers.into());
            prop_assert_eq!(read(&message), Err(EnvelopeFault::Missing(OURS[which])));
        }

        #[test]
        fn a_copy_is_bounded_and_says_why(
            value in proptest::collection::vec(any::<u8>(), 0..4_000),
            body in proptest::collection::vec(any::<u8>(), 0..4_000),
        ) {
            let mut headers = FieldTable::default();
            for name in OURS.iter().chain(&["CC", "BCC", "x-death", "strange"]) {
                set(&mut headers, name, text(value.clone()));
            }
            let properties = BasicProperties::default().with_headers(headers);
            let copy = apart(&arrive(Letter { properties, body }), Queue::Bulk, "because");
            let headers = copy.properties.headers().clone().unwrap();
            prop_assert_eq!(headers.inner().get(REASON), Some(&text("because")));
            let is_kept = value.len() <= LONGEST_KEPT;
            prop_assert_eq!(headers.inner().len(), 2 + if is_kept { OURS.len() } else { 0 });
            prop_assert!(copy.body.len() <= LONGEST_KEPT);
        }
    }
}
