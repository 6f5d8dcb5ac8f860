//! Metrics about this process, read from the kernel at each scrape (M3).

use std::fs;

use super::histogram::Unit;
use super::registry::{MetricError, Reading, Registry};

/// The kernel shows CPU times to programs in hundredths of a second on every architecture Linux runs on.
const TICK_MILLISECONDS: i64 = 10;

type Read = fn() -> Option<i64>;

struct ProcessMetric {
    name: &'static str,
    help: &'static str,
    unit: Unit,
    read: Read,
}

const GAUGES: [ProcessMetric; 6] = [
    ProcessMetric {
        name: "process_resident_memory_bytes",
        help: "Memory held in RAM.",
        unit: Unit::ONE,
        read: || status_kilobytes("VmRSS:"),
    },
    ProcessMetric {
        name: "process_virtual_memory_bytes",
        help: "Address space in use.",
        unit: Unit::ONE,
        read: || status_kilobytes("VmSize:"),
    },
    ProcessMetric {
        name: "process_open_fds",
        help: "Open file descriptors.",
        unit: Unit::ONE,
        read: || i64::try_from(fs::read_dir("/proc/self/fd").ok()?.count()).ok(),
    },
    ProcessMetric {
        name: "process_max_fds",
        help: "Limit of open file descriptors.",
        unit: Unit::ONE,
        read: max_fds,
    },
    ProcessMetric { name: "process_threads", help: "Threads.", unit: Unit::ONE, read: || stat_field(17) },
    ProcessMetric {
        name: "process_start_time_seconds",
        help: "When the process started, Unix time.",
        unit: Unit::MILLISECONDS,
        read: start_time_ms,
    },
];

/// Registers `process_*`, with a prefix such as `aiba_` where a desk expects one. Not on Linux: no readings.
///
/// # Errors
/// [`MetricError`] when done twice with one prefix.
pub fn register_process_metrics(registry: &Registry, prefix: &str) -> Result<(), MetricError> {
    for metric in GAUGES {
        let read = move || readings(metric.read);
        registry.computed_gauge(format!("{prefix}{}", metric.name), metric.help, [], metric.unit, read)?;
    }
    registry.computed_counter(
        format!("{prefix}process_cpu_seconds_total"),
        "CPU time used, user and system.",
        [],
        Unit::MILLISECONDS,
        || readings(cpu_ms),
    )
}

fn readings(read: Read) -> Vec<Reading<0>> {
    read().map(|value| Reading { labels: [], value }).into_iter().collect()
}

/// Field `number` of `/proc/self/stat` after the program's name, counted from 0.
fn stat_field(number: usize) -> Option<i64> {
    let stat = fs::read_to_string("/proc/self/stat").ok()?;
    let (_, after_name) = stat.rsplit_once(')')?;
    after_name.split_whitespace().nth(number)?.parse().ok()
}

fn cpu_ms() -> Option<i64> {
    stat_field(11)?.checked_add(stat_field(12)?)?.checked_mul(TICK_MILLISECONDS)
}

fn start_time_ms() -> Option<i64> {
    let since_boot_ms = stat_field(19)?.checked_mul(TICK_MILLISECONDS)?;
    let system = fs::read_to_string("/proc/stat").ok()?;
    let boot_s: i64 = system.lines().find_map(|line| line.strip_prefix("btime "))?.trim().parse().ok()?;
    boot_s.checked_mul(1_000)?.checked_add(since_boot_ms)
}

fn status_kilobytes(name: &str) -> Option<i64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let value = status.lines().find_map(|line| line.strip_prefix(name))?;
    value.trim().strip_suffix(" kB")?.parse::<i64>().ok()?.checked_mul(1_024)
}

fn max_fds() -> Option<i64> {
    let limits = fs::read_to_string("/proc/self/limits").ok()?;
    let line = limits.lines().find_map(|line| line.strip_prefix("Max open files"))?;
    line.split_whitespace().next()?.parse().ok()
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;
    use crate::metrics::Format;

    #[test]
    fn m3_every_process_metric_has_a_plausible_reading_under_both_names() {
        let registry = Registry::new();
        register_process_metrics(&registry, "").unwrap();
        register_process_metrics(&registry, "aiba_").unwrap();
        let text = registry.render(Format::Text);
        for metric in &GAUGES {
            for name in [metric.name.to_owned(), format!("aiba_{}", metric.name)] {
                let sample = text.lines().find_map(|line| line.strip_prefix(&format!("{name} "))).unwrap();
                assert!(!sample.starts_with('-') && sample != "0", "{name} {sample}");
            }
        }
        assert!(text.contains("\nprocess_cpu_seconds_total "));
        assert!(status_kilobytes("VmRSS:").unwrap() > 1_000_000);
        assert!(start_time_ms().unwrap() > 1_600_000_000_000);
    }
}
