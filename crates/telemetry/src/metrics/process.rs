//! What the operating system knows of this process (`proc(5)`), by the names that Prometheus' client
//! libraries agree on.

use std::fs;

use super::Metrics;

/// Ticks a second: what Linux tells programs, whatever it counts in itself.
const TICKS: f64 = 100.0;

pub(super) fn register(metrics: &mut Metrics) {
    metrics.watch(
        "process_resident_memory_bytes",
        "Memory that is in use.",
        || plain(resident_bytes()),
    );
    metrics.watch(
        "process_start_time_seconds",
        "When the process began, in seconds since 1970.",
        || plain(start_seconds()),
    );
    metrics.watch_total(
        "process_cpu_seconds",
        "Processor time that was used.",
        || plain(cpu_seconds()),
    );
    metrics.watch("process_open_fds", "Open files and sockets.", || {
        plain(open_files())
    });
    metrics.watch("hrms_build_info", "Which program runs.", || {
        let version = env!("CARGO_PKG_VERSION").to_owned();
        vec![(vec![("version", version)], 1.0)]
    });
}

fn plain(value: Option<f64>) -> Vec<(super::Labels, f64)> {
    value.map(|value| (Vec::new(), value)).into_iter().collect()
}

fn resident_bytes() -> Option<f64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|it| it.strip_prefix("VmRSS:"))?;
    let kibibytes: f64 = line.trim().strip_suffix(" kB")?.parse().ok()?;
    Some(kibibytes * 1024.0)
}

/// A field of `/proc/self/stat`, counted as its documentation does. The second, the program's name,
/// may hold anything but ends with the last bracket.
fn stat(field: usize) -> Option<f64> {
    let stat = fs::read_to_string("/proc/self/stat").ok()?;
    let (_, after_name) = stat.rsplit_once(')')?;
    let value = after_name.split_whitespace().nth(field.checked_sub(3)?)?;
    value.parse().ok()
}

fn cpu_seconds() -> Option<f64> {
    Some((stat(14)? + stat(15)?) / TICKS)
}

fn start_seconds() -> Option<f64> {
    let machine = fs::read_to_string("/proc/stat").ok()?;
    let boot = machine.lines().find_map(|it| it.strip_prefix("btime "))?;
    let boot: f64 = boot.trim().parse().ok()?;
    Some(boot + stat(22)? / TICKS)
}

fn open_files() -> Option<f64> {
    let count = u32::try_from(fs::read_dir("/proc/self/fd").ok()?.count()).ok()?;
    // Looking opens one.
    Some(f64::from(count.saturating_sub(1)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn linux_tells_all_of_it() {
        assert!(resident_bytes().unwrap() > 100_000.0);
        assert!(cpu_seconds().unwrap() >= 0.0);
        // After this was written, and before a wrong unit would have it.
        let begun = start_seconds().unwrap();
        assert!((1.7e9..1e10).contains(&begun), "{begun}");
        assert!(open_files().unwrap() >= 3.0);
    }
}
