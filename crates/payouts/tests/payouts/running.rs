//! Pages, figures and jobs: what people see, and what makes senders take their turns.

use bursar_audit::Actor;
use bursar_desk::job::{Scheduler, SchedulerParts, Waker};
use bursar_payouts::{IntentState, PayoutFilter, PayoutMetrics, jobs};
use bursar_web::metrics::{Format, Registry};

use crate::restore::{stop, word};
use crate::scene::{DESK, key, on_each_engine, payee, recorder};

#[test]
fn payouts_are_found_by_id_and_key_and_listed_newest_first() {
    on_each_engine(|scene| {
        let ids: Vec<_> = (0..5).map(|n| scene.order(&format!("k{n}"), &payee(1), 1).unwrap()).collect();
        let shown = scene.read(|tx| scene.payouts.show(tx, ids[2].public_id)).unwrap();
        assert_eq!((shown.payout.id, shown.payout.key.as_str(), shown.attempts.len()), (ids[2].id, "k2", 0));
        assert_eq!(scene.read(|tx| scene.payouts.find(tx, DESK, &key("k2"))).unwrap(), shown);
        let list = |filter: &PayoutFilter, before| {
            let page = scene.read(|tx| scene.payouts.list(tx, filter, before, 2));
            page.into_iter().map(|payout| payout.id.0).collect::<Vec<_>>()
        };
        let all = PayoutFilter::default();
        assert_eq!(list(&all, None), [5, 4]);
        assert_eq!(list(&all, Some(ids[3].id)), [3, 2]);
        let open =
            PayoutFilter { state: Some(IntentState::Accepted), desk: Some(DESK.to_owned()), ..all.clone() };
        assert_eq!(list(&open, Some(ids[1].id)), [1]);
        assert_eq!(list(&PayoutFilter { state: Some(IntentState::Final), ..all.clone() }, None), [0; 0]);
        assert_eq!(list(&PayoutFilter { desk: Some("rounds".to_owned()), ..all }, None), [0; 0]);
    });
}

#[test]
fn a_wallet_has_a_job_that_is_due_while_something_is_to_be_paid_and_what_it_did_is_counted() {
    on_each_engine(|scene| {
        scene.fund(1_000);
        scene.order("a", &payee(1), 100).unwrap();
        let registry = Registry::new();
        let metrics = PayoutMetrics::register(&registry).unwrap();
        let payouts = scene.restarted_counting(&metrics);
        let wallets = scene.read(|tx| payouts.wallets(tx));
        let jobs = jobs(&payouts, &wallets);
        let names: Vec<_> = jobs.iter().map(|job| job.name).collect();
        assert_eq!(names, ["payouts.send.hot", "payouts.figures"]);
        let now = scene.test.now();
        let due = scene.read(|tx| (jobs[0].work_at.as_ref().unwrap())(tx));
        assert_eq!(due, Some(now));
        let parts =
            SchedulerParts { store: scene.store(), process: "p1".to_owned(), waker: Waker::default(), jobs };
        // Their names and cadences are what a scheduler takes; under the simulated clock it runs none of them.
        drop(Scheduler::start(parts).unwrap());
        let sender = scene.sender_of(&payouts);
        scene.run(&sender, &scene.lease("two").unwrap());
        let waits = scene.order("waits", &payee(2), 1).unwrap().id;
        scene.write(|tx, now| {
            payouts.set_aside(tx, waits, "later", &Actor::system("faucet"), &recorder("test.desk"), now)
        });
        metrics.refresh(&scene.store()).unwrap();
        let text = registry.render(Format::Text);
        let line = |wanted: &str| assert!(text.lines().any(|line| line == wanted), "{wanted}\n{text}");
        line("bursar_payout_attempts_total{chain=\"banano\",desk=\"faucet\",result=\"final\"} 2");
        line("bursar_payout_wallet_standing{chain=\"banano\",desk=\"faucet\",standing=\"running\"} 1");
        line("bursar_payout_stuck 0");
        line("bursar_payout_intents{state=\"held\",desk=\"faucet\"} 1");
        assert_eq!(scene.paid(1), 100);
        scene.check();
    });
}

#[test]
fn senders_of_two_servers_compare_a_wallet_once_each_and_anew_after_a_persons_word() {
    on_each_engine(|scene| {
        let (one, lease) = scene.funded(1_000);
        let other = scene.sender();
        let run = |sender| {
            scene.test.set_time(scene.test.now().after_ms(1_000));
            scene.run(sender, &lease);
            scene.read(|tx| scene.payouts.wallet(tx, &scene.wallet)).unwrap().matched_at
        };
        let compared = run(&other);
        for sender in [&one, &other, &one] {
            assert_eq!(run(sender), compared);
        }
        // Nobody relies on another for longer than a minute.
        scene.test.set_time(scene.test.now().after_ms(60_000));
        let by_one = run(&one);
        assert!(compared < by_one);
        assert_eq!((run(&one), run(&other) > by_one), (by_one, true));
        stop(scene);
        word(scene, &scene.payouts, 1_000, false).unwrap();
        let said = scene.read(|tx| scene.payouts.wallet(tx, &scene.wallet)).unwrap().matched_at;
        let anew = run(&one);
        assert!(compared < said && said < anew, "{compared:?}, {said:?}, {anew:?}");
        assert_eq!(run(&other), anew);
    });
}
