//! Configurations that cannot be meant, and one that can: all four services together.

use std::sync::Arc;
use std::time::Duration;

use bursar_devnet_faucet as stand_in;
use bursar_devnet_faucet::StandIn;

use super::Recorder;
use crate::upstream::{
    Discord, DiscordApp, DiscordConfig, KillQuestion, Link, LiveUpstreams, Observer, Reading, SolanaTokens,
    SolanaTokensConfig, Stats, StatsConfig, SystemPace, ThrottleSettings, Unobserved, Upstream,
    UpstreamConfigError, Upstreams, Yunite, YuniteConfig,
};

const MINT: &str = "7ErxzRN1hpyMZC8gps7ANZFTGgeDG7cFmVZcMfE6oGrd";

fn discord() -> DiscordConfig {
    DiscordConfig::new(DiscordApp::new("app", "https://f.example/cb"), "secret".into(), "77")
}

#[test]
fn addresses_that_cannot_be_meant_are_refused() {
    let stats = |base_url: &str| {
        let config = StatsConfig { base_url: base_url.to_owned(), ..StatsConfig::new("k".into()) };
        Stats::new(config, Arc::new(Unobserved)).map(|_| ())
    };
    for url in ["", "host", "ftp://host", "http://", "https://u:p@host", "https://host?x=1", "https://host#x"]
    {
        assert_eq!(stats(url), Err(UpstreamConfigError::Url(Upstream::Fortnite)), "{url}");
    }
    for url in ["https://host", "https://host/v2", "https://host/v2/", "http://127.0.0.1:1"] {
        assert_eq!(stats(url), Ok(()), "{url}");
    }
}

#[test]
fn keys_that_no_header_can_hold_are_refused() {
    for key in ["", "line\nbreak"] {
        let stats = Stats::new(StatsConfig::new(key.into()), Arc::new(Unobserved)).map(|_| ());
        assert_eq!(stats, Err(UpstreamConfigError::Key(Upstream::Fortnite)));
        let yunite = Yunite::new(YuniteConfig::new("77", key.into()), Arc::new(Unobserved)).map(|_| ());
        assert_eq!(yunite, Err(UpstreamConfigError::Key(Upstream::Yunite)));
    }
}

#[test]
fn guilds_applications_and_mints_must_look_like_ones() {
    let missing = |upstream, what| Err(UpstreamConfigError::Identifier(upstream, what));
    for guild in ["", "guild", "007", "-7", "7/8"] {
        let config = DiscordConfig { guild_id: guild.to_owned(), ..discord() };
        let refused = Discord::new(config, Arc::new(Unobserved)).map(|_| ());
        assert_eq!(refused, missing(Upstream::Discord, "guild id"), "{guild}");
    }
    for guild in ["", "7/8", "a b"] {
        let refused = Yunite::new(YuniteConfig::new(guild, "k".into()), Arc::new(Unobserved)).map(|_| ());
        assert_eq!(refused, missing(Upstream::Yunite, "guild id"), "{guild}");
    }
    for mint in ["", "short", &"m".repeat(45), &format!("{}-", &MINT[1..])] {
        let config = SolanaTokensConfig::new("https://host".into(), mint);
        let refused = SolanaTokens::new(config, Arc::new(Unobserved)).map(|_| ());
        assert_eq!(refused, missing(Upstream::Solana, "mint"), "{mint}");
    }
}

#[test]
fn all_four_live_services_work_together() {
    let app = stand_in::DiscordApp {
        client_id: "app".to_owned(),
        client_secret: "secret".to_owned(),
        redirect_uri: "https://f.example/cb".to_owned(),
    };
    let people = StandIn::start(stand_in::Discord::new(app)).unwrap();
    let links = StandIn::start(stand_in::Yunite::new("77", "yunite-key")).unwrap();
    let kills = StandIn::start(stand_in::Stats::new("stats-key")).unwrap();
    let tokens = StandIn::start(stand_in::Solana::new()).unwrap();
    people.set_person(8, "alice", [77]);
    links.link("8", "ep1c");
    kills.set_kills("ep1c", 1_208);
    tokens.set_tokens("wallet", MINT, &[(12_345_678_900, 6)]);
    let mut discord = discord();
    discord.app.base_url = people.base_url();
    let config = LiveUpstreams {
        discord,
        yunite: YuniteConfig { base_url: links.base_url(), ..YuniteConfig::new("77", "yunite-key".into()) },
        stats: StatsConfig { base_url: kills.base_url(), ..StatsConfig::new("stats-key".into()) },
        throttle: ThrottleSettings::default(),
        tokens: SolanaTokensConfig::new(tokens.base_url().into(), MINT),
    };
    let recorder = Arc::new(Recorder::default());
    let observer: Arc<dyn Observer> = Arc::clone(&recorder) as _;
    let upstreams = Upstreams::live(config, Arc::new(SystemPace::new()), &observer).unwrap();

    let visitor = upstreams.identity.identify(&people.issue_code(8)).found().unwrap();
    assert!(visitor.guild_member);
    let link = upstreams.links.look_up(&[visitor.discord_user_id.as_str()]).remove(0).found();
    let Some(Link::Linked(epic)) = link else { panic!("{link:?}") };
    let read =
        |cursor| upstreams.kills.lifetime_kills(KillQuestion { account: &epic.id, cursor }, Duration::ZERO);
    assert_eq!(read(None), Reading::Found(1_208));
    kills.grow_kills(&epic.id, 7);
    assert_eq!(read(Some(1_208)), Reading::Found(1_215));
    assert_eq!(upstreams.tokens.whole_tokens("wallet"), Reading::Found(12_345));
    let told: Vec<Upstream> = recorder.calls.lock().iter().map(|(upstream, _)| *upstream).collect();
    assert_eq!(told[..4], [Upstream::Discord, Upstream::Discord, Upstream::Discord, Upstream::Yunite]);
    assert_eq!(told[4..], [Upstream::Fortnite, Upstream::Fortnite, Upstream::Solana]);
}
