//! What the figures were measured on: processors, memory, and how long a flush to disk takes.

use std::fs::File;
use std::io::Write;
use std::time::Instant;

/// Prints the machine and an fsync probe.
pub fn print() {
    let cpu = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = cpu.lines().find_map(|line| line.strip_prefix("model name\t: ")).unwrap_or("unknown");
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let memory = std::fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let memory = memory.lines().next().unwrap_or_default().replace("MemTotal:", "").trim().to_owned();
    println!("machine: {cores} x {model}, memory {memory}");
    let (median, p99) = fsync_probe();
    println!("fsync probe (8 KiB append + fdatasync, 300 times): median {median:.2} ms, p99 {p99:.2} ms");
}

fn fsync_probe() -> (f64, f64) {
    let folder = tempfile::tempdir_in(".").or_else(|_| tempfile::tempdir()).expect("a folder to write to");
    let mut file = File::create(folder.path().join("probe")).expect("a probe file");
    let mut times: Vec<f64> = (0..300)
        .map(|_| {
            let start = Instant::now();
            file.write_all(&[7; 8192]).expect("write");
            file.sync_data().expect("fdatasync");
            start.elapsed().as_secs_f64() * 1e3
        })
        .collect();
    times.sort_by(f64::total_cmp);
    (times[150], times[297])
}

/// The value below which `share` of the sorted `times` lie.
pub fn percentile(times: &mut [f64], share: f64) -> f64 {
    times.sort_by(f64::total_cmp);
    times[((times.len() - 1) as f64 * share) as usize]
}

/// Resident memory of this process in MiB.
pub fn resident_mib() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with("VmRSS")).unwrap_or_default();
    line.split_whitespace().nth(1).and_then(|kib| kib.parse::<f64>().ok()).unwrap_or(0.0) / 1024.0
}
