//! Local stand-ins for the outside services the desks depend on, for development, tests, replays and the demo.
//!
//! A stand-in speaks the service's real protocol on loopback and can be told to fail, lag or lie while it runs.

pub mod prices;
