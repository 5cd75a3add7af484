//! A panic is an event like any other, without the values it may have been about.

use std::backtrace::{Backtrace, BacktraceStatus};
use std::panic::PanicHookInfo;

/// Makes every panic an error event and keeps the default hook, which prints messages as they
/// are, from speaking.
pub(crate) fn install_hook() {
    std::panic::set_hook(Box::new(log));
}

fn log(panic: &PanicHookInfo<'_>) {
    let place = panic.location().map(ToString::to_string);
    let backtrace = Backtrace::capture();
    let backtrace =
        (backtrace.status() == BacktraceStatus::Captured).then(|| backtrace.to_string());
    tracing::error!(
        target: "telemetry::panic",
        place,
        thread = std::thread::current().name(),
        reason = message(panic),
        backtrace,
        "panic"
    );
}

/// The message, if it is a constant of the program. One that was formatted may hold the value
/// that an `unwrap` of some library failed on, so it is left out; the place tells enough.
fn message(panic: &PanicHookInfo<'_>) -> &'static str {
    panic
        .payload()
        .downcast_ref::<&'static str>()
        .copied()
        .unwrap_or("(holds values, not logged)")
}

#[cfg(test)]
mod tests {
    use std::panic::catch_unwind;
    use std::sync::{Mutex, PoisonError};

    use crate::json::tests::Lines;

    /// The hook is one for the whole process.
    static HOOK: Mutex<()> = Mutex::new(());

    fn line_of(panicking: fn()) -> serde_json::Value {
        let _alone = HOOK.lock().unwrap_or_else(PoisonError::into_inner);
        let before = std::panic::take_hook();
        super::install_hook();
        let lines = Lines::default();
        tracing::subscriber::with_default(lines.subscriber(), || {
            crate::open_request("r-1", None, || ([1; 16], [2; 8]))
                .0
                .in_scope(|| catch_unwind(panicking).unwrap_err());
        });
        std::panic::set_hook(before);
        lines.only()
    }

    #[test]
    fn a_panic_is_logged_with_its_place_and_its_request() {
        let line = line_of(|| panic!("a rule of the program is broken"));
        assert_eq!(line["level"], "ERROR");
        assert_eq!(line["reason"], "a rule of the program is broken");
        assert_eq!(line["request_id"], "r-1");
        assert!(
            line["place"].as_str().unwrap().contains("panic.rs"),
            "{line}"
        );
    }

    #[test]
    fn the_value_that_a_panic_was_about_is_not_logged() {
        let line = line_of(|| {
            let email = "steven.king@example.com";
            panic!("no such user: {email}");
        });
        assert!(!line.to_string().contains("steven.king"), "{line}");
    }
}
