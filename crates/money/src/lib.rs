//! Exact money arithmetic: amounts in base units, assets, rates in basis points and oracle prices.
//!
//! No I/O and no floating point. Every division names its rounding, and whoever divides says who gets the remainder.

mod amount;
mod asset;
mod balance;
mod basis_points;
mod price;
mod turnover;

pub use amount::{Amount, AmountError};
pub use asset::{Asset, UnknownAsset};
pub use balance::Balance;
pub use basis_points::Bps;
pub use price::Price;
pub use ruint::aliases::U256;
pub use turnover::Turnover;
