//! The first thing anybody sees of the server: it takes a bet, lets time pass, and pays the winner.

use serde_json::json;

use crate::harness::{Join, Place, Prices, START_MS, Setup};

const END_MS: i64 = START_MS + 360_000;

#[test]
fn a_round_is_joined_ends_and_pays_its_winner_by_the_manual_clock() {
    Place::for_each_engine(|place| {
        let prices = Prices::start();
        prices.set_round("SOL", START_MS, 100, 101);
        let server = Setup::rounds(place).env("HERMES_URL", &prices.url()).start();
        Join::new("a").wallet(1).up(10).accepted(&server);
        Join::new("b").wallet(2).down(25).accepted(&server);
        assert_eq!(server.results(1)["rounds"][0]["status"], "PENDING");
        server.move_clock(END_MS - 1);
        assert_eq!(server.results(1)["rounds"][0]["status"], "PENDING");
        server.move_clock(END_MS);
        let [winner, loser] = [1, 2].map(|player| server.results(player)["rounds"][0].clone());
        assert_eq!((&winner["status"], &winner["payoutLamports"]), (&json!("WIN"), &json!(3_290)));
        assert_eq!((&loser["status"], &loser["payoutLamports"]), (&json!("LOSS"), &json!(0)));
        assert_eq!(winner["settlement"]["settledAtMs"], END_MS);
        assert_eq!(server.get("/api/status").expect(200)["status"], "ok");
    });
}

#[test]
fn a_body_of_16_kib_is_read_and_one_byte_more_is_413_in_the_desks_envelope() {
    let place = Place::sqlite();
    let server = Setup::rounds(&place).start();
    let padded = |bytes: usize| {
        let body = Join::new("a").body.to_string();
        format!("{body}{}", " ".repeat(bytes - body.len()))
    };
    let send = |bytes| server.post_with("/api/sim/entries", &[], &padded(bytes));
    assert_eq!(send(16 * 1024 + 1).expect_code(413), "body_too_large");
    assert_eq!(send(16 * 1024).expect(200), json!({"ok": true, "created": true}));
}
