//! Everything that the faucet asks, on loopback, and the settings that point it there.

use std::io;
use std::net::SocketAddr;
use std::path::Path;

use bursar_banano::{PublicKey, Seed};
use bursar_devnet_faucet::{Discord, DiscordApp, StandIn, Stats, Yunite};

use super::GUILD;
use super::chain::{Chain, WORK};
use super::people::{OPERATOR, Person, everybody};
use super::secrets::Secrets;
use crate::commands::demo::place::Place;
use crate::config::Source;

const CLIENT: &str = "bursar-demo";
/// Keys of the stand-ins, which guard nothing.
const DISCORD_SECRET: &str = "discord-secret-of-the-demo";
const YUNITE_KEY: &str = "yunite-key-of-the-demo";
const STATS_KEY: &str = "fortnite-key-of-the-demo";
/// Both cycles, by the rules' clock: five real seconds at the usual speed.
const INTERVAL_S: &str = "300";
/// Variables that must not reach from the environment into a demo whose money is invented.
const CLEARED: [&str; 14] = [
    "BURSAR_BANANO_NODES",
    "BURSAR_BANANO_WORK_PEERS",
    "BURSAR_BANANO_AGREE",
    "P2S_OPERATOR_ACCOUNT",
    "P2S_DAILY_CAP",
    "P2S_WEEKLY_CAP",
    "FAUCET_CAP_MODE",
    "FAUCET_CAP_WINDOW",
    "FAUCET_MIN_PAYOUT_BAN",
    "BURSAR_PAYOUT_JOURNAL",
    "SESSION_SECRET_PREVIOUS",
    "FAUCET_SEAL_KEY_PREVIOUS",
    "DISCORD_INVITE_URL",
    "SOLANA_RPC_URL",
];

/// The services, the people they know, and the chain.
pub(in crate::commands::demo) struct Outside {
    pub(super) seed: u64,
    pub(super) people: Vec<Person>,
    pub(super) secrets: Secrets,
    pub(super) chain: Chain,
    pub(super) discord: StandIn<Discord>,
    pub(super) stats: StandIn<Stats>,
    yunite: StandIn<Yunite>,
    redirect: String,
}

impl Outside {
    /// Starts all of it; visitors who sign in come back to `listen`.
    pub fn start(place: &Place, seed: u64, listen: SocketAddr) -> io::Result<Outside> {
        let secrets = Secrets::of(&place.secrets())?;
        let redirect = format!("http://{}/auth/discord/callback", reachable(listen));
        let app = DiscordApp {
            client_id: CLIENT.to_owned(),
            client_secret: DISCORD_SECRET.to_owned(),
            redirect_uri: redirect.clone(),
        };
        let people = everybody(seed);
        let mut discord = Discord::new(app);
        let mut yunite = Yunite::new(&GUILD.to_string(), YUNITE_KEY);
        discord.set_person(OPERATOR, "demo_operator", [GUILD]);
        yunite.link(&OPERATOR.to_string(), "epic_demo_operator");
        for person in &people {
            discord.set_person(person.id, person.name, [GUILD]);
            yunite.link(&person.id.to_string(), &person.epic);
        }
        Ok(Outside {
            seed,
            people,
            secrets,
            chain: open_chain(&place.chain())?,
            discord: StandIn::start(discord)?,
            stats: StandIn::start(Stats::new(STATS_KEY))?,
            yunite: StandIn::start(yunite)?,
            redirect,
        })
    }

    /// The environment with a faucet that is live on this chain and asks nobody else.
    pub fn point(&self, source: Source) -> Source {
        let set = [
            ("P2S_DRY_RUN", "false".to_owned()),
            ("DEMO_MODE", "0".to_owned()),
            ("P2S_INTERVAL_SECONDS", INTERVAL_S.to_owned()),
            ("SESSION_SECRET", self.secrets.session.clone()),
            ("FAUCET_SEAL_KEY", self.secrets.seal.clone()),
            ("FAUCET_ALLOW_LOOPBACK_NODE", "1".to_owned()),
            ("BANANO_NODE_RPC", self.chain.url()),
            ("FAUCET_WORK_THRESHOLD", format!("{WORK:016x}")),
            ("DISCORD_API_BASE", self.discord.base_url()),
            ("DISCORD_CLIENT_ID", CLIENT.to_owned()),
            ("DISCORD_CLIENT_SECRET", DISCORD_SECRET.to_owned()),
            ("DISCORD_REDIRECT_URI", self.redirect.clone()),
            ("YUNITE_BASE_URL", self.yunite.base_url()),
            ("YUNITE_API_KEY", YUNITE_KEY.to_owned()),
            ("YUNITE_GUILD_ID", GUILD.to_string()),
            ("FORTNITE_BASE_URL", self.stats.base_url()),
            ("FORTNITE_API_KEY", STATS_KEY.to_owned()),
            // Nobody here has a Solana wallet; where nothing listens nobody is asked.
            ("FAUCET_SOLANA_RPC_URL", "http://127.0.0.1:9".to_owned()),
            ("ADMIN_DISCORD_USERNAMES", OPERATOR.to_string()),
        ];
        let cleared = CLEARED.into_iter().fold(source, |source, name| source.with_flag(name, ""));
        set.into_iter().fold(cleared, |source, (name, value)| source.with_flag(name, value))
    }

    /// The operator's account on the chain.
    pub(super) fn operator(&self) -> Option<PublicKey> {
        let bytes = hex::decode(&self.secrets.operator).ok()?;
        Some(Seed::from_bytes(bytes.try_into().ok()?).secret_key(0).public_key())
    }
}

fn open_chain(path: &Path) -> io::Result<Chain> {
    Chain::open(path).map_err(|error| io::Error::new(error.kind(), format!("{}: {error}", path.display())))
}

/// Where a browser on this machine finds a server that listens there.
fn reachable(listen: SocketAddr) -> SocketAddr {
    let here = SocketAddr::from(([127, 0, 0, 1], listen.port()));
    if listen.ip().is_unspecified() { here } else { listen }
}
