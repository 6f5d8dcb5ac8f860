//! An operator at the console: a token from the command line, a session's cookie, and forms with their proof.

use crate::harness::{Answer, Server, Tool};

/// An operator with a token.
pub struct Operator {
    pub token: String,
}

/// A signed-in operator.
pub struct Session<'a> {
    server: &'a Server,
    /// As the browser sends it.
    pub cookie: String,
}

impl Operator {
    /// Adds one at the command line, beside the server.
    #[track_caller]
    pub fn add(server: &Server, name: &str, role: &str) -> Operator {
        let tool = Tool::beside(server);
        tool.json(&["operators", "add", name, "--role", role]);
        let issued = tool.json(&["operators", "token", name]);
        Operator { token: issued["token"].as_str().unwrap().to_owned() }
    }

    /// Signs in.
    #[track_caller]
    pub fn sign_in<'a>(&self, server: &'a Server) -> Session<'a> {
        let answer = sign_in(server, &self.token);
        assert_eq!((answer.status, answer.header("location")), (303, Some("/console")), "{}", answer.text);
        let cookie = answer.header("set-cookie").unwrap().split(';').next().unwrap().to_owned();
        Session { server, cookie }
    }
}

/// Sends the form to sign in.
#[track_caller]
pub fn sign_in(server: &Server, token: &str) -> Answer {
    server.post_form("/console/sign-in", &[], &[("token", token)])
}

impl Session<'_> {
    /// A page.
    #[track_caller]
    pub fn get(&self, path: &str) -> Answer {
        self.server.get_with(path, &[("cookie", &self.cookie)])
    }

    /// What the forms of this session's pages carry.
    #[track_caller]
    pub fn proof(&self) -> String {
        hidden(&self.get("/console/switches").text, "proof")
    }

    /// Sends a form of the stop page.
    #[track_caller]
    pub fn change(&self, to: &str, switch: &str, reason: &str, more: &[(&str, &str)]) -> Answer {
        let proof = self.proof();
        let fields = [("proof", proof.as_str()), ("to", to), ("switch", switch), ("reason", reason)];
        let fields: Vec<_> = fields.iter().chain(more).copied().collect();
        self.server.post_form("/console/switches", &[("cookie", &self.cookie)], &fields)
    }
}

/// The value of the first hidden field of this name.
#[track_caller]
pub fn hidden(page: &str, name: &str) -> String {
    let field = format!("<input type=\"hidden\" name=\"{name}\" value=\"");
    let (_, rest) = page.split_once(&field).unwrap_or_else(|| panic!("no hidden {name} in {page}"));
    rest.split('"').next().unwrap().to_owned()
}

/// A page's words: tags become blanks, entities characters, and blanks run together.
pub fn words(page: &str) -> String {
    let mut text = String::new();
    let mut is_tag = false;
    for mark in page.chars() {
        match mark {
            '<' => is_tag = true,
            '>' => {
                is_tag = false;
                text.push(' ');
            }
            _ if is_tag => {}
            mark => text.push(mark),
        }
    }
    let text = text.replace("&quot;", "\"").replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&");
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
