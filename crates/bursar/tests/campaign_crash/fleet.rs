//! The servers of one database, which are killed and come back.

use crate::campaign::{Connection, Random, setup};
use crate::harness::{Place, Prices, Server, Setup};

/// Servers that run side by side; on the embedded engine there is one.
pub struct Fleet {
    servers: Vec<Server>,
    setup: Setup,
}

impl Fleet {
    /// Starts `size` servers.
    pub fn start(place: &Place, prices: &Prices, size: usize) -> Fleet {
        Fleet::with(setup(place, prices), size)
    }

    /// Starts `size` servers in this way.
    pub fn with(setup: Setup, size: usize) -> Fleet {
        let servers = (0..size).map(|_| setup.start()).collect();
        Fleet { servers, setup }
    }

    /// Where they listen.
    pub fn bases(&self) -> Vec<String> {
        self.servers.iter().map(|server| server.base().to_owned()).collect()
    }

    /// Any one of them.
    pub fn any(&self, random: &mut Random) -> &Server {
        &self.servers[random.index(self.servers.len())]
    }

    /// Kills at least one of them, perhaps all.
    pub fn kill(&mut self, random: &mut Random) {
        let spared = random.index(self.servers.len());
        while self.servers.len() > spared {
            let index = random.index(self.servers.len());
            self.servers.swap_remove(index).kill();
        }
    }

    /// Kills all of them.
    pub fn kill_all(&mut self) {
        self.servers.drain(..).for_each(Server::kill);
    }

    /// Starts as many as it takes to have `size` again.
    pub fn restore(&mut self, size: usize) {
        while self.servers.len() < size {
            self.servers.push(self.setup.start());
        }
    }
}

/// Asks for a move of the manual clock and does not mind if nobody lives to answer: the status, if there was one.
pub fn move_clock(base: &str, now_ms: i64) -> Option<u16> {
    let body = format!("{{\"nowMs\":{now_ms}}}");
    Connection::open(base)?.post("/dev/clock", "", &body).map(|(status, _)| status)
}
