//! Token balances.

use std::sync::Arc;

use bursar_devnet_faucet::{Misbehaviour, Solana, StandIn};

use super::{LONG, SHORT, check_troubles, problem, unavailable};
use crate::upstream::{
    Problem, Reading, SolanaTokens, SolanaTokensConfig, TokenBalances, Unobserved, Upstream,
};

const MINT: &str = "7ErxzRN1hpyMZC8gps7ANZFTGgeDG7cFmVZcMfE6oGrd";
const OTHER_MINT: &str = "So11111111111111111111111111111111111111112";
const WALLET: &str = "4Nd1mYvJ4Yt2sWfPqF6vZ6v2bK8iUq3kQ6nB1cXzLmNo";

struct Scene {
    node: StandIn<Solana>,
    client: SolanaTokens,
}

fn config(node: &StandIn<Solana>) -> SolanaTokensConfig {
    let url = format!("{}/rpc/t0ken?api-key=t0ken", node.base_url());
    SolanaTokensConfig { timeout: LONG, ..SolanaTokensConfig::new(url.into(), MINT) }
}

impl Scene {
    fn new() -> Scene {
        let node = StandIn::start(Solana::new()).unwrap();
        let client = SolanaTokens::new(config(&node), Arc::new(Unobserved)).unwrap();
        Scene { node, client }
    }

    fn holding(&self, accounts: &[(u64, u8)]) -> Reading<u64> {
        self.node.set_tokens(WALLET, MINT, accounts);
        self.client.whole_tokens(WALLET)
    }

    /// What comes of one token account with this `info`.
    fn told(&self, info: &str) -> Reading<u64> {
        let account = format!(r#"{{"account":{{"data":{{"parsed":{{"info":{info}}}}}}}}}"#);
        let body = format!(r#"{{"jsonrpc":"2.0","id":1,"result":{{"value":[{account}]}}}}"#);
        self.node.fail_next(Misbehaviour::Body(body), 1);
        self.client.whole_tokens(WALLET)
    }
}

#[test]
fn each_account_is_rounded_down_before_they_are_added_up() {
    let scene = Scene::new();
    assert_eq!(scene.holding(&[(1_999_999, 6), (1_999_999, 6)]), Reading::Found(2));
    assert_eq!(scene.holding(&[(10_000_000_000, 6)]), Reading::Found(10_000));
    assert_eq!(scene.holding(&[(9_999_999_999, 6)]), Reading::Found(9_999));
}

#[test]
fn amounts_are_exact_beyond_what_a_float_can_hold() {
    let scene = Scene::new();
    assert_eq!(scene.holding(&[(9_007_199_254_740_993, 0)]), Reading::Found(9_007_199_254_740_993));
    assert_eq!(scene.holding(&[(u64::MAX, 0)]), Reading::Found(u64::MAX));
    assert_eq!(scene.holding(&[(u64::MAX, 19)]), Reading::Found(1));
    assert_eq!(scene.holding(&[(u64::MAX, 20)]), Reading::Found(0));
}

#[test]
fn a_wallet_without_accounts_of_the_token_holds_none() {
    let scene = Scene::new();
    assert_eq!(scene.client.whole_tokens(WALLET), Reading::Found(0));
    scene.node.set_tokens(WALLET, OTHER_MINT, &[(5, 0)]);
    assert_eq!(scene.client.whole_tokens(WALLET), Reading::Found(0));
}

#[test]
fn w21_an_error_of_the_node_is_no_balance() {
    let scene = Scene::new();
    assert_eq!(scene.holding(&[(7, 0)]), Reading::Found(7));
    scene.node.refuse_next(-32_005, "Node is behind by 42 slots");
    assert_eq!(problem(scene.client.whole_tokens(WALLET)), Problem::Rpc(-32_005));
    check_troubles(&scene.node, "getTokenAccountsByOwner", || scene.client.whole_tokens(WALLET));
    assert_eq!(scene.client.whole_tokens(WALLET), Reading::Found(7));
}

#[test]
fn an_answer_about_another_token_or_wallet_is_refused() {
    let scene = Scene::new();
    let amount = r#""tokenAmount":{"amount":"5","decimals":0}"#;
    let other = Problem::Invalid("it is about another token or wallet");
    assert_eq!(problem(scene.told(&format!(r#"{{"mint":"{OTHER_MINT}",{amount}}}"#))), other);
    assert_eq!(problem(scene.told(&format!(r#"{{"owner":"{MINT}",{amount}}}"#))), other);
    let ours = format!(r#"{{"mint":"{MINT}","owner":"{WALLET}",{amount}}}"#);
    assert_eq!(scene.told(&ours), Reading::Found(5));
}

#[test]
fn amounts_that_are_none_are_refused() {
    let scene = Scene::new();
    for amount in ["", "-1", "+1", "1.5", "1e3", "18446744073709551616"] {
        let info = format!(r#"{{"tokenAmount":{{"amount":"{amount}","decimals":0}}}}"#);
        assert_eq!(problem(scene.told(&info)), Problem::Invalid("an amount is no number"), "{amount}");
    }
    for info in [r#"{"tokenAmount":{"uiAmount":1.0}}"#, r#"{"tokenAmount":{"amount":5,"decimals":0}}"#, "{}"]
    {
        assert!(matches!(problem(scene.told(info)), Problem::Invalid(_)), "{info}");
    }
    let overflow = scene.holding(&[(u64::MAX, 0), (1, 0)]);
    assert_eq!(problem(overflow), Problem::Invalid("the amounts exceed 64 bits"));
}

#[test]
fn an_answer_with_neither_result_nor_error_is_none() {
    let scene = Scene::new();
    for body in ["{}", r#"{"result":null}"#, r#"{"result":{"value":null}}"#, r#"{"result":{}}"#] {
        scene.node.fail_next(Misbehaviour::Body(body.to_owned()), 1);
        assert!(matches!(problem(scene.client.whole_tokens(WALLET)), Problem::Invalid(_)), "{body}");
    }
}

#[test]
fn silence_ends_at_the_time_limit_and_a_limited_rate_tells_how_long() {
    let scene = Scene::new();
    scene.node.fail_next(Misbehaviour::TooManyRequests { retry_after_ms: Some(5_000) }, 1);
    let failure = unavailable(scene.client.whole_tokens(WALLET));
    assert_eq!(
        (failure.upstream, failure.retry_after.map(|wait| wait.as_secs())),
        (Upstream::Solana, Some(5))
    );
    scene.node.fail_next(Misbehaviour::Silence, 1);
    let hasty = SolanaTokensConfig { timeout: SHORT, ..config(&scene.node) };
    let hasty = SolanaTokens::new(hasty, Arc::new(Unobserved)).unwrap();
    assert_eq!(problem(hasty.whole_tokens(WALLET)), Problem::Timeout);
}

#[test]
fn a_token_in_the_node_s_address_never_shows() {
    let scene = Scene::new();
    let gone = config(&scene.node);
    let shown = format!("{:?} {gone:?}", scene.client);
    drop(scene.node);
    let failure = unavailable(scene.client.whole_tokens(WALLET));
    assert_eq!(failure.problem, Problem::Unreachable);
    assert!(!format!("{shown} {failure} {failure:?}").contains("t0ken"));
}
