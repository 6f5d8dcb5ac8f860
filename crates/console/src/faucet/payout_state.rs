//! How far a payout is, in words: pending, sent, confirmed.

use bursar_faucet::rules::payout_state::PayoutState;
use maud::{Markup, html};

/// The state with what it means.
pub(crate) fn shown(state: PayoutState) -> Markup {
    let (word, class, meaning) = match state {
        PayoutState::Created => ("pending", "quiet", "It waits to be signed."),
        PayoutState::Held => {
            ("pending", "bad", "It is held back and goes on by itself, or an operator lets it go.")
        }
        PayoutState::Signed => ("pending", "quiet", "Its block is signed and on its way."),
        PayoutState::Published => ("sent", "good", "Its block is on the chain and not final yet."),
        PayoutState::Confirmed => ("confirmed", "good", "Its block is final."),
        PayoutState::Failed => ("failed", "bad", "It was not paid; what it was for is open again."),
    };
    html! {
        span.state.(class) title=(meaning) { (word) }
        @if state == PayoutState::Held { small.quiet { " held" } }
        @if state == PayoutState::Signed { small.quiet { " signed" } }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn people_see_pending_then_sent_then_confirmed() {
        let word = |state| {
            let text = shown(state).into_string();
            text.split('>').nth(1).unwrap().split('<').next().unwrap().to_owned()
        };
        assert_eq!(
            PayoutState::ALL.map(word),
            ["pending", "pending", "pending", "sent", "confirmed", "failed"]
        );
    }
}
