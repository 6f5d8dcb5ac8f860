//! The pure rules of four-eyes, as tables.

