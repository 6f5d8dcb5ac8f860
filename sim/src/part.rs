//! One part of the world: lent out for a moment at a time, and never twice at once.

use parking_lot::Mutex;

/// A value that steps nested in one another may all touch. Using it while it is in use is a bug of the simulator, and
/// stops it instead of hanging.
#[derive(Debug, Default)]
pub struct Part<T>(Mutex<T>);

impl<T> Part<T> {
    /// A part that holds `value`.
    pub fn new(value: T) -> Part<T> {
        Part(Mutex::new(value))
    }

    /// Lends the value to `work`, which must not step into the platform.
    pub fn with<R>(&self, work: impl FnOnce(&mut T) -> R) -> R {
        work(&mut self.0.try_lock().expect("a part of the world was used while it was in use"))
    }
}
