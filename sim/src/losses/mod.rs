//! How others lost money, replayed here: each test is named for the loss, and none comes to pass.

mod keys;
mod pay_scene;
mod payouts;
mod restores;
mod scene;
mod stops;
