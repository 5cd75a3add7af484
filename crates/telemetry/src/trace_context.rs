//! Which trace a request belongs to, across every service it passes (W3C Trace Context).

use std::fmt;

/// The bits of the flags that are defined: sampled, and that the trace id is random (level 2).
const DEFINED_FLAGS: u8 = 0b11;
/// The first of them.
const SAMPLED: u8 = 0b01;
/// The most that is passed on of a `tracestate`: what the standard asks for at least.
const LONGEST_STATE: usize = 512;
/// The most members of a `tracestate` (3.3.1.1).
const MOST_MEMBERS: usize = 32;

/// A place in a trace, as the headers `traceparent` and `tracestate` tell it.
///
/// Read strictly ([W3C Trace Context](https://www.w3.org/TR/trace-context-2/)): what is not exactly
/// of the standard's form is as good as absent, and a new trace begins. Nothing of it is trusted
/// for anything but finding log lines: a client may choose what it likes.
///
/// ```
/// use telemetry::TraceContext;
///
/// let header = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
/// let incoming = TraceContext::parse(header).unwrap();
/// let ours = incoming.child([7; 8]);
/// assert_eq!(ours.to_string(), "00-4bf92f3577b34da6a3ce929d0e0e4736-0707070707070707-01");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TraceContext {
    trace_id: u128,
    span_id: u64,
    flags: u8,
    state: Option<String>,
}

impl TraceContext {
    /// Begins a trace, with ids that somebody drew.
    #[must_use]
    pub fn begin(trace_id: [u8; 16], span_id: [u8; 8]) -> Self {
        Self {
            trace_id: u128::from_be_bytes(trace_id).max(1),
            span_id: u64::from_be_bytes(span_id).max(1),
            flags: 0,
            state: None,
        }
    }

    /// Reads a `traceparent`; `None` when it is not valid.
    #[must_use]
    pub fn parse(traceparent: &str) -> Option<Self> {
        let (version, rest) = (traceparent.get(..2)?, traceparent.get(2..)?);
        let version = hex(version)?;
        // A later version may add fields at the end, and is read as this one (4.2.3).
        let is_whole = match version {
            0 => traceparent.len() == 55,
            0xff => false,
            _ => traceparent.len() == 55 || traceparent.as_bytes().get(55) == Some(&b'-'),
        };
        let mut fields = rest.get(..53)?.strip_prefix('-')?.split('-');
        let (trace_id, span_id) = (fields.next()?, fields.next()?);
        let flags = fields.next()?;
        let has_form = (trace_id.len(), span_id.len(), flags.len()) == (32, 16, 2);
        if !is_whole || !has_form || fields.next().is_some() {
            return None;
        }
        let (trace_id, span_id) = (hex(trace_id)?, hex(span_id)?);
        if trace_id == 0 || span_id == 0 {
            return None;
        }
        Some(Self {
            trace_id,
            span_id: u64::try_from(span_id).ok()?,
            flags: u8::try_from(hex(flags)?).ok()? & DEFINED_FLAGS,
            state: None,
        })
    }

    /// Takes the `tracestate` along, all its lines joined by commas. One that is not valid, or
    /// longer than 512 characters, is left out whole (3.3.1).
    #[must_use]
    pub fn with_state(mut self, tracestate: &str) -> Self {
        self.state = is_state(tracestate).then(|| tracestate.to_owned());
        self
    }

    /// The place of a span in the same trace.
    #[must_use]
    pub fn child(&self, span_id: [u8; 8]) -> Self {
        Self {
            span_id: u64::from_be_bytes(span_id).max(1),
            ..self.clone()
        }
    }

    /// Says whether the trace is kept.
    pub(crate) fn sampled(self, is_sampled: bool) -> Self {
        Self {
            flags: (self.flags & !SAMPLED) | u8::from(is_sampled),
            ..self
        }
    }

    /// Whether the caller keeps the trace.
    pub(crate) fn is_sampled(&self) -> bool {
        self.flags & SAMPLED != 0
    }

    pub(crate) fn trace_id_bits(&self) -> u128 {
        self.trace_id
    }

    pub(crate) fn span_id_bits(&self) -> u64 {
        self.span_id
    }

    /// The trace's id, 32 hexadecimal digits.
    #[must_use]
    pub fn trace_id(&self) -> String {
        format!("{:032x}", self.trace_id)
    }

    /// The `tracestate` that came with it.
    #[must_use]
    pub fn state(&self) -> Option<&str> {
        self.state.as_deref()
    }
}

