//! Running a command for its output: no shell, limited in time and size, killed with everything that it started.

use std::io::Read;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process_group};
use secrecy::SecretString;
use zeroize::Zeroizing;

use crate::kek_source::{OUTPUT_MAX, text_of};

const PAUSE: Duration = Duration::from_millis(5);

/// Why there is no output.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CommandFault {
    /// It did not start.
    #[error("it cannot be started ({0})")]
    Start(std::io::ErrorKind),
    /// It took too long.
    #[error("it took longer than {} ms and was killed", .0.as_millis())]
    TimeOut(Duration),
    /// It ended badly.
    #[error("it failed ({0})")]
    Failed(ExitStatus),
    /// It wrote too much, or no text.
    #[error("it wrote more than {OUTPUT_MAX} bytes, or no text")]
    Output,
}

/// What `program` writes to stdout when it ends well.
pub(crate) fn output(
    program: &Path,
    arguments: &[String],
    limit: Duration,
) -> Result<SecretString, CommandFault> {
    let mut command = Command::new(program);
    command.args(arguments).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
    // A group of its own, so that what it starts can be killed with it.
    let mut child = command.process_group(0).spawn().map_err(|error| CommandFault::Start(error.kind()))?;
    let until = Instant::now() + limit;
    let ended = read(&mut child, until, limit)
        .and_then(|bytes| reap(&mut child, until, limit).map(|status| (bytes, status)));
    if ended.is_err() {
        // Before the program is waited for: until then no other group can have its number.
        let group = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
        let _ = group.map(|group| kill_process_group(group, Signal::KILL));
        let _ = child.wait();
    }
    match ended? {
        (bytes, status) if status.success() => text_of(&bytes).ok_or(CommandFault::Output),
        (_, status) => Err(CommandFault::Failed(status)),
    }
}

fn read(child: &mut Child, until: Instant, limit: Duration) -> Result<Zeroizing<Vec<u8>>, CommandFault> {
    let left = until.saturating_duration_since(Instant::now());
    let bytes = reader(child).recv_timeout(left).map_err(|_| CommandFault::TimeOut(limit))?;
    bytes.filter(|bytes| bytes.len() <= OUTPUT_MAX).ok_or(CommandFault::Output)
}

fn reap(child: &mut Child, until: Instant, limit: Duration) -> Result<ExitStatus, CommandFault> {
    loop {
        match child.try_wait().map_err(|error| CommandFault::Start(error.kind()))? {
            Some(status) => return Ok(status),
            None if Instant::now() >= until => return Err(CommandFault::TimeOut(limit)),
            None => std::thread::sleep(PAUSE),
        }
    }
}

/// Reads stdout in a thread, which ends with the pipe; `None` = it broke.
fn reader(child: &mut Child) -> Receiver<Option<Zeroizing<Vec<u8>>>> {
    let (sender, receiver) = channel();
    if let Some(stdout) = child.stdout.take() {
        std::thread::spawn(move || {
            // One byte more than allowed shows that it is too much; one allocation leaves no copies behind.
            let mut bytes = Zeroizing::new(Vec::with_capacity(OUTPUT_MAX + 2));
            let most = u64::try_from(OUTPUT_MAX + 1).unwrap_or(u64::MAX);
            let read = stdout.take(most).read_to_end(&mut bytes);
            // Nobody waits any more when the time was over.
            let _ = sender.send(read.is_ok().then_some(bytes));
        });
    }
    receiver
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret;

    use super::*;

    fn run(program: &str, arguments: &[&str], limit_ms: u64) -> Result<String, String> {
        let arguments: Vec<String> = arguments.iter().map(|&argument| argument.to_owned()).collect();
        let text = output(Path::new(program), &arguments, Duration::from_millis(limit_ms));
        text.map(|text| text.expose_secret().to_owned()).map_err(|fault| fault.to_string())
    }

    #[test]
    fn the_output_of_a_command_that_ends_well_is_taken() {
        assert_eq!(run("/bin/echo", &["ab"], 10_000).unwrap(), "ab\n");
    }

    #[test]
    fn no_shell_reads_the_arguments() {
        assert_eq!(run("/bin/echo", &["$HOME;", "`id`"], 10_000).unwrap(), "$HOME; `id`\n");
    }

    #[test]
    fn a_command_that_fails_is_missing_or_writes_too_much_gives_nothing() {
        assert!(run("/bin/false", &[], 10_000).unwrap_err().starts_with("it failed"));
        assert!(run("/nonexistent", &[], 10_000).unwrap_err().starts_with("it cannot be started"));
        let endless = run("/bin/cat", &["/dev/zero"], 10_000).unwrap_err();
        assert_eq!(endless, "it wrote more than 4096 bytes, or no text");
    }

    #[test]
    fn a_command_that_hangs_is_killed_with_what_it_started() {
        let folder = tempfile::tempdir().unwrap();
        let started = folder.path().join("pid");
        // The program itself ends at once; what it leaves behind keeps stdout open.
        let script = format!("sleep 600 & echo $! > {}", started.display());
        let hung = run("/bin/sh", &["-c", &script], 1_000).unwrap_err();
        assert_eq!(hung, "it took longer than 1000 ms and was killed");
        let pid = std::fs::read_to_string(&started).unwrap();
        let lives = || {
            let stat = std::fs::read_to_string(format!("/proc/{}/stat", pid.trim()));
            stat.is_ok_and(|stat| !stat.contains(") Z "))
        };
        let deadline = Instant::now() + Duration::from_secs(20);
        while lives() {
            assert!(Instant::now() < deadline, "process {pid} lives on");
            std::thread::sleep(PAUSE);
        }
    }
}
