//! Accepting orders: each becomes one intent with its money held, or is the intent that it was the first time.

mod decide;
mod lane;
mod order;
mod work;

pub use decide::Accepted;
pub(crate) use decide::{Asked, Author, NewIntent, Placed};
pub use lane::{Debit, LaneOrder, PayoutLane};
pub use order::PayoutOrder;
pub use work::Prepared;
