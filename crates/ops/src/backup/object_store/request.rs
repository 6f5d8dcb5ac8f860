//! One request to the object store: signed anew for each attempt, limited in time and size, repeated where that is safe.

use std::io::{self, ErrorKind};
use std::thread::sleep;
use std::time::Duration;

use rusty_s3::S3Action;
use ureq::http::{Method, Request, Response};
use ureq::{Agent, Body};

use super::settings::Patience;

/// How long a signature counts: longer than an attempt, and a clock may be this far off.
const SIGNED_FOR: Duration = Duration::from_secs(900);
/// Names of the error that an answer's XML tells are cut to this.
const CODE_BYTES_MAX: usize = 64;

/// What came back.
pub struct Answer {
    pub status: u16,
    pub body: Vec<u8>,
    pub etag: Option<String>,
    /// Size of the object, of an answer without a body.
    pub length: Option<u64>,
}

/// What is asked besides the signed address.
#[derive(Clone, Copy)]
pub struct Ask<'a> {
    /// The body; `None` = none.
    pub body: Option<&'a [u8]>,
    /// Bytes from here to there, the last included, of the version with this tag.
    pub range: Option<(u64, u64, &'a str)>,
    /// The most bytes of the answer that are read.
    pub most: u64,
}

impl Ask<'_> {
    /// No body, and a small text as the answer: a page of a list has 1,000 keys.
    pub const SMALL: Ask<'static> = Ask { body: None, range: None, most: 4 << 20 };
}

/// Asks.
pub struct Client {
    agent: Agent,
    patience: Patience,
}

impl Client {
    pub fn new(patience: Patience) -> Client {
        let agent = Agent::config_builder()
            .timeout_global(Some(patience.attempt))
            .timeout_connect(Some(patience.attempt.min(Duration::from_secs(10))))
            .http_status_as_error(false)
            .max_redirects(0)
            .max_redirects_will_error(false)
            .proxy(None)
            .user_agent("bursar")
            .build();
        Client { agent: agent.into(), patience }
    }

    /// Asks until there is an answer that is no fault of the server, at most so often as patience says.
    ///
    /// # Errors
    /// The last attempt's. None of them shows the address, since its signature opens the object for a while.
    pub fn ask<'a, A: S3Action<'a>>(&self, action: &A, ask: Ask<'_>) -> io::Result<Answer> {
        let mut pause = self.patience.pause;
        let mut attempt = 1;
        loop {
            let answer = self.once(action, ask);
            let again = match &answer {
                Ok(answer) => answer.status >= 500 || answer.status == 429,
                Err(_) => true,
            };
            if !again || attempt >= self.patience.attempts {
                return answer;
            }
            sleep(pause);
            pause = pause.saturating_mul(4);
            attempt += 1;
        }
    }

    fn once<'a, A: S3Action<'a>>(&self, action: &A, ask: Ask<'_>) -> io::Result<Answer> {
        let method = match A::METHOD {
            rusty_s3::Method::Head => Method::HEAD,
            rusty_s3::Method::Get => Method::GET,
            rusty_s3::Method::Post => Method::POST,
            rusty_s3::Method::Put => Method::PUT,
            rusty_s3::Method::Delete => Method::DELETE,
        };
        let mut request = Request::builder().method(method).uri(action.sign(SIGNED_FOR).as_str());
        if let Some((from, to, etag)) = ask.range {
            request = request.header("range", format!("bytes={from}-{to}")).header("if-match", etag);
        }
        let refused = |_| io::Error::new(ErrorKind::InvalidInput, "the request cannot be made");
        let answer = match ask.body {
            Some(body) => self.agent.run(request.body(body).map_err(refused)?),
            None => self.agent.run(request.body(()).map_err(refused)?),
        };
        self.read(answer.map_err(|error| self.told(error))?, ask.most)
    }

    fn read(&self, mut answer: Response<Body>, most: u64) -> io::Result<Answer> {
        let header = |name: &str| answer.headers().get(name).and_then(|value| value.to_str().ok());
        let (etag, length) = (header("etag").map(str::to_owned), header("content-length"));
        let length = length.and_then(|length| length.parse().ok());
        let body = answer.body_mut().with_config().limit(most).read_to_vec();
        let body = body.map_err(|error| self.told(error))?;
        Ok(Answer { status: answer.status().as_u16(), body, etag, length })
    }

    fn told(&self, error: ureq::Error) -> io::Error {
        match error {
            ureq::Error::Timeout(_) => {
                let seconds = self.patience.attempt.as_secs();
                io::Error::new(ErrorKind::TimedOut, format!("it did not answer within {seconds} s"))
            }
            ureq::Error::Io(error) => error,
            ureq::Error::BodyExceedsLimit(most) => {
                io::Error::new(ErrorKind::InvalidData, format!("it answered more than {most} bytes"))
            }
            // Not "not found", which says that the object is not there.
            ureq::Error::HostNotFound => io::Error::other("its host is not known"),
            ureq::Error::ConnectionFailed => {
                io::Error::new(ErrorKind::ConnectionRefused, "it cannot be connected to")
            }
            ureq::Error::Tls(why) => io::Error::other(format!("TLS failed: {why}")),
            // Whatever else there is may quote the address.
            _ => io::Error::other("the exchange failed"),
        }
    }
}

impl Answer {
    /// The answer itself when its status is 2xx; else what it says, in words for operators.
    pub fn good(self) -> io::Result<Answer> {
        let code = self.code();
        let text = |why: &str| format!("it answered {}{code}: {why}", self.status);
        match self.status {
            200..300 => Ok(self),
            401 | 403 => Err(io::Error::new(
                ErrorKind::PermissionDenied,
                text(
                    "look at BACKUP_S3_ACCESS_KEY_ID, BACKUP_S3_SECRET_ACCESS_KEY, BACKUP_S3_REGION and the clock",
                ),
            )),
            404 if code == " NoSuchBucket" => Err(io::Error::other(text("make the bucket, or name another"))),
            404 => Err(io::Error::new(ErrorKind::NotFound, text("it is not there"))),
            412 => Err(io::Error::new(ErrorKind::InvalidData, text("it was changed while it was read"))),
            507 => Err(io::Error::new(ErrorKind::StorageFull, text("it is full"))),
            _ => Err(io::Error::other(text("it does not do it"))),
        }
    }

    /// The error's name in the XML of the answer, such as ` NoSuchBucket`, with a space before it.
    pub fn code(&self) -> String {
        let text = String::from_utf8_lossy(&self.body);
        let name = text.split_once("<Code>").and_then(|(_, rest)| rest.split_once("</Code>"));
        let is_name = |name: &&str| {
            name.len() <= CODE_BYTES_MAX && name.bytes().all(|byte| byte.is_ascii_alphanumeric())
        };
        name.map(|(name, _)| name).filter(is_name).map(|name| format!(" {name}")).unwrap_or_default()
    }
}
