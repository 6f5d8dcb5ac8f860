//! Where the view goes: redrawn in place on a terminal, a line now and then elsewhere.

use std::io::{self, IsTerminal, Write};
use std::time::Duration;

use console::Term;

use super::Picture;

const REDRAW: Duration = Duration::from_millis(250);
const LINE_EVERY: Duration = Duration::from_secs(2);

/// Stdout of this process. Whoever has closed it does not want to see anything, so errors of writing end nothing.
pub(in super::super) struct Screen {
    /// Written at once when a picture is complete; `None` = plain lines.
    terminal: Option<Term>,
    /// Lines of the picture that is on the screen.
    drawn: usize,
}

impl Screen {
    /// Draws in place if stdout is a terminal and nobody asked for plain lines.
    pub fn new(plain: bool) -> Screen {
        let in_place = !plain && io::stdout().is_terminal();
        Screen { terminal: in_place.then(Term::buffered_stdout), drawn: 0 }
    }

    /// How long one picture stays.
    pub fn pause(&self) -> Duration {
        if self.terminal.is_some() { REDRAW } else { LINE_EVERY }
    }

    /// Puts text above the picture, for good.
    pub fn say(&mut self, text: &str) {
        let mut stdout = io::stdout().lock();
        self.drawn = 0;
        _ = writeln!(stdout, "{text}").and_then(|()| stdout.flush());
    }

    pub fn show(&mut self, picture: &Picture) {
        let Some(terminal) = &self.terminal else { return self.say(&picture.line()) };
        if let Ok(drawn) = draw(terminal, &picture.table(), self.drawn, terminal.size()) {
            self.drawn = drawn;
        }
    }

    /// Makes the cursor visible again.
    pub fn leave(&mut self) {
        if let Some(terminal) = &self.terminal {
            _ = terminal.show_cursor().and_then(|()| terminal.flush());
        }
    }
}

/// Draws `lines` over the `drawn` lines before and says how many are there then. A line wider than the terminal would
/// take two rows, and a picture as high as it would push itself up, so both are cut.
fn draw(terminal: &Term, lines: &[String], drawn: usize, (height, width): (u16, u16)) -> io::Result<usize> {
    terminal.hide_cursor()?;
    terminal.move_cursor_up(drawn)?;
    let mut count = 0;
    for line in lines.iter().take(usize::from(height.saturating_sub(1))) {
        let cut: String = line.chars().take(usize::from(width)).collect();
        terminal.clear_line()?;
        terminal.write_line(&cut)?;
        count += 1;
    }
    // What a higher picture left below goes away.
    terminal.clear_to_end_of_screen()?;
    terminal.flush()?;
    Ok(count)
}

#[cfg(test)]
mod tests {
    use std::fs::{File, read_to_string};

    use super::*;

    fn drawn(lines: &[&str], before: usize, size: (u16, u16)) -> (String, usize) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("terminal");
        let output = File::create(&path).unwrap();
        let terminal = Term::read_write_pair(File::open(&path).unwrap(), output);
        let lines: Vec<String> = lines.iter().map(|line| (*line).to_owned()).collect();
        let count = draw(&terminal, &lines, before, size).unwrap();
        (read_to_string(&path).unwrap().replace('\u{1b}', "ESC"), count)
    }

    #[test]
    fn a_picture_is_drawn_over_the_one_before() {
        let (first, count) = drawn(&["one", "two"], 0, (24, 80));
        assert_eq!((first.as_str(), count), ("ESC[?25l\rESC[2Kone\n\rESC[2Ktwo\n\rESC[0J", 2));
        let (second, count) = drawn(&["three"], count, (24, 80));
        assert_eq!((second.as_str(), count), ("ESC[?25lESC[2A\rESC[2Kthree\n\rESC[0J", 1));
    }

    #[test]
    fn what_does_not_fit_the_terminal_is_cut() {
        let (text, count) = drawn(&["wide", "high", "gone"], 0, (3, 3));
        assert_eq!(count, 2);
        assert!(text.contains("wid\n") && text.contains("hig\n") && !text.contains("gon"), "{text}");
    }
}
