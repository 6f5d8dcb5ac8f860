//! Who is read next: everybody's turn comes (W12).

/// The order in which to read users: never asked first, then longest ago, then by id. Everybody is in it, so that whoever
/// a cycle has no time for stands in front in the next one.
///
/// The moment is when a user was last asked, answered or not: if only answers counted, a few accounts that never
/// answer would stay in front for good.
#[must_use]
pub fn reading_order<Id: Copy + Ord>(last_asked: &[(Id, Option<i64>)]) -> Vec<Id> {
    let mut waiting: Vec<(Option<i64>, Id)> = last_asked.iter().map(|(id, at)| (*at, *id)).collect();
    // `None` sorts before every `Some`.
    waiting.sort_unstable();
    waiting.into_iter().map(|(_, id)| id).collect()
}
