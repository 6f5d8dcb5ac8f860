//! What the demo tells: once at the start, again and again while it plays, and at the end.

mod picture;
mod screen;
mod text;
mod words;

pub(super) use picture::Picture;
pub(super) use screen::Screen;
pub(super) use words::{Farewell, Greeting};
