//! What the stand-ins do that a well-behaved client never asks for.
#![allow(
    clippy::unwrap_used,
    reason = "the small functions tests share may fail loudly like the tests themselves"
)]

use std::net::SocketAddr;
use std::thread;
use std::time::Duration;

use bursar_devnet_faucet::{
    Discord, DiscordApp, Misbehaviour, Request, Response, Service, Solana, StandIn, Stats, Yunite,
};
use serde_json::{Value, json};

const ALICE: u64 = 80;

fn discord() -> Discord {
    let mut discord = Discord::new(DiscordApp {
        client_id: "app".to_owned(),
        client_secret: "s3cret".to_owned(),
        redirect_uri: "https://f.example/cb".to_owned(),
    });
    discord.set_person(ALICE, "<alice>", 1..=201);
    discord
}

fn request(method: &str, path: &str, query: &str, body: &str) -> Request {
    let (method, path, query) = (method.to_owned(), path.to_owned(), query.to_owned());
    Request { method, path, query, headers: Vec::new(), body: body.to_owned() }
}

fn authorize(discord: &mut Discord, query: &str) -> Response {
    discord.answer(&request("GET", "/oauth2/authorize", query, ""))
}

fn json_of(response: &Response) -> Value {
    serde_json::from_str(&response.body).unwrap()
}

const ASKS: &str = "client_id=app&redirect_uri=https%3A%2F%2Ff.example%2Fcb&response_type=code&state=s";

#[test]
fn the_authorize_page_lets_one_choose_who_one_is() {
    let mut discord = discord();
    let page = authorize(&mut discord, ASKS);
    assert_eq!(page.status, 200);
    let link = "<li><a href=\"?client_id=app&amp;redirect_uri=https%3A%2F%2Ff.example%2Fcb&amp;response_type=code\
        &amp;state=s&amp;as=80\">&lt;alice&gt;</a>";
    assert!(page.body.contains(link), "{}", page.body);
    let chosen = authorize(&mut discord, &format!("{ASKS}&as=80"));
    let location = ("location", "https://f.example/cb?code=code-1&state=s".to_owned());
    assert_eq!((chosen.status, chosen.headers), (302, vec![location]));
}

#[test]
fn nobody_is_sent_to_an_address_that_is_not_registered() {
    let mut discord = discord();
    discord.sign_in(Some(ALICE));
    assert_eq!(authorize(&mut discord, ASKS).status, 302);
    for query in [
        ASKS.replace("f.example", "evil.example"),
        ASKS.replace("=app", "=other"),
        ASKS.replace("=code", "=token"),
        String::new(),
    ] {
        assert_eq!(authorize(&mut discord, &query).status, 400, "{query}");
    }
}

#[test]
fn a_code_needs_the_right_secret_purpose_and_address() {
    let mut discord = discord();
    let code = discord.issue_code(ALICE);
    let form = format!(
        "client_id=app&client_secret=s3cret&grant_type=authorization_code&code={code}\
         &redirect_uri=https%3A%2F%2Ff.example%2Fcb"
    );
    let mut refusal = |form: &str| {
        let response = discord.answer(&request("POST", "/oauth2/token", "", form));
        (response.status, json_of(&response)["error"].as_str().map(str::to_owned))
    };
    let refused = |status: u16, error: &str| (status, Some(error.to_owned()));
    assert_eq!(refusal(&form.replace("s3cret", "x")), refused(401, "invalid_client"));
    assert_eq!(refusal(&form.replace("authorization_code", "x")), refused(400, "unsupported_grant_type"));
    assert_eq!(refusal(&form.replace("f.example", "x")), refused(400, "invalid_request"));
    assert_eq!(refusal(&form.replace(&code, "x")), refused(400, "invalid_grant"));
    assert_eq!(refusal(&form), (200, None));
    assert_eq!(refusal(&form), refused(400, "invalid_grant"));
}

#[test]
fn guilds_come_in_pages_of_at_most_200_and_need_a_token() {
    let mut discord = discord();
    let code = discord.issue_code(ALICE);
    let form = format!(
        "client_id=app&client_secret=s3cret&grant_type=authorization_code&code={code}\
         &redirect_uri=https%3A%2F%2Ff.example%2Fcb"
    );
    let token = json_of(&discord.answer(&request("POST", "/oauth2/token", "", &form)));
    let bearer = format!("Bearer {}", token["access_token"].as_str().unwrap());
    let mut guilds = |query: &str, bearer: &str| {
        let mut asked = request("GET", "/users/@me/guilds", query, "");
        asked.headers.push(("authorization".to_owned(), bearer.to_owned()));
        let response = discord.answer(&asked);
        let ids = json_of(&response);
        let id = |index: usize| ids[index]["id"].as_str().map(str::to_owned);
        (response.status, ids.as_array().map(Vec::len), id(0))
    };
    assert_eq!(guilds("", &bearer), (200, Some(200), Some("1".to_owned())));
    assert_eq!(guilds("limit=2&after=200", &bearer), (200, Some(1), Some("201".to_owned())));
    for query in ["limit=201", "limit=0", "limit=x", "after=x"] {
        assert_eq!(guilds(query, &bearer).0, 400, "{query}");
    }
    assert_eq!(guilds("", "Bearer token-9").0, 401);
}

