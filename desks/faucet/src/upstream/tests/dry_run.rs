//! The dry run: everything is found, nobody is asked.

use std::time::Duration;

use crate::upstream::{EpicAccount, KillQuestion, Link, NoData, Reading, Upstreams, Visitor};

fn kills(upstreams: &Upstreams, cursor: Option<u64>) -> Reading<u64> {
    let question = KillQuestion { account: "epic_discord_c", cursor };
    upstreams.kills.lifetime_kills(question, Duration::ZERO)
}

#[test]
fn a_code_makes_the_user_of_its_name_a_member() {
    let expected = Visitor {
        discord_user_id: "discord_c".to_owned(),
        username: "user_c".to_owned(),
        guild_member: true,
    };
    assert_eq!(Upstreams::dry_run(0).identity.identify("c"), Reading::Found(expected));
}

#[test]
fn a_code_that_makes_no_user_is_refused() {
    let identity = Upstreams::dry_run(0).identity;
    let longest = "c".repeat(22);
    let visitor = identity.identify(&longest).found().unwrap();
    assert_eq!(visitor.discord_user_id.len(), 30);
    for code in ["", "a b", "<c>", "c\n", &"c".repeat(23)] {
        assert_eq!(identity.identify(code), Reading::NotFound, "{code}");
    }
}

#[test]
fn a_discord_user_has_the_epic_account_of_the_same_name() {
    let epic = |id: &str| Reading::Found(Link::Linked(EpicAccount { id: id.to_owned(), name: None }));
    let links = Upstreams::dry_run(0).links;
    let readings = links.look_up(&["discord_c", "a/b", "7"]);
    assert_eq!(readings, [epic("epic_discord_c"), Reading::NoData(NoData::NoEpicAccount), epic("epic_7")]);
}

#[test]
fn kills_do_not_grow_unless_told_to() {
    assert_eq!(kills(&Upstreams::dry_run(0), Some(1_208)), Reading::Found(1_208));
    assert_eq!(kills(&Upstreams::dry_run(0), None), Reading::Found(0));
}

#[test]
fn simulated_kills_come_with_each_read() {
    let upstreams = Upstreams::dry_run(7);
    let first = kills(&upstreams, None).found();
    assert_eq!(first, Some(7));
    assert_eq!(kills(&upstreams, first), Reading::Found(14));
    assert_eq!(kills(&upstreams, Some(u64::MAX)), Reading::Found(u64::MAX));
}

#[test]
fn wallets_hold_no_tokens() {
    assert_eq!(Upstreams::dry_run(0).tokens.whole_tokens("any"), Reading::Found(0));
}
