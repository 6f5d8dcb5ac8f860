//! The forms of incidents: one to open, and for each incident those that fit how far it is.

use bursar_desk::incident::{
    Class, Incident, MESSAGE_CHARACTERS_MAX, NOTE_CHARACTERS_MAX, PLATFORM, State, TITLE_CHARACTERS_MAX,
    is_watched,
};
use bursar_store::Timestamp;
use maud::{Markup, html};

use super::incidents::PATH;

/// What the forms need.
pub(super) struct Forms<'a> {
    /// Of the visitor's session.
    pub proof: &'a str,
}

impl Forms<'_> {
    /// The form that opens an incident of one of `desks` or of all.
    pub fn open(&self, desks: &[&str]) -> Markup {
        self.form(
            "open",
            None,
            "Open an incident",
            "danger",
            &html! {
                label for="open-title" { "What is wrong, for operators" }
                input #open-title name="title" required maxlength=(TITLE_CHARACTERS_MAX) autocomplete="off";
                label for="open-class" { "Class" }
                select #open-class name="class" required { (classes()) }
                p.quiet { "P0 and S1 halt the payouts of the desk at once. P3 harms nobody." }
                label for="open-desk" { "Desk" }
                select #open-desk name="desk" {
                    @for desk in desks { option value=(desk) { (desk) } }
                    option value=(PLATFORM) { "all of them" }
                }
                (for_users("open", false))
            },
        )
    }

    /// The forms that fit `incident`.
    pub fn acts(&self, incident: &Incident, now: Timestamp) -> Markup {
        let id = Some(incident.id);
        html! {
            @match incident.state {
                State::Open => {
                    @if incident.acknowledged_at.is_none() {
                        (self.form("acknowledge", id, "I take care of it", "calm", &html! {}))
                    }
                    (self.form("update", id, "Add what is new", "calm", &html! {
                        (note("update", "Note for operators", false))
                        (for_users("update", true))
                        label for="update-class" { "Class" }
                        select #update-class name="class" { option value="" { "as it is" } (classes()) }
                    }))
                    (self.form("resolve", id, "It is over", "calm", &note("resolve", "What ended it", true)))
                }
                State::Resolved => {
                    (self.form("review", id, "Close it with this review", "calm",
                        &note("review", "What happened, what showed it, and what changes", true)))
                    @if is_watched(incident, now) {
                        (self.form("reopen", id, "It is not over", "danger", &note("reopen", "What came back", true)))
                    }
                }
                State::Reviewed => {}
            }
        }
    }

    fn form(&self, act: &str, id: Option<i64>, label: &str, tone: &str, fields: &Markup) -> Markup {
        html! {
            section.card {
                form #(act) method="post" action=(PATH) {
                    input type="hidden" name="proof" value=(self.proof);
                    input type="hidden" name="act" value=(act);
                    @if let Some(id) = id { input type="hidden" name="id" value=(id); }
                    (fields)
                    button.go.(tone) type="submit" { (label) }
                }
            }
        }
    }
}

/// Words for users and an expected end; for an incident that is there, with a box to take the words away.
fn for_users(form: &str, may_withdraw: bool) -> Markup {
    let (words, minutes) = (format!("{form}-message"), format!("{form}-minutes"));
    html! {
        label for=(words) { "Words for users" @if may_withdraw { " (empty: as before)" } @else { " (empty: none)" } }
        textarea id=(words) name="message" rows="2" maxlength=(MESSAGE_CHARACTERS_MAX) {}
        @if may_withdraw {
            label.check { input type="checkbox" name="withdraw" value="yes"; " tell users nothing from now on" }
        }
        label for=(minutes) { "Over in so many minutes (empty: " @if may_withdraw { "as before)" } @else { "unknown)" } }
        input id=(minutes) name="minutes" inputmode="numeric" pattern="[0-9]{1,6}" autocomplete="off";
    }
}

fn note(form: &str, label: &str, is_required: bool) -> Markup {
    let id = format!("{form}-note");
    html! {
        label for=(id) { (label) }
        textarea id=(id) name="note" rows="3" maxlength=(NOTE_CHARACTERS_MAX) required[is_required] {}
    }
}

fn classes() -> Markup {
    html! { @for class in Class::ALL { option value=(class) { (class) } } }
}