/// As a `traceparent`.
impl fmt::Display for TraceContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            trace_id,
            span_id,
            flags,
            ..
        } = self;
        write!(f, "00-{trace_id:032x}-{span_id:016x}-{flags:02x}")
    }
}

/// Lower-case digits only: `from_str_radix` would take upper case and a sign.
fn hex(text: &str) -> Option<u128> {
    let is_hex = text
        .bytes()
        .all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    is_hex.then(|| u128::from_str_radix(text, 16).ok())?
}

/// Whether a text is a list of members `key=value`, each key once.
fn is_state(text: &str) -> bool {
    let members = text
        .split(',')
        .map(|member| member.trim_matches([' ', '\t']))
        .filter(|member| !member.is_empty());
    let mut keys = Vec::new();
    for member in members {
        match member.split_once('=') {
            Some((key, value)) if is_key(key) && is_value(value) && !keys.contains(&key) => {
                keys.push(key);
            }
            _ => return false,
        }
    }
    text.len() <= LONGEST_STATE && (1..=MOST_MEMBERS).contains(&keys.len())
}

fn is_key(key: &str) -> bool {
    let begins = key
        .bytes()
        .next()
        .is_some_and(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit());
    begins
        && key.len() <= 256
        && key.bytes().all(|byte| {
            byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"_-*/@".contains(&byte)
        })
}

fn is_value(value: &str) -> bool {
    (1..=256).contains(&value.len())
        && value
            .bytes()
            .all(|byte| matches!(byte, b' '..=b'~') && byte != b',' && byte != b'=')
}

#[cfg(test)]
mod tests {
    use super::*;

    const VALID: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    #[test]
    fn a_valid_traceparent_is_written_as_it_was_read() {
        assert_eq!(TraceContext::parse(VALID).unwrap().to_string(), VALID);
    }

    #[test]
    fn what_is_not_exactly_of_the_form_is_none() {
        for wrong in [
            "",
            "00",
            "ä0-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            "0-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
            "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-1",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-0g",
            "00-4bf92f3577b34da6a3ce929d0e0e473-600f067aa0ba902b7-01",
            "00-+bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            " 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            "01-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01x",
            "00_4bf92f3577b34da6a3ce929d0e0e4736_00f067aa0ba902b7_01",
        ] {
            assert_eq!(TraceContext::parse(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn a_later_version_is_read_as_far_as_it_is_known() {
        for later in [
            "cc-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            "01-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-what-the-future-is-like",
        ] {
            let read = TraceContext::parse(later).unwrap();
            assert_eq!(read.to_string(), VALID, "{later}");
        }
    }

    #[test]
    fn only_flags_that_are_defined_are_kept() {
        let flags = |sent: &str| {
            let header = format!("{}{sent}", &VALID[..53]);
            TraceContext::parse(&header).unwrap().to_string()[53..].to_owned()
        };
        assert_eq!(flags("ff"), "03");
        assert_eq!(flags("00"), "00");
        assert_eq!(flags("02"), "02");
    }

    #[test]
    fn a_child_keeps_the_trace_its_flags_and_its_state() {
        let parent = TraceContext::parse(VALID).unwrap().with_state("a=1");
        let child = parent.child([9; 8]);
        assert_eq!(child.trace_id(), parent.trace_id());
        assert_eq!(child.state(), Some("a=1"));
        assert!(child.to_string().ends_with("-0909090909090909-01"));
    }

    #[test]
    fn ids_are_never_zero() {
        let begun = TraceContext::begin([0; 16], [0; 8]);
        assert!(TraceContext::parse(&begun.to_string()).is_some());
        let child = begun.child([0; 8]).to_string();
        assert!(TraceContext::parse(&child).is_some());
    }

    #[test]
    fn a_tracestate_is_passed_on_whole_or_not_at_all() {
        let kept = |state: &str| {
            let context = TraceContext::parse(VALID).unwrap().with_state(state);
            context.state() == Some(state)
        };
        for state in [
            "a=1",
            "congo=t61rcWkgMzE,rojo=00f067aa0ba902b7",
            "fw529a3039@dt=FfD,,a= b",
            "a=1 , b=2",
        ] {
            assert!(kept(state), "{state}");
        }
        let (many, long) = (
            (0..33).fold(String::new(), |all, it| all + &format!("k{it}=v,")),
            format!("a={},b={}", "x".repeat(256), "x".repeat(256)),
        );
        for state in [
            "",
            ",",
            "a",
            "=1",
            "a=",
            "A=1",
            "a=1,a=2",
            "a=1\r\nb=2",
            "a=\u{e4}",
            "a=b=c",
            &many,
            &long,
        ] {
            assert!(!kept(state), "{state}");
        }
    }
}
