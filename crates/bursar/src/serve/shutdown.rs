//! The signals that end the server, and the one that makes it read its secrets anew.

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::watch;

use crate::secrets::Hangups;

/// Becomes true once the server is told to stop.
pub(super) type Stop = watch::Receiver<bool>;

/// Follows SIGTERM and SIGINT.
pub(super) fn follow_signals() -> std::io::Result<Stop> {
    let (tell, stop) = watch::channel(false);
    let [mut terminate, mut interrupt] = [signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?];
    tokio::spawn(async move {
        let name = wait_for_either(&mut terminate, &mut interrupt).await;
        tracing::info!(signal = name, "told to stop: requests in flight are answered, then the process ends");
        // Nobody listens any more only when the server is gone already.
        let _ = tell.send(true);
        // The sender must live: a dropped one would end every wait.
        std::future::pending::<()>().await;
    });
    Ok(stop)
}

/// Follows SIGHUP, which reads the secrets anew.
pub(super) fn follow_hangups(hangups: Hangups) -> std::io::Result<()> {
    let mut signals = signal(SignalKind::hangup())?;
    tokio::spawn(async move {
        while signals.recv().await.is_some() {
            tracing::info!(signal = "SIGHUP", "told to read the secrets anew");
            hangups.tell();
        }
    });
    Ok(())
}

async fn wait_for_either(terminate: &mut Signal, interrupt: &mut Signal) -> &'static str {
    tokio::select! {
        _ = terminate.recv() => "SIGTERM",
        _ = interrupt.recv() => "SIGINT",
    }
}

/// Ready once the server is told to stop.
pub(super) async fn told(mut stop: Stop) {
    // An error means that the sender is gone, and with it the runtime.
    let _ = stop.wait_for(|stop| *stop).await;
}
