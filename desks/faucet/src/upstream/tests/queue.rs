//! Whose turn it is.

use std::collections::BTreeSet;

use proptest::collection::vec;
use proptest::prelude::*;

use crate::upstream::reading_order;

#[test]
fn never_asked_comes_first_then_longest_ago_then_the_smaller_id() {
    let users = [(1, Some(50)), (2, None), (3, Some(-7)), (4, None), (5, Some(50))];
    assert_eq!(reading_order(&users), [2, 4, 3, 1, 5]);
    assert!(reading_order::<u8>(&[]).is_empty());
}

proptest! {
    #[test]
    fn w12_nobody_is_left_out(moments in vec(proptest::option::of(any::<i64>()), 0..50)) {
        let users: Vec<(usize, Option<i64>)> = moments.into_iter().enumerate().collect();
        let order = reading_order(&users);
        prop_assert_eq!(order.iter().collect::<BTreeSet<_>>().len(), users.len());
        prop_assert!(order.windows(2).all(|pair| users[pair[0]].1 <= users[pair[1]].1));
    }

    #[test]
    fn w12_with_room_for_a_few_a_cycle_everybody_is_asked_in_as_few_cycles_as_can_be(
        count in 1_usize..60,
        room in 1_usize..20,
    ) {
        let mut users: Vec<(usize, Option<i64>)> = (0..count).map(|id| (id, None)).collect();
        let cycles = count.div_ceil(room);
        for cycle in 0..cycles {
            for id in reading_order(&users).into_iter().take(room) {
                users[id].1 = Some(i64::try_from(cycle).unwrap());
            }
        }
        prop_assert!(users.iter().all(|(_, asked)| asked.is_some()));
    }
}
