//! Who acts and why, as the audit log keeps it.

use bursar_access::Actor;

use super::CommandError;

/// Longest reason, in characters; that of the HTTP route.
const REASON_CHARACTERS_MAX: usize = 200;
/// The reason of a stop in a hurry.
const NO_REASON: &str = "not given";

/// Who acts and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Accountable {
    /// Such as `cli:ann`.
    pub actor: String,
    /// In the actor's words.
    pub reason: String,
}

impl Accountable {
    /// Reads both from the command line; without `actor` it is the system's `user`.
    pub fn new(actor: Option<&str>, user: &str, reason: Option<&str>) -> Result<Accountable, CommandError> {
        let reason = reason.unwrap_or(NO_REASON).trim();
        let length = reason.chars().count();
        if length == 0 || length > REASON_CHARACTERS_MAX || reason.contains('\0') {
            return Err(CommandError::Usage(format!(
                "--reason takes 1 to {REASON_CHARACTERS_MAX} characters"
            )));
        }
        let name = actor.unwrap_or(user).trim();
        if name.is_empty() {
            return Err(CommandError::Usage("--actor takes the name of whoever is responsible".to_owned()));
        }
        Ok(Accountable { actor: Actor::cli(name).audit_id(), reason: reason.to_owned() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_system_user_answers_for_it_unless_somebody_is_named() {
        let of = |actor, reason| Accountable::new(actor, "root", reason).map(|who| (who.actor, who.reason));
        assert_eq!(of(None, None).unwrap(), ("cli:root".to_owned(), "not given".to_owned()));
        assert_eq!(of(Some("Ann"), Some(" drill ")).unwrap(), ("cli:ann".to_owned(), "drill".to_owned()));
        assert!(of(Some(" "), None).is_err());
    }

    #[test]
    fn a_reason_has_1_to_200_characters() {
        let of = |reason: &str| Accountable::new(None, "root", Some(reason)).is_ok();
        assert!(of(&"é".repeat(200)) && !of(&"é".repeat(201)) && !of(" ") && !of("a\0b"));
    }
}