#[test]
fn yunite_wants_a_token_its_guild_and_a_list_of_texts() {
    let mut yunite = Yunite::new("77", "k3y");
    let mut status = |path: &str, key: Option<&str>, body: Value| {
        let mut asked = request("POST", path, "", &body.to_string());
        asked.headers.extend(key.map(|key| ("y-api-token".to_owned(), key.to_owned())));
        yunite.answer(&asked).status
    };
    let (path, body) = ("/v3/guild/77/registration/links", json!({ "type": "DISCORD", "userIds": ["1"] }));
    assert_eq!(status(path, Some("k3y"), body.clone()), 200);
    assert_eq!(status(path, None, body.clone()), 401);
    assert_eq!(status(path, Some("other"), body.clone()), 403);
    assert_eq!(status("/v3/guild/78/registration/links", Some("k3y"), body), 404);
    assert_eq!(status(path, Some("k3y"), json!({ "type": "DISCORD", "userIds": [1] })), 400);
    assert_eq!(status(path, Some("k3y"), json!({ "type": "EPIC", "userIds": ["1"] })), 400);
}

#[test]
fn the_node_knows_one_method_and_one_encoding() {
    let mut node = Solana::new();
    let mut code = |method: &str, encoding: &str| {
        let params = json!(["w", { "mint": "m" }, { "encoding": encoding }]);
        let body = json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params }).to_string();
        json_of(&node.answer(&request("POST", "/", "", &body)))["error"]["code"].as_i64()
    };
    assert_eq!(code("getTokenAccountsByOwner", "jsonParsed"), None);
    assert_eq!(code("getTokenAccountsByOwner", "base64"), Some(-32_602));
    assert_eq!(code("getBalance", "jsonParsed"), Some(-32_601));
}

/// The status of a request for one account's kills; `None` where no whole answer came.
fn get(stand_in: &StandIn<Stats>) -> Option<u16> {
    ask(&stand_in.base_url())
}

fn ask(base_url: &str) -> Option<u16> {
    let config = ureq::Agent::config_builder().http_status_as_error(false);
    let agent: ureq::Agent = config.timeout_global(Some(Duration::from_secs(20))).build().into();
    let url = format!("{base_url}/stats/br/v2/ep1c");
    let mut reply = agent.get(url).header("authorization", "k3y").call().ok()?;
    reply.body_mut().read_to_string().ok()?;
    Some(reply.status().as_u16())
}

#[test]
fn a_stand_in_serves_loopback_only() {
    let refused = StandIn::start_at(Stats::new("k3y"), SocketAddr::from(([0, 0, 0, 0], 0)));
    assert_eq!(refused.err().map(|error| error.kind()), Some(std::io::ErrorKind::InvalidInput));
}

#[test]
fn faults_come_in_order_are_counted_and_can_be_forgotten() {
    let stand_in = StandIn::start(Stats::new("k3y")).unwrap();
    stand_in.set_kills("ep1c", 7);
    stand_in.fail_next(Misbehaviour::Status(503), 1);
    stand_in.fail_next_of("stats", Misbehaviour::DropRequest, 1);
    stand_in.fail_next_of("other", Misbehaviour::Status(500), 1);
    assert_eq!([(); 3].map(|()| get(&stand_in)), [Some(503), None, Some(200)]);
    stand_in.fail_next(Misbehaviour::Status(500), 9);
    stand_in.behave();
    assert_eq!(get(&stand_in), Some(200));
    assert_eq!((stand_in.calls(), stand_in.calls_of("stats"), stand_in.calls_of("other")), (4, 4, 0));
}

#[test]
fn it_knows_how_many_requests_were_under_way_at_the_same_time() {
    let stand_in = StandIn::start(Stats::new("k3y")).unwrap();
    assert_eq!((get(&stand_in), stand_in.most_at_once()), (Some(404), 1));
    // Neither is answered before the stand-in has gone, so both are certainly under way together.
    stand_in.fail_next(Misbehaviour::Silence, 2);
    let asking = [(); 2].map(|()| {
        let base_url = stand_in.base_url();
        thread::spawn(move || ask(&base_url))
    });
    while stand_in.most_at_once() < 2 {
        thread::yield_now();
    }
    drop(stand_in);
    assert_eq!(asking.map(|answer| answer.join().unwrap()), [None, None]);
}
