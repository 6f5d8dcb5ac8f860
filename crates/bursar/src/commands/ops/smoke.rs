//! `bursar ops smoke` and `bursar ops canary`: does a player get in, and out again? (docs/spec/rounds.md R40, R48, R55)

use bursar_rounds::market::Market;
use serde_json::{Value, json};

use super::canary::{Canary, Findings, Stumble, TIMEOUT};
use crate::commands::load::{Server, ServerClock};
use crate::commands::{CommandError, Context};
use crate::config::Configuration;

/// Options of `bursar ops smoke` and `bursar ops canary`.
#[derive(Clone, Debug, Default, clap::Args)]
pub struct SmokeOptions {
    /// The server to play on; CANARY_BASE, else OPS_BASE unless given.
    #[arg(long, value_name = "URL", conflicts_with = "url")]
    pub base: Option<String>,
    /// The market to play on; CANARY_MARKET unless given.
    #[arg(long, value_name = "MARKET")]
    pub market: Option<String>,
    /// Wait until the round has ended, which takes up to eight minutes, and see that it is settled.
    #[arg(long)]
    pub wait_settled: bool,
    /// Move the server's manual clock instead of waiting.
    #[arg(long)]
    pub advance_clock: bool,
}

/// Plays one round with two fresh wallets; the exit is 0 only when everything is as it should be.
pub(super) fn smoke(options: &SmokeOptions, context: &Context) -> Result<Value, CommandError> {
    let configuration = context.configuration()?;
    let base = base(options, &configuration)?;
    let commands = &configuration.rounds.commands;
    let market = options.market.as_deref().unwrap_or(&commands.canary_market);
    let market = Market::from_key(&market.to_ascii_uppercase()).ok_or_else(|| {
        let names = Market::ALL.map(Market::key).join(", ");
        CommandError::Usage(format!("no market is called {market:?}; use one of {names}"))
    })?;
    let server = Server::new(&base, TIMEOUT);
    let mut findings = Findings(json!({"base": server.base(), "market": market.key()}));
    let played = ServerClock::of(&server, options.advance_clock)
        .map_err(|fault| Stumble { step: "clock", reply: None, text: fault.to_string() })
        .and_then(|clock| {
            let ms = |span: std::time::Duration| i64::try_from(span.as_millis()).unwrap_or(i64::MAX);
            let canary = Canary {
                server: &server,
                clock: &clock,
                market,
                key: configuration.rounds.ops_key.as_ref().map(|key| &key.current),
                open_buffer_ms: ms(commands.canary_open_buffer),
                wait_max_ms: ms(commands.canary_wait_timeout),
            };
            canary.play(options.wait_settled, &mut findings)
        });
    let Findings(mut answer) = findings;
    answer["ok"] = played.is_ok().into();
    match played {
        Ok(()) => Ok(answer),
        Err(Stumble { step, reply, text }) => {
            answer["step"] = step.into();
            answer["error"] = text.as_str().into();
            if let Some(reply) = reply {
                answer["statusCode"] = reply.status.into();
                answer["code"] = reply.body["code"].clone();
            }
            let why = format!("The smoke test of {} failed at {step}: {text}.", server.base());
            Err(CommandError::No { answer, why })
        }
    }
}

/// One server for everything that the smoke test asks.
fn base(options: &SmokeOptions, configuration: &Configuration) -> Result<String, CommandError> {
    let commands = &configuration.rounds.commands;
    let base = options.base.as_ref().or(commands.canary_base_url.as_ref()).or(commands.base_url.as_ref());
    base.cloned().ok_or_else(|| {
        let text = "name the server with --base URL, CANARY_BASE or OPS_BASE, such as http://127.0.0.1:3000";
        CommandError::Usage(text.to_owned())
    })
}
